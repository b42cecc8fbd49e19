package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/vk"
)

func TestMannersReachTheDevice(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"run", "-i", tiny},
		{"bench", "-i", tiny, "-r", "1"},
	} {
		f := newFake()
		code, _, stderr := invoke(f, []string{"ANCHORVK_CACHE_DIR=" + dir}, append(args, "--duty", "0.25", "--priority", "low", "--memory-budget", "1.5GiB")...)
		require.Equal(t, 0, code, stderr)
		require.Equal(t, vk.PriorityLow, f.opened.Priority)
		require.Equal(t, uint64(3<<29), f.opened.MemoryBudget)
		require.Equal(t, dir, f.opened.CacheDir)
		require.Equal(t, 0.25, f.ranWith.DutyCycle)
		require.NotNil(t, f.ranWith.Progress)

		f = newFake()
		code, _, stderr = invoke(f, []string{"ANCHORVK_CACHE_DIR=off"}, args...)
		require.Equal(t, 0, code, stderr)
		require.Equal(t, vk.PriorityNormal, f.opened.Priority)
		require.Zero(t, f.opened.MemoryBudget)
		require.Empty(t, f.opened.CacheDir)
		require.Equal(t, 1.0, f.ranWith.DutyCycle)
	}
}

func TestBadManners(t *testing.T) {
	for _, c := range []struct{ flag, value, text string }{
		{"--duty", "0", "--duty 0 is no share"},
		{"--duty", "0.001", "--duty 0.001 is no share of time that can be kept; use one from 0.01 to 1"},
		{"--duty", "1.01", "--duty 1.01"},
		{"--duty", "NaN", "--duty NaN"},
		{"--duty", "half", `--duty: "half" is no number`},
		{"--priority", "urgent", "choose low, normal or high"},
		{"--priority", "", "choose low, normal or high"},
		{"--memory-budget", "0", "is no size"},
		{"--memory-budget", "lots", "is no size"},
		{"--memory-budget", "-1MiB", "is no size"},
		{"--memory-budget", "12XB", "is no size"},
		{"--memory-budget", "1e30TiB", "is no size"},
	} {
		for _, command := range [][]string{{"run", "-i", tiny}, {"bench", "-i", tiny}} {
			f := newFake()
			code, _, stderr := invoke(f, nil, append(command, c.flag, c.value)...)
			require.Equal(t, exitUsage, code, "%v %s", command, stderr)
			require.Contains(t, stderr, c.text)
			require.Zero(t, f.runs)
		}
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]uint64{"1": 1, "4096": 4096, "512MiB": 512 << 20, "1.5 GiB": 3 << 29, "2KiB": 2048, "1TiB": 1 << 40} {
		got, err := parseBytes(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

// On a real device: the budget ends the command before any work, and the
// directory holds what the driver keeps.
func TestMemoryBudgetAndCacheDir(t *testing.T) {
	needDevice(t)
	dir := filepath.Join(t.TempDir(), "cache")
	t.Setenv("ANCHORVK_CACHE_DIR", dir)
	out := filepath.Join(t.TempDir(), "out.safetensors")
	code, _, stderr := program("run", "-i", tiny, "-o", out, "--memory-budget", "1KiB")
	require.Equal(t, exitMemory, code, stderr)
	require.Contains(t, stderr, "the budget is 1024")
	require.NoFileExists(t, out)

	code, _, stderr = program("run", "-i", tiny, "-o", out, "--memory-budget", "64MiB", "--duty", "0.5")
	require.Equal(t, 0, code, stderr)
	require.FileExists(t, out)
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, list, 1)
	code, _, stderr = program("run", "-i", tiny, "-o", out)
	require.Equal(t, 0, code, stderr)
	require.NotContains(t, stderr, "pipeline cache")
}
