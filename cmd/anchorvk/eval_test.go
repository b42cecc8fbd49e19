package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/profile"
	"github.com/anchorvk/anchorvk/internal/quality"
	"github.com/anchorvk/anchorvk/internal/rivals"
	"github.com/anchorvk/anchorvk/internal/tensorfile"
)

const smollm = "../../testdata/smollm2-l20-kv0.safetensors"

// sharp is a small capture of 2 query heads, whose rows look at few keys.
func sharp(t testing.TB, dir, name string, seq int, meta map[string]string) string {
	t.Helper()
	w := tensorfile.NewWriter(meta)
	for tensor, heads := range map[string]int{"q": 2, "k": 1, "v": 1} {
		random := rand.New(rand.NewPCG(uint64(heads), uint64(tensor[0])))
		data := make([]float16.Float16, heads*seq*16)
		for i := range data {
			data[i] = float16.Fromfloat32(float32(random.IntN(200))/50 - 2)
		}
		require.NoError(t, w.AddF16(tensor, []int{heads, seq, 16}, data))
	}
	var b bytes.Buffer
	require.NoError(t, w.WriteFile(&b))
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	return path
}

// short are parameters that leave candidates in 200 positions.
var short = []string{"--block", "16", "--step", "2", "--tail", "8"}

func TestGoldenEval(t *testing.T) {
	t.Chdir(t.TempDir())
	one := sharp(t, ".", "one.safetensors", 200, map[string]string{"model": "a model", "layer": "3", "heads": "4,5", "kv_heads": "2"})
	two := sharp(t, ".", "two.safetensors", 200, nil)
	long := sharp(t, ".", "long.safetensors", 800, map[string]string{"model": "a model", "layer": "3"})
	for _, c := range []struct {
		name string
		args []string
	}{
		{"help-eval", []string{"eval", "--help"}},
		{"eval", append([]string{"eval", one, two, "--preset", "paper,safe", "--theta", "2,inf"}, short...)},
		{"eval-by-head", append([]string{"eval", "-i", one, "--by-head", "--theta", "2", "--guard", "off", "--guard", "8,0.01,0.02", "--time"}, short...)},
		{"eval-rivals", append([]string{"eval", one, "--rivals=streaming=32/64,exact-mass", "--rows", "50", "--guard", "off", "--theta", "2"}, short...)},
		{"eval-parts", append([]string{"eval", one, two, "--parts", "--generated", "300,400", "--preset", "lean,paper", "--rivals=streaming=64"}, short...)},
		{"eval-parts-by-head", append([]string{"eval", one, "--parts", "--by-head"}, short...)},
		{"eval-target", []string{"eval", long, "--target", "recall=0.95", "--theta", "1,8,10"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := invoke(newFake(), nil, c.args...)
			require.Empty(t, stderr)
			require.Equal(t, 0, code)
			golden(t, c.name, stdout)
		})
	}
	require.Equal(t, []string{"long.safetensors", "one.safetensors", "two.safetensors"}, listing(t, "."))
}

// evalDocument reads the output of `eval --json`.
type evalDocument struct {
	Schema  int              `json:"schema"`
	Results []map[string]any `json:"results"`
	Summary []map[string]any `json:"summary"`
	Target  string           `json:"target"`
}

func evalJSON(t *testing.T, args ...string) evalDocument {
	t.Helper()
	code, stdout, stderr := invoke(newFake(), nil, append([]string{"eval", "--json"}, args...)...)
	require.Equal(t, 0, code, stderr)
	var doc evalDocument
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	require.Equal(t, 1, doc.Schema)
	return doc
}

