package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/vk"
)

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("anything"), 1},
		{usage("x"), 2},
		{&attention.ArgumentError{}, 2},
		{&vk.NoDeviceError{}, 3},
		{&wrongError{}, 4},
		{&vk.OutOfMemoryError{}, 5},
		{&hostMemoryError{}, 5},
		{&vk.DeviceLostError{}, 6},
		{&vk.TimeoutError{}, 6},
		{&vk.FeatureError{}, 7},
		{&vk.LimitError{}, 7},
		{context.Canceled, 130},
	} {
		require.Equal(t, c.want, exitCode(c.err), "%T", c.err)
		if c.err != nil {
			require.Equal(t, c.want, exitCode(fmt.Errorf("around it: %w", c.err)), "wrapped %T", c.err)
		}
	}
}

func TestErrorsOfADeviceReachTheExitCode(t *testing.T) {
	input := qkv(t, t.TempDir())
	for _, c := range []struct {
		err  error
		want int
		text string
	}{
		{&vk.NoDeviceError{Why: "no Vulkan driver found", Try: "install one"}, 3, "anchorvk: no usable Vulkan device: no Vulkan driver found; try: install one\n"},
		{&vk.OutOfMemoryError{What: "scratch", Asked: 10, Available: 5}, 5, "anchorvk: out of device memory: scratch asked for 10 bytes, about 5 are available"},
		{&vk.DeviceLostError{During: "vkQueueSubmit"}, 6, "anchorvk: the Vulkan device was lost during vkQueueSubmit"},
		{&vk.TimeoutError{During: "prefill"}, 6, "during prefill"},
		{&vk.LimitError{What: "k", Limit: "maxStorageBufferRange", Asked: 2, Max: 1}, 7, "anchorvk: k needs maxStorageBufferRange of 2, the device allows 1"},
		{&vk.FeatureError{Feature: "float16", Why: "it is switched off"}, 7, "anchorvk: feature float16 cannot be used: it is switched off"},
	} {
		for _, args := range [][]string{{"run", "-i", input}, {"bench", "--seq", "16", "--head-dim", "16", "-r", "1"}} {
			f := newFake()
			f.err = c.err
			code, stdout, stderr := invoke(f, nil, args...)
			require.Equal(t, c.want, code, "%s: %T", args[0], c.err)
			require.Empty(t, stdout)
			require.Contains(t, stderr, c.text)
		}
	}
}

func TestInterruptEndsWith130(t *testing.T) {
	dir := t.TempDir()
	input := qkv(t, dir)
	for _, args := range [][]string{
		{"run", "-i", input, "-o", dir + "/out.safetensors"},
		{"bench", "--seq", "16"},
		{"verify", "-p", "n=97"},
	} {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		var out, err writer
		a := &app{stdout: &out, stderr: &err, backend: newFake(), freeMemory: freeMemory}
		require.Equal(t, 130, a.run(ctx, args), args[0])
		require.Equal(t, "anchorvk: interrupted\n", string(err))
		require.Empty(t, string(out))
	}
	require.Equal(t, []string{"qkv.safetensors"}, listing(t, dir), "no file is left behind")
}

func TestTooLittleHostMemoryEndsWith5(t *testing.T) {
	dir := t.TempDir()
	input := qkv(t, dir) // q [4, 100, 16], k and v [2, 150, 16]
	const inputs, outputs, stripes = 2 * 16 * (4*100 + 2*2*150), 2 * 4 * 100 * 16, 4 * 5 * 150
	for _, c := range []struct {
		args []string
		need float64
	}{
		{append([]string{"run", "-i", input, "-o", dir + "/out", "--dump-stripes"}, small...), inputs + outputs + stripes},
		{append([]string{"bench", "-i", input, "-r", "1"}, small...), inputs},
	} {
		for _, lack := range []float64{0, 1} {
			var out, err writer
			a := &app{stdout: &out, stderr: &err, backend: newFake(), freeMemory: func() (float64, bool) { return c.need - lack, true }}
			code := a.run(context.Background(), c.args)
			if lack == 0 {
				require.Equal(t, 0, code, "%s", err)
				require.NoError(t, os.RemoveAll(dir+"/out"))
				continue
			}
			require.Equal(t, 5, code, "%s", err)
			require.Contains(t, string(err), fmt.Sprintf("need %.0f bytes, about %.0f are available; try shorter inputs", c.need, c.need-1))
			require.Empty(t, string(out))
			require.Equal(t, []string{"qkv.safetensors"}, listing(t, dir))
		}
	}
}

func TestATierThatIsNoneNamesItsVariable(t *testing.T) {
	t.Setenv("ANCHORVK_TIER", "scalr")
	needDevice(t)
	code, _, stderr := program("run", "-i", qkv(t, t.TempDir()))
	require.Equal(t, 2, code)
	require.Contains(t, stderr, `anchorvk: ANCHORVK_TIER is "scalr", which is no tier; use one of`)
}

func TestNamesInFilesCannotSteerTheTerminal(t *testing.T) {
	input := t.TempDir() + "/in"
	require.NoError(t, os.WriteFile(input, fileBytes(t, tensor{name: "q\x1b[31m", shape: []int{1, 1, 8}}), 0o600))
	code, _, stderr := invoke(newFake(), nil, "run", "-i", input)
	require.Equal(t, 1, code)
	require.NotContains(t, stderr, "\x1b")
	require.Contains(t, stderr, `q\x1b[31m F16`)
}

// writer gathers what is written to it.
type writer []byte

func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}
