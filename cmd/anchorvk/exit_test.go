package main

import (
	"context"
	"errors"
	"fmt"
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
		a := &app{stdout: &out, stderr: &err, backend: newFake()}
		require.Equal(t, 130, a.run(ctx, args), args[0])
		require.Equal(t, "anchorvk: interrupted\n", string(err))
		require.Empty(t, string(out))
	}
	require.Equal(t, []string{"qkv.safetensors"}, listing(t, dir), "no file is left behind")
}

// writer gathers what is written to it.
type writer []byte

func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}