func TestEvalJSON(t *testing.T) {
	dir := t.TempDir()
	path := sharp(t, dir, "c.safetensors", 200, map[string]string{"layer": "3", "heads": "4,5"})
	doc := evalJSON(t, append([]string{path, "--theta", "1,inf", "--rivals=exact-mass=1"}, short...)...)
	require.Len(t, doc.Results, 2*3)
	require.Len(t, doc.Summary, 3)
	for i, r := range doc.Results {
		require.Equal(t, 3.0, r["layer"])
		require.Equal(t, float64(4+i/3), r["head"])
		require.Nil(t, r["time_ms"], "no device ran it")
		for _, key := range []string{"recall_mass", "peaked_miss", "rel_l2", "computed_ratio", "selection_ratio", "guarded_ratio"} {
			require.IsType(t, 0.0, r[key], key)
		}
		if i%3 > 0 { // theta inf and exact mass 1
			require.Equal(t, []any{1.0, 0.0, 0.0, 1.0}, []any{r["recall_mass"], r["peaked_miss"], r["rel_l2"], r["computed_ratio"]}, r["setting"])
		}
	}
	require.Equal(t, "inf", doc.Results[1]["params"].(map[string]any)["theta"])
	require.NotContains(t, doc.Results[2], "params")
	require.Equal(t, "exact-mass mass=1", doc.Results[2]["setting"])

	timed := evalJSON(t, append([]string{path, "--time", "--theta", "2", "--guard", "off"}, short...)...)
	require.Equal(t, 5.0, timed.Results[0]["time_ms"], "the second run, after two that are dense")
	require.InDelta(t, timed.Results[0]["rel_l2"], timed.Results[0]["rel_l2_device"], 2e-3)
}

// All rivals in one table, each at what the first setting computes.
func TestEvalEqualShare(t *testing.T) {
	path := sharp(t, t.TempDir(), "c.safetensors", 2400, nil)
	doc := evalJSON(t, path, "--block", "128", "--step", "1", "--guard", "off", "--theta", "3", "--rivals", "--equal-share", "--rows", "300")
	require.Len(t, doc.Summary, 1+len(rivals.Names()))
	share := doc.Summary[0]["computed_ratio"].(float64) + doc.Summary[0]["selection_ratio"].(float64)
	missed := []string{}
	for _, s := range doc.Summary[1:] {
		got, name := s["computed_ratio"].(float64), s["setting"].(string)
		if !strings.HasPrefix(name, "exact") && !strings.HasPrefix(name, "blasst") { // those that compute every score
			got += s["selection_ratio"].(float64)
		}
		if got > share+0.03 {
			missed = append(missed, strings.Fields(name)[0])
			continue
		}
		require.InDelta(t, share, got, 0.03, name)
	}
	require.Equal(t, []string{"xattention-8", "xattention-16", "flashprefill", "flashprefill-mean", "blasst"}, missed, "noise is spread evenly over blocks: the least they can is more")
	_, stdout, _ := invoke(newFake(), nil, "eval", path, "--block", "128", "--step", "1", "--guard", "off", "--theta", "3", "--rivals=blasst,streaming", "--equal-share", "--rows", "300")
	require.Regexp(t, `\nnot at the share of the first setting, 0\.342: blasst distance=0 \(0\.9\d\d\)\n`, stdout)
}

