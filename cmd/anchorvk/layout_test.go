package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/internal/tensorfile"
)

// wave are numbers that differ everywhere.
func wave(n, seed int) []float16.Float16 {
	data := make([]float16.Float16, n)
	for i := range data {
		data[i] = float16.Fromfloat32(float32((i*(2*seed+31)+7*seed)%113)/40 - 1.4)
	}
	return data
}

// inLayout writes q, k and v of the same numbers in a layout.
func inLayout(t *testing.T, layout tensorfile.Layout, path string, batched bool) {
	t.Helper()
	var tensors []tensor
	for i, heads := range []int{4, 2, 2} {
		seq := []int{50, 70, 70}[i]
		x := tensor{name: "qkv"[i : i+1], shape: []int{heads, seq, 8}, data: wave(heads*seq*8, i)}
		if layout == tensorfile.BSHD {
			x.shape, x.data = []int{seq, heads, 8}, tensorfile.SwapAxes(x.data, 1, heads, seq, 8)
		}
		if batched {
			x.shape = append([]int{1}, x.shape...)
		}
		tensors = append(tensors, x)
	}
	require.NoError(t, os.WriteFile(path, fileBytes(t, tensors...), 0o600))
}

// The same numbers in the other order of axes give the same result, written in
// the order of the input.
func TestLayouts(t *testing.T) {
	dir := t.TempDir()
	read := func(path, name string) []float32 {
		f, err := tensorfile.Open(path)
		require.NoError(t, err)
		defer func() { require.NoError(t, f.Close()) }()
		data, err := f.LoadF32(name)
		require.NoError(t, err)
		return data
	}
	heads, positions, in := filepath.Join(dir, "heads"), filepath.Join(dir, "positions"), filepath.Join(dir, "in")
	flags := append([]string{"run", in, "--lse", "--dump-stripes", "--verify", "--theta", "1"}, small...)
	for _, dtype := range []string{"f16", "f32"} {
		inLayout(t, tensorfile.BHSD, in, true)
		code, _, stderr := invoke(newFake(), nil, append(flags, "-o", heads, "--out-dtype", dtype)...)
		require.Equal(t, 0, code, stderr)
		inLayout(t, tensorfile.BSHD, in, true)
		code, _, stderr = invoke(newFake(), nil, append(flags, "-o", positions, "--out-dtype", dtype, "--layout", "bshd")...)
		require.Equal(t, 0, code, stderr)
		load(t, positions, "out", map[string]string{"f16": "F16", "f32": "F32"}[dtype], []int{1, 50, 4, 8})
		load(t, positions, "lse", "F32", []int{1, 50, 4})
		require.Equal(t, read(heads, "out"), tensorfile.SwapAxes(read(positions, "out"), 1, 50, 4, 8))
		require.Equal(t, read(heads, "lse"), tensorfile.SwapAxes(read(positions, "lse"), 1, 50, 4, 1))
	}
	// Without --layout the second file breaks a check that names the flag.
	code, _, stderr := invoke(newFake(), nil, "run", in)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "if the axes are positions before heads, say so with --layout bshd")
	inLayout(t, tensorfile.BSHD, in, false)
	code, _, stderr = invoke(newFake(), nil, "run", in, "--layout", "bshd", "-o", positions)
	require.Equal(t, 0, code, stderr)
	load(t, positions, "out", "F16", []int{50, 4, 8})
	code, _, stderr = invoke(newFake(), nil, "bench", "-i", in, "--layout", "bshd", "-r", "1")
	require.Equal(t, 0, code, stderr)
}

// Where the file fits both orders nobody guesses.
func TestAFileOfEitherLayoutIsRefused(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	var tensors []tensor
	for _, name := range []string{"q", "k", "v"} {
		tensors = append(tensors, tensor{name: name, shape: []int{1, 70, 4, 8}})
	}
	require.NoError(t, os.WriteFile(in, fileBytes(t, tensors...), 0o600))
	for _, args := range [][]string{{"run", in, "-o", filepath.Join(dir, "out")}, {"bench", "-i", in, "-r", "1"}} {
		code, stdout, stderr := invoke(newFake(), nil, args...)
		require.Equal(t, 1, code)
		require.Empty(t, stdout)
		require.Equal(t, "anchorvk: "+in+": q, k and v are 70 heads of 4 positions, or 70 positions of 4 heads, which is as likely, and nothing in the file tells; "+
			"say which with --layout bhsd (heads first) or --layout bshd (positions first)\n", stderr)
		require.Equal(t, []string{"in"}, listing(t, dir))
	}
	for layout, want := range map[string]string{"bhsd": "70/70 heads, q 4, kv 4", "bshd": "4/4 heads, q 70, kv 70"} {
		code, stdout, stderr := invoke(newFake(), nil, "run", in, "--layout", layout)
		require.Equal(t, 0, code, stderr)
		require.Contains(t, stdout, want)
	}
}
