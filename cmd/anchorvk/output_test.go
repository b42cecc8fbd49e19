package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/tensorfile"
)

func load(t *testing.T, path, name, dtype string, shape []int) {
	t.Helper()
	f, err := tensorfile.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	info, err := f.Info(name)
	require.NoError(t, err)
	require.Equal(t, dtype, info.DType, name)
	require.Equal(t, shape, info.Shape, name)
}

func TestRunWritesWhatIsAskedFor(t *testing.T) {
	dir := t.TempDir()
	input := qkv(t, dir)
	out := filepath.Join(dir, "out.safetensors")
	groups := (150 + 31) / 32
	base := append([]string{"run", "-i", input, "-o", out}, small...)

	code, _, stderr := invoke(newFake(), nil, append(base, "--lse", "--dump-stripes")...)
	require.Equal(t, 0, code, stderr)
	load(t, out, "out", "F16", []int{4, 100, 16})
	load(t, out, "lse", "F32", []int{4, 100})
	load(t, out, "stripes", "U8", []int{4, groups, 150})

	code, _, stderr = invoke(newFake(), nil, append(base, "--mode", "anchor,dense", "--out-dtype", "f32", "--lse", "--dump-stripes")...)
	require.Equal(t, 0, code, stderr)
	load(t, out, "out.anchor", "F32", []int{4, 100, 16})
	load(t, out, "out.dense", "F32", []int{4, 100, 16})
	load(t, out, "lse.dense", "F32", []int{4, 100})
	load(t, out, "stripes.anchor", "U8", []int{4, groups, 150})
	f, err := tensorfile.Open(out)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	_, err = f.Info("stripes.dense")
	require.Error(t, err, "dense attention has no stripes")

	require.Equal(t, []string{"out.safetensors", "qkv.safetensors"}, listing(t, dir))
}

func TestRunKeepsTheBatchDimension(t *testing.T) {
	dir := t.TempDir()
	input, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	require.NoError(t, os.WriteFile(input, fileBytes(t,
		tensor{name: "q", shape: []int{3, 2, 40, 8}}, tensor{name: "k", shape: []int{3, 1, 40, 8}}, tensor{name: "v", shape: []int{3, 1, 40, 8}}), 0o600))
	code, _, stderr := invoke(newFake(), nil, "run", "-i", input, "-o", out, "--lse", "--dump-stripes", "--block", "16", "--step", "1")
	require.Equal(t, 0, code, stderr)
	load(t, out, "out", "F16", []int{3, 2, 40, 8})
	load(t, out, "lse", "F32", []int{3, 2, 40})
	load(t, out, "stripes", "U8", []int{3, 2, 3, 40})
}

func TestFailedVerificationWritesNoFileAndExits4(t *testing.T) {
	dir := t.TempDir()
	input := qkv(t, dir)
	for name, spoil := range map[string]func(*attention.Outputs){
		"NaN in a row":   func(o *attention.Outputs) { o.O.Host[0] = float16.NaN() },
		"a wrong value":  func(o *attention.Outputs) { o.O.Host[len(o.O.Host)-1] = float16.Fromfloat32(3) },
		"a wrong stripe": func(o *attention.Outputs) { o.Stripes[len(o.Stripes)-1] = 1 },
	} {
		f := newFake()
		f.spoil = spoil
		code, stdout, stderr := invoke(f, nil, append([]string{"run", "-i", input, "-o", filepath.Join(dir, "out"), "--picture", filepath.Join(dir, "x.png"), "--verify"}, small...)...)
		require.Equal(t, 4, code, name)
		require.Contains(t, stdout, "FAIL", name)
		require.Contains(t, stderr, "anchorvk: verification failed, no file was written: anchor: ", name)
		require.Equal(t, []string{"qkv.safetensors"}, listing(t, dir), name)
	}
}

func TestVerifyExits4WhenACaseFails(t *testing.T) {
	f := newFake()
	f.spoil = func(o *attention.Outputs) { o.O.Host[0] = float16.NaN() }
	code, stdout, stderr := invoke(f, nil, "verify", "-p", "length/dense n=97")
	require.Equal(t, 4, code)
	require.Contains(t, stdout, "FAIL          plain length/dense n=97 heads=2/1 d=64: 1 of 12416 output elements are NaN or infinite")
	require.Contains(t, stdout, "\n0 passed, 1 failed\n")
	require.Equal(t, "anchorvk: 1 of 1 case failed on Paper GPU\n", stderr)
}

func TestNonFiniteInputsRun(t *testing.T) {
	dir := t.TempDir()
	bad := make([]float16.Float16, 2*40*8)
	for i := range bad {
		bad[i] = float16.Fromfloat32(float32(i%7) / 4)
	}
	bad[3], bad[100], bad[401] = float16.NaN(), float16.Inf(1), float16.Inf(-1)
	input := filepath.Join(dir, "in")
	require.NoError(t, os.WriteFile(input, fileBytes(t,
		tensor{"q", []int{2, 40, 8}, bad}, tensor{"k", []int{2, 40, 8}, bad}, tensor{"v", []int{2, 40, 8}, bad}), 0o600))
	code, stdout, stderr := invoke(newFake(), nil, "run", "-i", input, "--verify", "--block", "16", "--step", "1", "--json")
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, `"verdict": "OK"`)
}

func TestAFallbackKeepsEveryCandidate(t *testing.T) {
	s := attention.Shape{Batch: 1, Heads: 2, KVHeads: 1, QLen: 40, KVLen: 100, HeadDim: 8}
	p := attention.Params{Step: 1, Block: 16, SinkBlocks: 1, WindowBlocks: 1}
	tensors := attention.HostBHSD(make([]float16.Float16, 2*100*8), 1, 2, 100, 8)
	in := attention.HostBHSD(tensors.Host, 1, 1, 100, 8)
	q := attention.HostBHSD(tensors.Host, 1, 2, 40, 8)
	p.Theta = math.Inf(1)
	o, err := oracle.New(s, p, q, in, in)
	require.NoError(t, err)
	got := make([]byte, 2*o.Groups()*100)
	keepCandidates(got, s, p, true)
	for i, kept := range o.Forward(attention.ModeAnchor).Stripes {
		if kept != (got[i] == 1) {
			t.Fatalf("byte %d is %d, where the oracle says kept %v", i, got[i], kept)
		}
	}
	head := o.Groups() * 100
	p.Heads = []attention.Head{{}, {Mode: attention.HeadDense}}
	own := make([]byte, 2*head)
	keepCandidates(own, s, p, false)
	require.Equal(t, make([]byte, head), own[:head], "what a head kept stays")
	require.Equal(t, got[head:], own[head:], "a dense head attends all")
}
