package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/stat"
)

func TestCompareWithAnEarlierBench(t *testing.T) {
	args := []string{"bench", "--seq", "32,64", "--head-dim", "16", "-r", "3", "--json", "--block", "16", "--step", "1"}
	code, first, stderr := invoke(newFake(), nil, args...)
	require.Equal(t, 0, code, stderr)
	old := filepath.Join(t.TempDir(), "old.json")
	require.NoError(t, os.WriteFile(old, []byte(first), 0o600))

	code, second, stderr := invoke(newFake(), nil, append(args, "--seq", "64", "--compare", old)...)
	require.Equal(t, 0, code, stderr)
	var doc struct{ Results []benchRecord }
	require.NoError(t, json.Unmarshal([]byte(second), &doc))
	require.Len(t, doc.Results, 2)
	for _, r := range doc.Results {
		require.NotNil(t, r.Compare, "the record of n=64 is found")
		// The fake's times grow with each run: the second shape of the first
		// bench had medians of 14 and 15, the only one of the second 6 and 7.
		require.InDelta(t, float64(r.Compare.OldMedian)/float64(r.TimeMS.Median), float64(r.Compare.Speedup), 1e-9)
		require.InDelta(t, 8, float64(r.Compare.OldMedian-r.TimeMS.Median), 1e-9)
	}
	code, third, stderr := invoke(newFake(), nil, append(args, "--seq", "48", "--compare", old)...)
	require.Equal(t, 0, code)
	require.NotContains(t, third, "old_median", "another shape is not compared")
	require.Contains(t, stderr, "nothing to compare with")
}

// A profile makes other work of mode anchor, and none of it is mode dense's.
func TestCompareKnowsProfilesAndTails(t *testing.T) {
	dir := t.TempDir()
	heads := filepath.Join(dir, "model.json")
	require.NoError(t, os.WriteFile(heads, []byte(`{"schema":1,"model":"m","preset":"safe","heads":[{"layer":0,"head":1,"mode":"dense"}]}`), 0o600))
	args := []string{"bench", "--seq", "64", "--head-dim", "16", "-r", "1", "--json", "--block", "16", "--step", "1", "--no-fallback"}
	bench := func(more ...string) (text string, compared map[string]bool) {
		code, stdout, stderr := invoke(newFake(), nil, append(args, more...)...)
		require.Equal(t, 0, code, stderr)
		var doc struct{ Results []benchRecord }
		require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
		compared = map[string]bool{}
		for _, r := range doc.Results {
			compared[r.Mode] = r.Compare != nil
		}
		return stdout, compared
	}
	text, _ := bench("--profile", heads)
	require.Regexp(t, `"heads": \[\s*{\s*"mode": "default",\s*"theta": 0\s*},\s*{\s*"mode": "dense"`, text)
	old := filepath.Join(dir, "old.json")
	require.NoError(t, os.WriteFile(old, []byte(text), 0o600))
	for _, c := range []struct {
		flags  []string
		anchor bool
	}{
		{[]string{"--profile", heads}, true},
		{nil, false},
		{[]string{"--profile", heads, "--tail", "3"}, false},
		{[]string{"--profile", heads, "--guard", "off"}, false},
	} {
		_, compared := bench(append(c.flags, "--compare", old)...)
		require.Equal(t, map[string]bool{"anchor": c.anchor, "dense": true}, compared, c.flags)
	}
}

func TestCompareRefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.json"):              "no such file; make one with `anchorvk bench --json`",
		write("text.json", "hello"):                  "not the output of `anchorvk bench --json`",
		write("schema.json", `{"schema":2}`):         "schema 2 is not supported, this version reads 1",
		write("other.json", `{"results":[{"a":1}]}`): "schema 0 is not supported",
		write("run.json", `{"schema":1,"results":[{"mode":"anchor","time_ms":{"total":1}}]}`): "holds no results of `anchorvk bench --json`",
		write("empty.json", `{"schema":1}`):                                                   "holds no results",
	} {
		code, stdout, stderr := invoke(newFake(), nil, "bench", "--compare", path)
		require.Equal(t, 1, code)
		require.Empty(t, stdout)
		require.Contains(t, stderr, want)
	}
}

func TestMedianAndFlops(t *testing.T) {
	require.Equal(t, 2.0, stat.Median([]float64{3, 1, 2}))
	require.Equal(t, 2.5, stat.Median([]float64{4, 1, 2, 3}))
	s := spread([]float64{3, 1, 2})
	require.Equal(t, []float64{2, 1, 3}, []float64{float64(s.Median), float64(s.Min), float64(s.Max)})
	require.Len(t, s.Samples, 3)
	// 1 head, 3 rows after 2 keys: rows of 3, 4 and 5 pairs.
	require.Equal(t, 4.0*12*8, denseFlops(attention.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 3, KVLen: 5, HeadDim: 8}))
}
