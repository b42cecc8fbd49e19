package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/tensorfile"
)

// runJSON runs `run --json` and returns its records.
func runJSON(t *testing.T, f *fake, args ...string) (records []map[string]any, code int, stderr string) {
	t.Helper()
	code, stdout, stderr := invoke(f, nil, append([]string{"run", "--json"}, args...)...)
	var doc struct{ Results []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc), "%s", stderr)
	return doc.Results, code, stderr
}

// What the sparsity costs comes from the whole output: here half of the rows,
// of which none was sampled, are zero.
func TestQualityIsOfTheWholeOutput(t *testing.T) {
	input := qkv(t, t.TempDir())
	spoiled := func() *fake {
		f := newFake()
		f.spoil = func(o *attention.Outputs) {
			if o.Stripes == nil && f.runs == 0 { // the first run is anchor's
				for i := range o.O.Host[:len(o.O.Host)/2] {
					o.O.Host[i] = 0
				}
			}
		}
		return f
	}
	args := append([]string{input, "--mode", "anchor,dense", "--theta", "inf"}, small...)
	records, code, stderr := runJSON(t, spoiled(), args...)
	require.Equal(t, 0, code, stderr)
	dense := newFake()
	var half, whole, largest float64
	dense.spoil = func(o *attention.Outputs) {
		for i, x := range o.O.Host {
			square := float64(x.Float32()) * float64(x.Float32())
			whole += square
			if i < len(o.O.Host)/2 {
				half += square
				largest = math.Max(largest, math.Sqrt(square))
			}
		}
	}
	_, code, stderr = runJSON(t, dense, append([]string{input, "--mode", "dense"}, small...)...)
	require.Equal(t, 0, code, stderr)
	require.InDelta(t, math.Sqrt(half/whole), records[0]["rel_l2_dense"], 1e-12)
	require.InDelta(t, largest, records[0]["max_abs_dense"], 1e-12)
	require.NotContains(t, records[1], "rel_l2_dense", "dense is not compared with itself")
	_, stdout, _ := invoke(spoiled(), nil, append([]string{"run"}, args...)...)
	require.Contains(t, stdout, "quality of anchor beside dense attention: rel L2 0.")
}

// The check is about the kernels, under its new and its old name.
func TestCheckIsOfTheKernels(t *testing.T) {
	input := qkv(t, t.TempDir())
	args := append([]string{input, "--verify", "--theta", "-inf"}, small...)
	records, code, stderr := runJSON(t, newFake(), args...)
	require.Equal(t, 0, code, stderr)
	require.Equal(t, "OK", records[0]["check"])
	require.Equal(t, "OK", records[0]["verdict"])
	require.Less(t, records[0]["recall_mass"], 0.9)
	require.Nil(t, records[0]["nmse_of_file"])
	_, stdout, _ := invoke(newFake(), nil, append([]string{"run"}, args...)...)
	require.Contains(t, stdout, "| kernels |")
	require.NotContains(t, stdout, "verdict")
	require.Regexp(t, `quality of anchor beside dense attention: recall [0-9.]+ %, rel L2 [0-9.]+, largest difference [0-9.]+, over 156 sampled rows`, stdout)
}

// A message that counts one thing says so.
func TestOneSampledRow(t *testing.T) {
	w := tensorfile.NewWriter(nil)
	for name, seq := range map[string]int{"q": 1, "k": 40, "v": 40} {
		require.NoError(t, w.AddF16(name, []int{1, seq, 16}, wave(seq*16, 1)))
	}
	var b bytes.Buffer
	require.NoError(t, w.WriteFile(&b))
	path := filepath.Join(t.TempDir(), "one.safetensors")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	_, stdout, stderr := invoke(newFake(), nil, "run", path, "--verify", "--layout", "bhsd")
	require.Contains(t, stdout, ", over 1 sampled row\n", stderr)
	_, stdout, stderr = invoke(newFake(), nil, "bench", "-i", path, "-r", "1", "--layout", "bhsd")
	require.Contains(t, stdout, ", 1 repetition, ", stderr)
	_, stdout, stderr = invoke(newFake(), nil, "eval", path, "--layout", "bhsd")
	require.Contains(t, stdout, "\n1 head of 1 file, up to 40 positions, about 1 row sampled of each", stderr)
}