func TestEvalTargetWritesAProfile(t *testing.T) {
	dir := t.TempDir()
	meta := map[string]string{"model": "a model", "layer": "3", "heads": "4,5"}
	path, out := sharp(t, dir, "c.safetensors", 800, meta), filepath.Join(dir, "profile.json")
	args := []string{"eval", path, "--profile-out", out, "--json", "--target"}
	for target, mode := range map[string]attention.HeadMode{"recall=1": attention.HeadDense, "recall=1e-9": attention.HeadAnchorOnly, "miss=0.999": attention.HeadAnchorOnly, "rel_l2=0.999": attention.HeadAnchorOnly, "rel_l2=0": attention.HeadDense} {
		code, stdout, stderr := invoke(newFake(), nil, append(args, target)...)
		require.Equal(t, 0, code, stderr)
		p, err := profile.Load(out)
		require.NoError(t, err)
		require.Equal(t, "a model", p.Model)
		require.Equal(t, "safe", p.Preset)
		var doc evalDocument
		require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
		require.Equal(t, target, strings.Replace(doc.Target, "1e-09", "1e-9", 1))
		last := doc.Summary[len(doc.Summary)-1]
		require.Equal(t, "profile for "+doc.Target, last["setting"])
		if mode == attention.HeadDense {
			require.Equal(t, 1.0, last["recall_mass"].(map[string]any)["mean"])
		}
		if mode == attention.HeadAnchorOnly { // what was found, measured again from the file
			again := evalJSON(t, path, "--profile", out)
			require.Equal(t, "profile profile.json", again.Results[1]["setting"])
			require.Equal(t, "anchor_only", again.Results[1]["params"].(map[string]any)["mode"])
			require.Equal(t, last["rel_l2"], again.Summary[1]["rel_l2"])
		}
		require.Equal(t, []profile.Head{{Layer: 3, Head: 4, Own: attention.Head{Mode: mode}}, {Layer: 3, Head: 5, Own: attention.Head{Mode: mode}}}, p.Heads)
	}
	other := sharp(t, dir, "d.safetensors", 200, map[string]string{"model": "another"})
	code, _, stderr := invoke(newFake(), nil, "eval", path, other, "--target", "recall=0.9", "--profile-out", out+"2")
	require.Equal(t, exitOther, code)
	require.Contains(t, stderr, "a profile is of one model")
	require.Equal(t, []string{"c.safetensors", "d.safetensors", "profile.json"}, listing(t, dir))
}

// What was chosen is told in words, thetas, weights and modes.
func TestAProfileIsToldInWords(t *testing.T) {
	options := []attention.Head{{Mode: attention.HeadAnchor, Weight: 0.2}, {Mode: attention.HeadAnchor, Weight: 1}, {Mode: attention.HeadAnchor, Theta: 8}, {Mode: attention.HeadDense}}
	e := &evaluation{
		flags: &evalFlags{target: &quality.Target{Measure: "rel_l2", Value: 0.04}, options: options},
		took:  map[attention.Head]int{options[0]: 2, options[2]: 1, options[3]: 1},
	}
	require.Equal(t, "profile for rel_l2=0.04: 2 heads weight 0.2, 1 head theta 8, 1 head dense", e.describeProfile())
}

func TestEvalUsageErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	sharp(t, ".", "c.safetensors", 200, nil)
	var all strings.Builder
	for _, line := range []string{
		"",
		"-i",
		"--input=",
		"c.safetensors --layout sbhd",
		"c.safetensors --preset fast",
		"c.safetensors --preset=",
		"c.safetensors --theta ten",
		"c.safetensors --theta nan",
		"c.safetensors --theta=",
		"c.safetensors --step 2,0",
		"c.safetensors --step 2.5",
		"c.safetensors --block 100",
		"c.safetensors --tail -1",
		"c.safetensors --guard 32",
		"c.safetensors --guard 32,0.01,x",
		"c.safetensors --guard 32,2,0.1",
		"c.safetensors --guard 0,0.1,0.1",
		"c.safetensors --scale -1",
		"c.safetensors --rows 0",
		"--generated 8k",
		"--parts --generated=",
		"--parts --generated 8kb",
		"--parts --generated 8k --layout bhsd",
		"--parts --generated 8k --target recall=0.9",
		"c.safetensors --rivals streaming",
		"c.safetensors --rivals=flashattention",
		"c.safetensors --rivals=blasst,blasst",
		"c.safetensors --rivals=blasst=x",
		"c.safetensors --rivals=blasst=3 --equal-share",
		"c.safetensors --equal-share",
		"c.safetensors --target 0.98",
		"c.safetensors --target recall=98",
		"c.safetensors --target miss=nan",
		"c.safetensors --target rel_l2=inf",
		"c.safetensors --target recall=0.9 --preset paper,safe",
		"c.safetensors --target recall=0.9 --step 4",
		"c.safetensors --target recall=0.9 --theta inf",
		"c.safetensors --profile-out p.json",
		"c.safetensors --profile p.json --target recall=0.9",
		"c.safetensors --profile=",
		"c.safetensors --target recall=0.9 --profile-out=",
		"c.safetensors --target recall=0.9 --profile-out ./c.safetensors",
	} {
		code, stdout, stderr := invoke(newFake(), nil, append([]string{"eval"}, strings.Fields(line)...)...)
		require.Equal(t, 2, code, line)
		require.Empty(t, stdout, line)
		fmt.Fprintf(&all, "$ anchorvk eval %s\n%s\n", line, stderr)
	}
	golden(t, "eval-usage-errors", all.String())
	require.Equal(t, []string{"c.safetensors"}, listing(t, "."))
}

