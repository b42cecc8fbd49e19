package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/tune"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// explained is what --explain says of the tuning, on a real device.
func explained(t *testing.T, env ...string) (code int, line, stderr string) {
	t.Helper()
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	code, stdout, stderr := program("bench", "--explain", "--seq", "64", "--head-dim", "64", "--modes", "dense")
	for _, text := range strings.Split(stdout, "\n") {
		if rest, found := strings.CutPrefix(text, "tuning "); found {
			line = strings.TrimSpace(rest)
		}
	}
	return code, line, stderr
}

// The plan takes the stored winner, the environment goes before it, and what
// cannot be used is left out with a warning.
func TestStoredTuningIsUsed(t *testing.T) {
	needDevice(t)
	dir := t.TempDir()
	t.Setenv("ANCHORVK_CACHE_DIR", dir)
	code, table, stderr := explained(t)
	require.Equal(t, exitOK, code, stderr)
	require.True(t, strings.HasPrefix(table, "table "), table)
	require.Empty(t, listing(t, dir), "nothing is stored without --tune")

	options, err := vk.OptionsFromEnv()
	require.NoError(t, err)
	device, err := vk.Open(options)
	require.NoError(t, err)
	r := *device.Report()
	require.NoError(t, device.Close())
	problem := attention.Problem{Shape: attention.Shape{Batch: 1, Heads: 4, KVHeads: 1, QLen: 64, KVLen: 64, HeadDim: 64}, Mode: attention.ModeDense}
	plan, err := attention.NewPlan(&r, problem, attention.PlanOptions{})
	require.NoError(t, err)
	a := &app{env: environment{"ANCHORVK_CACHE_DIR=" + dir}, backend: vulkan{}}
	store, err := a.tuningStore()
	require.NoError(t, err)
	choice := tuning.Neighbours(&r, plan.Tier, 64, plan.Tuning.Choice(plan.Tier), tuning.Attend)[0]
	require.NoError(t, store.Save(&r, tune.Entry{Tier: plan.Tier, HeadDim: 64, Choice: choice, Over: plan.Tuning.From, Attend: 1.5}))

	code, line, stderr := explained(t)
	require.Equal(t, exitOK, code)
	require.Empty(t, stderr)
	require.Equal(t, "bench --tune: attend 1.50 times as fast as with "+plan.Tuning.From+" on this device", line)

	t.Run("off", func(t *testing.T) {
		code, line, _ := explained(t, "ANCHORVK_TUNING=off")
		require.Equal(t, exitOK, code)
		require.Equal(t, table, line)
	})
	t.Run("environment", func(t *testing.T) {
		code, line, _ := explained(t, "ANCHORVK_TUNING=identify.keys=8")
		require.Equal(t, exitOK, code)
		require.Equal(t, "ANCHORVK_TUNING: identify.keys=8", line)
	})
	t.Run("impossible", func(t *testing.T) {
		code, _, stderr := explained(t, "ANCHORVK_TUNING=keys=3")
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, "anchorvk: ANCHORVK_TUNING cannot be: ")
	})
	t.Run("malformed", func(t *testing.T) {
		code, _, stderr := explained(t, "ANCHORVK_TUNING=fast")
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, `anchorvk: ANCHORVK_TUNING holds "fast", which is no name=value; use off, or choices such as`)
	})
	t.Run("damaged", func(t *testing.T) {
		files := listing(t, filepath.Join(dir, "tuning"))
		require.Len(t, files, 1)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "tuning", files[0]), []byte("{"), 0o600))
		code, line, stderr := explained(t)
		require.Equal(t, exitOK, code)
		require.Equal(t, table, line)
		require.Contains(t, stderr, "stored tuning is left out")
		require.Contains(t, stderr, "is damaged")
	})
	t.Run("no directory", func(t *testing.T) {
		code, line, stderr := explained(t, "ANCHORVK_CACHE_DIR=off")
		require.Equal(t, exitOK, code)
		require.Empty(t, stderr)
		require.Equal(t, table, line)
	})
}
