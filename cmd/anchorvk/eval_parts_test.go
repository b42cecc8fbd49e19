package main

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/synth"
)

// total adds the numbers of a JSON object.
func total(t *testing.T, parts any) float64 {
	t.Helper()
	sum := 0.0
	require.Len(t, parts, 7)
	for name, x := range parts.(map[string]any) {
		require.GreaterOrEqual(t, x, 0.0, name)
		sum += x.(float64)
	}
	return sum
}

// The parts sum up to what is computed, of each head and of each mean.
func TestPartsSumUp(t *testing.T) {
	path := sharp(t, t.TempDir(), "c.safetensors", 700, nil)
	code, stdout, stderr := invoke(newFake(), nil, "eval", path, "--json", "--parts", "--generated", "500-1k*2", "--preset", "paper,safe,lean", "--step", "2", "--block", "32", "--rivals=streaming")
	require.Equal(t, 0, code, stderr)
	var doc struct {
		Results, Parts []map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	require.Len(t, doc.Results, (2+4+4)*4)
	sums := map[[2]any]float64{}
	for _, r := range doc.Results {
		if r["setting"] == "streaming window=2048" {
			require.NotContains(t, r, "parts")
			continue
		}
		require.InDelta(t, r["computed_ratio"], total(t, r["parts"]), 1e-12)
		require.LessOrEqual(t, r["look_ratio"], r["selection_ratio"])
		require.Equal(t, r["generated"], r["file"] != "c.safetensors")
		sums[[2]any{r["kv_len"], r["setting"]}] += r["computed_ratio"].(float64)
	}
	require.Len(t, doc.Parts, 3*4)
	for i, p := range doc.Parts {
		require.Equal(t, []float64{700, 500, 1000}[i/4], p["kv_len"])
		require.Equal(t, []string{"files", "generated", "generated"}[i/4], p["input"])
		require.Equal(t, []float64{2, 4, 4}[i/4], p["heads"])
		if i%4 == 3 {
			require.NotContains(t, p, "parts")
			continue
		}
		require.InDelta(t, p["computed_ratio"], total(t, p["parts"]), 1e-12)
		require.InDelta(t, sums[[2]any{p["kv_len"], p["setting"]}]/p["heads"].(float64), p["computed_ratio"], 1e-12)
	}
}

// The profile that --target finds has parts too, those of dense heads among
// them.
func TestPartsOfAProfile(t *testing.T) {
	path := sharp(t, t.TempDir(), "c.safetensors", 800, nil)
	code, stdout, stderr := invoke(newFake(), nil, "eval", path, "--json", "--parts", "--target", "recall=1")
	require.Equal(t, 0, code, stderr)
	var doc struct{ Parts []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	last := doc.Parts[len(doc.Parts)-1]
	require.Equal(t, "profile for recall=1", last["setting"])
	require.Equal(t, 1.0, last["parts"].(map[string]any)["dense"])
	require.Equal(t, 1.0, total(t, last["parts"]))
}

// Generated inputs are those of bench without flags.
func TestGeneratedInputsAreThoseOfBench(t *testing.T) {
	f := &evalFlags{lengths: []int{64, 96}}
	captures, err := f.captures(context.Background())
	require.NoError(t, err)
	a := &app{freeMemory: freeMemory}
	for i, n := range f.lengths {
		in, err := a.load(context.Background(), f, captures[i])
		require.NoError(t, err)
		bench := (&app{}).benchCommand().Flags()
		number := func(name string) (n int) {
			n, err := bench.GetInt(name)
			require.NoError(t, err)
			return n
		}
		stripes, err := bench.GetFloat64("stripes")
		require.NoError(t, err)
		seed, err := bench.GetUint64("seed")
		require.NoError(t, err)
		dims, err := bench.GetIntSlice("head-dim")
		require.NoError(t, err)
		b := benchFlags{batch: number("batch"), heads: number("heads"), kvHeads: number("kv-heads"), stripes: stripes, seed: seed}
		q, k, v, err := synth.Generate(b.config(n, dims[0]))
		require.NoError(t, err)
		require.Equal(t, [][]int{q.Shape[:], k.Shape[:], v.Shape[:]}, [][]int{in.Q.Shape[:], in.K.Shape[:], in.V.Shape[:]})
		require.Equal(t, q.Host, in.Q.Host)
		require.Equal(t, k.Host, in.K.Host)
		require.Equal(t, v.Host, in.V.Host)
	}
	a.freeMemory = func() (float64, bool) { return 1 << 10, true }
	_, err = a.load(context.Background(), f, captures[0])
	require.ErrorContains(t, err, "generated 64: the tensors")
}