func TestEvalBadFiles(t *testing.T) {
	dir := t.TempDir()
	good := sharp(t, dir, "good.safetensors", 200, nil)
	cut := filepath.Join(dir, "cut.safetensors")
	text, err := os.ReadFile(good)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(cut, text[:len(text)-1], 0o600))
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "no such file",
		dir:                        "is a folder",
		cut:                        "cut short",
		sharp(t, dir, "layer.safetensors", 200, map[string]string{"layer": "x"}): "no number from 0",
		sharp(t, dir, "heads.safetensors", 200, map[string]string{"heads": "1"}): "that is 1",
	} {
		code, stdout, stderr := invoke(newFake(), nil, "eval", good, path)
		require.Equal(t, exitOther, code, path)
		require.Empty(t, stdout)
		require.Contains(t, stderr, want)
		require.Contains(t, stderr, path)
	}
	bad := filepath.Join(dir, "p.json")
	require.NoError(t, os.WriteFile(bad, []byte(`{"schema":1,"preset":"safe","heads":[{"layer":0,"head":0,"tetha":8}]}`), 0o600))
	code, _, stderr := invoke(newFake(), nil, "eval", good, "--profile", bad)
	require.Equal(t, exitOther, code)
	require.Contains(t, stderr, bad+": heads[0]: the name")
	require.Contains(t, stderr, "tetha")
	code, _, stderr = invoke(newFake(), nil, "eval", good, "--target", "recall=0.9", "--profile-out", filepath.Join(dir, "no", "p.json"))
	require.Equal(t, exitOther, code)
	require.Contains(t, stderr, "choose a directory that exists")
}

func TestEvalInterrupted(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stdout, stderr bytes.Buffer
	a := &app{stdout: &stdout, stderr: &stderr, backend: newFake(), freeMemory: freeMemory}
	require.Equal(t, exitInterrupted, a.run(ctx, []string{"eval", smollm, "--rivals", "--target", "recall=0.9", "--profile-out", filepath.Join(dir, "p.json")}))
	require.Equal(t, "anchorvk: interrupted\n", stderr.String())
	require.Empty(t, stdout.String())
	require.Empty(t, listing(t, dir))
}

// A signal in the middle of the work: the program ends soon, with 130, and
// leaves no file.
func TestInterruptedEvalProgram(t *testing.T) {
	dir := t.TempDir()
	cmd := itself("eval", smollm, "--rivals", "--equal-share", "--rows", "8160", "--target", "recall=0.9", "--profile-out", filepath.Join(dir, "p.json"))
	require.NoError(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill() }()
	require.Eventually(t, func() bool { return len(listing(t, dir)) == 1 }, 30*time.Second, 10*time.Millisecond, "the temporary file shows that work begins")
	time.Sleep(300 * time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	sent := time.Now()
	err := cmd.Wait()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 130, exit.ExitCode())
	require.Less(t, time.Since(sent), 20*time.Second)
	require.Empty(t, listing(t, dir))
}

func TestEvalOutOfMemory(t *testing.T) {
	var stdout, stderr bytes.Buffer
	a := &app{stdout: &stdout, stderr: &stderr, backend: newFake(), freeMemory: func() (float64, bool) { return 1 << 20, true }}
	require.Equal(t, exitMemory, a.run(context.Background(), []string{"eval", smollm}))
	require.Contains(t, stderr.String(), "out of host memory")
}

