package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
)

// paramsOf reads flags as run and bench do.
func paramsOf(t *testing.T, args ...string) (attention.Params, *paramFlags, error) {
	t.Helper()
	f := &paramFlags{}
	cmd := &cobra.Command{}
	f.add(cmd)
	require.NoError(t, cmd.ParseFlags(args))
	all, err := f.all()
	if err != nil {
		return attention.Params{}, f, err
	}
	return all[0], f, nil
}

func TestParametersBeginFromAPreset(t *testing.T) {
	safe, err := attention.Preset("safe")
	require.NoError(t, err)
	p, _, err := paramsOf(t)
	require.NoError(t, err)
	assert.Equal(t, safe, p, "the default")
	p, _, err = paramsOf(t, "--preset", "paper")
	require.NoError(t, err)
	assert.Equal(t, attention.DefaultParams(), p)
	p, _, err = paramsOf(t, "--theta", "8", "--tail", "0", "--guard", "16,0.02,0.5", "--sink-blocks", "0", "--window-blocks", "2")
	require.NoError(t, err)
	safe.Sample = attention.Sample{} // a theta is of pooled rows
	safe.Theta, safe.Tail, safe.SinkBlocks, safe.WindowBlocks, safe.Guard = 8, 0, 0, 2, attention.Guard{Stride: 16, Peak: 0.02, Limit: 0.5}
	assert.Equal(t, safe, p)
	p, _, err = paramsOf(t, "--weight", "0.3")
	require.NoError(t, err)
	assert.Equal(t, attention.Sample{Stride: 16, Weight: 0.3, Part: 8}, p.Sample)
	_, _, err = paramsOf(t, "--theta", "inf", "--weight", "0.3")
	require.ErrorContains(t, err, "says nothing beside --theta +Inf")
	p, _, err = paramsOf(t, "--preset", "paper", "--sample", "8, 0.5")
	require.NoError(t, err)
	assert.Equal(t, attention.Sample{Stride: 8, Weight: 0.5}, p.Sample)
	for _, args := range [][]string{
		{"--theta", "8", "--weight", "0.2"}, {"--theta", "8", "--sample", "16,0.2"}, {"--weight", "0.2", "--preset", "paper"}, {"--weight", "0.2", "--sample", "off"},
	} {
		_, _, err = paramsOf(t, args...)
		require.ErrorContains(t, err, args[0], "both kinds of rows at once")
	}
	p, _, err = paramsOf(t, "--guard", "off")
	require.NoError(t, err)
	assert.False(t, p.Guard.On())
	for _, c := range [][2]string{
		{"--preset", "fast"}, {"--guard", "32"}, {"--guard", "0,0.1,0.1"}, {"--guard", "32,x,0.1"}, {"--guard", "32,2,0.1"}, {"--guard", "32,0.1,NaN"}, {"--guard", ""}, {"--guard", "32,0.1,0.1"}, {"--guard", "16,0.1,0.1,16"}, {"--sample", "16"}, {"--sample", "-1,1"}, {"--sample", "16,1,65"}, {"--weight", "-1"}, {"--profile", ""}, {"--tail", "-1"}, {"--layer", "2"},
	} {
		_, _, err := paramsOf(t, c[0], c[1])
		require.Error(t, err, c)
		require.Contains(t, message(err), c[0], "in the words of the command line")
	}
}

func TestProfileOfHeads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"schema":1,"model":"m","preset":"paper","heads":[{"layer":2,"head":1,"mode":"dense"},{"layer":2,"head":0,"theta":8}]}`), 0o600))
	p, f, err := paramsOf(t, "--profile", path, "--layer", "2")
	require.NoError(t, err)
	require.Equal(t, attention.DefaultParams(), p, "the profile's preset")
	p, err = f.ofHeads(p, 3)
	require.NoError(t, err)
	require.Equal(t, []attention.Head{{Mode: attention.HeadAnchor, Theta: 8}, {Mode: attention.HeadDense}, {}}, p.Heads)
	_, err = f.ofHeads(p, 1)
	require.ErrorContains(t, err, "another model")
	p, f, err = paramsOf(t, "--profile", path, "--preset", "safe")
	require.NoError(t, err)
	require.Equal(t, 16, p.Block, "--preset goes before it")
	p, err = f.ofHeads(p, 3)
	require.NoError(t, err)
	require.Nil(t, p.Heads, "layer 0 has none")
	_, _, err = paramsOf(t, "--profile", filepath.Join(t.TempDir(), "none.json"))
	require.Error(t, err)

	code, stdout, stderr := program("run", qkv(t, t.TempDir()), "--profile", path, "--layer", "2", "--no-fallback", "--explain", "--block", "16", "--step", "2")
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, "2 have a mode of their own, 1 is dense")
	require.NotContains(t, stderr, "names no head")
	for _, command := range [][]string{{"run", qkv(t, t.TempDir())}, {"bench", "--seq", "64", "-r", "1"}} {
		code, _, stderr = invoke(newFake(), nil, append(command, "--profile", path, "--layer", "3")...)
		require.Equal(t, 0, code, stderr)
		require.Contains(t, stderr, "names no head of layer 3 (layers count from 0): its heads are as preset paper says")
	}
}