// Odd inputs and what a run has to say are warned of: on stderr, and in JSON.
func TestWarnings(t *testing.T) {
	dir := t.TempDir()
	input := filepath.Join(dir, "in")
	k := wave(2*150*16, 1)
	k[150*16+16*9+3] = float16.NaN()
	require.NoError(t, os.WriteFile(input, fileBytes(t,
		tensor{name: "q", shape: []int{4, 100, 16}}, tensor{"k", []int{2, 150, 16}, k}, tensor{name: "v", shape: []int{2, 150, 16}}), 0o600))
	const odd = "k holds 1 NaN, the first at [1 9 3]: rows that attend them become NaN or infinite"
	f := newFake()
	f.warnings = []string{"GPU times were dropped"}
	records, code, stderr := runJSON(t, f, append([]string{input, "--verify", "--mode", "anchor,dense"}, small...)...)
	require.Equal(t, 0, code, stderr)
	require.Equal(t, []any{odd, "GPU times were dropped"}, records[0]["warnings"])
	require.Equal(t, "anchorvk: warning: "+odd+"\nanchorvk: warning: anchor: GPU times were dropped\nanchorvk: warning: dense: GPU times were dropped\n", stderr)
	require.InDelta(t, 0.5, records[1]["non_finite"], 1e-9, "the heads of one KV head")

	code, stdout, stderr := invoke(f, nil, append([]string{"bench", "-i", input, "-r", "2", "--json", "--modes", "dense"}, small...)...)
	require.Equal(t, 0, code)
	var doc struct{ Results []benchRecord }
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	require.Equal(t, []string{odd, "GPU times were dropped"}, doc.Results[0].Warnings)
	require.Equal(t, "anchorvk: warning: "+odd+"\nanchorvk: warning: dense: GPU times were dropped\n", stderr)

	_, _, stderr = invoke(f, nil, append([]string{"run", input, "-q"}, small...)...)
	require.Empty(t, stderr)
}

// wideInput writes q, k and v as F32. The keys are base and small differences.
func wideInput(t *testing.T, path string, amplitude, base float32) {
	t.Helper()
	w := tensorfile.NewWriter(nil)
	for i, heads := range []int{4, 2, 2} {
		data := make([]float32, heads*60*16)
		for j := range data {
			data[j] = amplitude * float32(math.Sin(float64(j)*0.7391+float64(i)))
			switch i {
			case 1:
				data[j] += base
			case 2:
				data[j] = float32(math.Sin(float64(j) * 1.234))
			}
		}
		require.NoError(t, w.AddF32("qkv"[i:i+1], []int{heads, 60, 16}, data))
	}
	var b bytes.Buffer
	require.NoError(t, w.WriteFile(&b))
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
}

// --verify compares with the numbers of the file, too: a right result of wrong
// inputs is none.
func TestVerifyComparesWithTheFile(t *testing.T) {
	dir := t.TempDir()
	input := filepath.Join(dir, "in")
	args := append([]string{input, "--verify", "--mode", "dense", "-o", filepath.Join(dir, "out")}, small...)
	wideInput(t, input, 1, 0)
	records, code, stderr := runJSON(t, newFake(), args...)
	require.Equal(t, 0, code, stderr)
	require.Less(t, records[0]["nmse_of_file"], 1e-6)
	require.Greater(t, records[0]["nmse_of_file"], 0.0)

	require.NoError(t, os.Remove(filepath.Join(dir, "out")))
	wideInput(t, input, 1, 5000) // where F16 has steps of 4, so that all keys become the same
	records, code, stderr = runJSON(t, newFake(), args...)
	require.Equal(t, 4, code)
	require.Equal(t, "FAIL", records[0]["check"])
	require.Contains(t, stderr, "beside the numbers of the file, NMSE")
	require.Contains(t, stderr, "the conversion to F16 changes the result")
	require.Equal(t, []string{"in"}, listing(t, dir))
}

// Values that F16 has no digits for are refused.
func TestValuesTooSmallForF16(t *testing.T) {
	dir := t.TempDir()
	input := filepath.Join(dir, "in")
	wideInput(t, input, 1e-9, 0) // q and k
	code, stdout, stderr := invoke(newFake(), nil, "run", input)
	require.Equal(t, 1, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, `tensor "q": its values, at most 1e-09, are too small for F16`)
}
