package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGoldenHelp(t *testing.T) {
	for _, name := range []string{"", "devices", "run", "bench", "verify", "env", "version"} {
		t.Run("help "+name, func(t *testing.T) {
			args := []string{"--help"}
			if name != "" {
				args = []string{name, "--help"}
			}
			code, stdout, stderr := invoke(newFake(), nil, args...)
			require.Equal(t, 0, code)
			require.Empty(t, stderr)
			golden(t, strings.TrimSuffix("help-"+name, "-"), stdout)
		})
	}
}

// seconds are the only figures of the fake that are measured.
var seconds = regexp.MustCompile(`"seconds": [0-9.e-]+`)

func TestGoldenOutput(t *testing.T) {
	dir := t.TempDir()
	input := qkv(t, dir)
	run := append([]string{"run", "-i", input}, small...)
	env := []string{"ANCHORVK_DEVICE=paper", "NO_COLOR=1", "HOME=/home/someone"}
	for _, c := range []struct {
		name string
		args []string
	}{
		{"env", []string{"env"}},
		{"env-csv", []string{"env", "--output", "csv"}},
		{"devices", []string{"devices"}},
		{"devices-json", []string{"devices", "--json"}},
		{"run", append(run, "--mode", "anchor,dense")},
		{"run-verify", append(run, "--mode", "anchor,dense", "--verify")},
		{"run-json", append(run, "--mode", "anchor,dense", "--json", "--theta", "-inf")},
		{"run-jsonl", append(run, "--mode", "anchor,dense", "--output", "jsonl")},
		{"run-csv", append(run, "--mode", "anchor,dense", "--output", "csv")},
		{"bench", append([]string{"bench", "-r", "3", "--seq", "96,64-256*2", "--head-dim", "16", "--heads", "2"}, small...)},
		{"bench-json", append([]string{"bench", "-r", "2", "--seq", "64", "--head-dim", "16", "--json"}, small...)},
		{"verify", []string{"verify", "-p", "batch|length/dense n=97|fast"}},
		{"verify-json", []string{"verify", "-p", "length/dense n=1 |fast", "--json"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := invoke(newFake(), env, c.args...)
			require.Empty(t, stderr)
			require.Equal(t, 0, code)
			golden(t, c.name, seconds.ReplaceAllString(stdout, `"seconds": 0`))
		})
	}
	require.Equal(t, []string{filepath.Base(input)}, listing(t, dir), "nothing is written without -o")
}

func TestGoldenUsageErrors(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	qkv(t, ".")
	var all strings.Builder
	for _, line := range []string{
		"frob",
		"benhc",
		"devices extra",
		"run",
		"run --frob",
		"run -i",
		"run -i qkv.safetensors extra",
		"run qkv.safetensors other.safetensors",
		"run qkv.safetensors --thetta 8",
		"run qkv.safetensors --sinkblocks 8",
		"run qkv.safetensors --verbos",
		"run qkv.safetensors --theta 6,8",
		"run qkv.safetensors --step 4,8",
		"run qkv.safetensors --layout bsdh",
		"bench qkv.safetensors",
		"bench --layout bshd",
		"bench --theta 6,8,6",
		"bench --theta 6,x",
		"bench --theta 6,nan",
		"bench --block 16,100",
		"bench --tune --theta 6,8",
		"bench --seq 4q",
		"devices -o xml",
		"devices -o",
		"run -i qkv.safetensors --theta nan",
		"run -i qkv.safetensors --theta twelve",
		"run -i qkv.safetensors --step 0",
		"run -i qkv.safetensors --block 100",
		"run -i qkv.safetensors --sink-blocks -1",
		"run -i qkv.safetensors --window-blocks -1",
		"run -i qkv.safetensors --step 999999999",
		"run -i qkv.safetensors --scale inf",
		"run -i qkv.safetensors --mode sparse",
		"run -i qkv.safetensors --mode anchor,anchor",
		"run -i qkv.safetensors --mode=",
		"run -i qkv.safetensors --out-dtype f64",
		"run -i qkv.safetensors --lse",
		"run -i qkv.safetensors --dump-stripes",
		"run -i qkv.safetensors --dump-stripes -o x --mode dense",
		"run -i qkv.safetensors --picture x.jpg",
		"run -i qkv.safetensors -o ./qkv.safetensors",
		"run -i qkv.safetensors -o x.png --picture x.png",
		"run -i qkv.safetensors --verify --verify-rows 0",
		"run -i qkv.safetensors --out=",
		"bench --seq 0",
		"bench --seq 4096-",
		"bench --seq 8192-4096",
		"bench --seq 1-9*1",
		"bench --seq 1-100000+1",
		"bench --seq 9999999999",
		"bench --heads 3 --kv-heads 2",
		"bench --head-dim 12",
		"bench --heads 0",
		"bench --heads 2147483647 --kv-heads 1 --seq 8388607 --head-dim 256",
		"bench --batch 2147483647 --heads 4",
		"bench --seq 2000000000",
		"bench --stripes 2",
		"bench --dtype bf16",
		"bench -r 0",
		"bench --head-dim 64,12",
		"bench --head-dim 64,wide",
		"bench --tiers scalar",
		"bench --tune --tiers fast",
		"bench --tune --tiers scalar,scalar",
		"bench --tune --kernels dense",
		"bench --tune --kernels attend,attend",
		"bench --tune --kernels=",
		"bench --tune --margin 0",
		"bench --tune --limit 0s",
		"bench --tune --limit soon",
		"bench --tune --seq 64,128",
		"bench --tune --explain",
		"bench --tune -i qkv.safetensors",
		"bench --tune --compare old.json",
		"bench --tune --modes dense",
		"bench -i qkv.safetensors --seq 4096",
		"verify -p (",
		"verify -p nothing-is-called-so",
		"completion tcsh",
		"env --output xml",
		"env --json --output csv",
		"env -q -v",
	} {
		code, stdout, stderr := invoke(newFake(), nil, strings.Fields(line)...)
		require.Equal(t, 2, code, line)
		require.Empty(t, stdout, line)
		fmt.Fprintf(&all, "$ anchorvk %s\n%s\n", line, stderr)
	}
	code, stdout, stderr := invoke(newFake(), []string{"ANCHORVK_LOG=loud"}, "env")
	require.Equal(t, 2, code)
	require.Empty(t, stdout)
	fmt.Fprintf(&all, "$ ANCHORVK_LOG=loud anchorvk env\n%s", stderr)
	golden(t, "usage-errors", all.String())
	require.Equal(t, []string{"qkv.safetensors"}, listing(t, dir))
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		code, stdout, stderr := invoke(newFake(), nil, "completion", shell)
		require.Equal(t, 0, code)
		require.Empty(t, stderr)
		require.Contains(t, stdout, "anchorvk")
	}
	_, stdout, _ := invoke(newFake(), nil, "__complete", "run", "--mode", "")
	require.Contains(t, stdout, "anchor,dense")
}