// What the device computes is what the measures on the CPU say, with every row
// sampled, and as much of it.
func TestEvalOnDevice(t *testing.T) {
	needDevice(t)
	path := sharp(t, t.TempDir(), "c.safetensors", 800, nil)
	code, stdout, stderr := program("eval", path, "--json", "--time", "--rows", "800", "--theta", "1,inf", "--guard", "off", "--guard", "16,0.01,0.25", "--rivals=blasst")
	require.Equal(t, 0, code, stderr)
	var doc evalDocument
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	require.Len(t, doc.Results, 2*5)
	for _, r := range doc.Results {
		if strings.HasPrefix(r["setting"].(string), "blasst") {
			require.Nil(t, r["time_ms"])
			continue
		}
		require.Positive(t, r["time_ms"])
		require.InDelta(t, r["rel_l2"], r["rel_l2_device"], 2e-3, r["setting"])
	}
	require.Greater(t, doc.Results[0]["rel_l2"], 0.05)
}

// A profile that does not fit the files is measured all the same, but not silently.
func TestEvalSaysWhereAProfileDoesNotFit(t *testing.T) {
	t.Chdir(t.TempDir())
	own := sharp(t, ".", "own.safetensors", 100, map[string]string{"model": "m", "layer": "3", "heads": "4,5"})
	other := sharp(t, ".", "other.safetensors", 100, map[string]string{"model": "n\x1b[2J", "layer": "3", "heads": "5,6"})
	nameless := sharp(t, ".", "nameless.safetensors", 100, nil)
	for _, c := range []struct {
		profile string
		files   []string
		want    []string
	}{
		{`"model":"m","preset":"safe","heads":[{"layer":3,"head":4,"mode":"dense"},{"layer":3,"head":5,"mode":"dense"}]`, []string{own}, nil},
		{`"preset":"safe","heads":[{"layer":0,"head":1,"mode":"dense"}]`, []string{nameless}, nil},
		{`"model":"m","preset":"safe","heads":[{"layer":0,"head":1,"mode":"dense"}]`, []string{nameless}, nil},
		{
			`"model":"m","preset":"safe","heads":[{"layer":3,"head":5,"mode":"dense"}]`,
			[]string{own, other, other, nameless},
			[]string{`is of model "m", but other.safetensors is of "n\x1b[2J": what suits the heads of the one may not suit the other's`},
		},
		{
			`"preset":"lean","heads":[{"layer":4,"head":5,"mode":"dense"},{"layer":3,"head":0,"mode":"dense"}]`,
			[]string{own, other},
			[]string{"names none of the heads in the files, as layer 4 head 5 is in none (both count from 0): it is measured as preset lean"},
		},
		{
			`"preset":"safe","heads":[{"layer":3,"head":4,"mode":"dense"},{"layer":9,"head":1,"mode":"dense"},{"layer":3,"head":7,"theta":8}]`,
			[]string{own},
			[]string{"names 2 heads that are not in the files, such as layer 9 head 1 (both count from 0): what is measured leaves them out"},
		},
		{`"preset":"safe","heads":[]`, []string{own}, []string{"names no heads: it is measured as preset safe"}},
	} {
		require.NoError(t, os.WriteFile("p.json", []byte(`{"schema":1,`+c.profile+`}`), 0o600))
		code, stdout, stderr := invoke(newFake(), nil, append([]string{"eval", "--profile", "p.json"}, c.files...)...)
		require.Equal(t, 0, code, stderr)
		require.Contains(t, stdout, "profile p.json")
		var got []string
		for _, line := range strings.Split(stderr, "\n") {
			if text, ok := strings.CutPrefix(line, "anchorvk: warning: --profile p.json "); ok {
				got = append(got, text)
			}
		}
		require.Equal(t, c.want, got, "%s %v", c.profile, c.files)
	}

	require.NoError(t, os.WriteFile("p.json", []byte(`{"schema":1,"preset":"paper","heads":[{"layer":0,"head":0,"weight":0.2}]}`), 0o600))
	code, stdout, stderr := invoke(newFake(), nil, "eval", own, "--profile", "p.json")
	require.Equal(t, exitOther, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "p.json: heads[0]: weight 0.2 is of sampled rows, and preset paper has none")
}

// What eval finds on a capture of some of a layer's heads, run and bench take for
// the same capture, by its metadata.
func TestRunAndBenchTakeAProfileByMetadata(t *testing.T) {
	t.Chdir(t.TempDir())
	meta := map[string]string{"model": "m", "layer": "3", "heads": "4,5"}
	path := sharp(t, ".", "c.safetensors", 800, meta)
	code, _, stderr := invoke(newFake(), nil, "eval", path, "--profile-out", "p.json", "--target", "recall=1")
	require.Equal(t, 0, code, stderr)
	explain := func(args ...string) (stdout, stderr string) {
		t.Helper()
		code, stdout, stderr := program(append(args, "--explain", "--no-fallback")...)
		require.Equal(t, 0, code, stderr)
		return stdout, stderr
	}
	plain := sharp(t, ".", "plain.safetensors", 800, nil)
	for _, command := range [][]string{{"run", "-i"}, {"bench", "--modes", "anchor", "-i"}} {
		with := func(path string, args ...string) (string, string) {
			t.Helper()
			return explain(append(append(command[:len(command):len(command)], path, "--profile"), args...)...)
		}
		stdout, stderr := with(path, "p.json")
		require.Contains(t, stdout, "2 have a mode of their own, 2 are dense")
		require.NotContains(t, stderr, "--profile")

		_, stderr = with(path, "p.json", "--layer", "2") // goes before the metadata
		require.Contains(t, stderr, "--profile p.json names no head of layer 2")

		one := "one.json"
		require.NoError(t, os.WriteFile(one, []byte(`{"schema":1,"model":"n","preset":"safe","heads":[{"layer":3,"head":5,"mode":"dense"},{"layer":3,"head":9,"mode":"dense"}]}`), 0o600))
		stdout, stderr = with(path, one) // the model has heads that the file lacks
		require.Contains(t, stdout, "1 has a mode of its own, 1 is dense")
		require.Contains(t, stderr, `--profile one.json is of model "n", but c.safetensors is of "m"`)

		require.NoError(t, os.WriteFile(one, []byte(`{"schema":1,"preset":"safe","heads":[{"layer":3,"head":0,"mode":"dense"}]}`), 0o600))
		stdout, stderr = with(path, one)
		require.NotContains(t, stdout, "of its own")
		require.Contains(t, stderr, "--profile one.json names none of the heads 4, 5 of layer 3 that c.safetensors holds: they are as preset safe says")

		require.NoError(t, os.WriteFile(one, []byte(`{"schema":1,"preset":"paper","heads":[{"layer":3,"head":4,"weight":0.2}]}`), 0o600))
		code, _, stderr := program(append(command[:len(command):len(command)], path, "--profile", one)...)
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, "--profile one.json has weights, which are of sampled rows, but pooled rows choose the keys: add --sample 16,0.2,8 or --preset safe")
		_, stderr = with(path, one, "--sample", "16,0.2,8", "--guard", "off")
		require.NotContains(t, stderr, "--profile")
		code, _, stderr = program(append(command[:len(command):len(command)], path, "--profile", one, "--preset", "safe", "--theta", "8")...)
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, "choose the keys: leave --theta out")

		_, stderr = with(plain, "p.json") // without metadata, layer 0
		require.Contains(t, stderr, "names no head of layer 0")
		code, _, stderr = program(append(command[:len(command):len(command)], plain, "--profile", "p.json", "--layer", "3")...)
		require.NotEqual(t, 0, code)
		require.Contains(t, stderr, `p.json: heads[0]: layer 3 has 2 query heads, but head 4 is named; the profile is of another model ("m")`)
	}
	whole := sharp(t, ".", "whole.safetensors", 800, map[string]string{"layer": "3", "heads": "2"}) // how many there are
	code, _, stderr = program("run", whole, "--profile", "p.json")
	require.NotEqual(t, 0, code)
	require.Contains(t, stderr, "layer 3 has 2 query heads, but head 4 is named")
}
