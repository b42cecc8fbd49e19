package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/tune"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// The sweep walks step by step to the best tuning, stores it, and finds on the
// next run that it is still the best.
func TestTuneFindsTheBest(t *testing.T) {
	dir := t.TempDir()
	f := newFakeTuner(rowsLike(8, 16, 1))
	trials := tuned(t, f, dir, tuneArgs()...)
	choices := stored(t, f, dir)
	require.Len(t, choices, 1)
	got := choices[0]
	assert.Equal(t, tuning.Only(attention.TierUnpack, 16), got.When)
	assert.Equal(t, [3]int{8, 16, 1}, [3]int{got.Choice.Attend.Rows, got.Choice.Attend.Keys, got.Choice.Identify.Rows})
	// From 2 rows and 4 keys: (10 + 3*2 + 2*2) / 10, and (5 + 1) / 5.
	assert.Equal(t, "attend 2.00 times as fast, identify 1.20 times as fast as with table gpu on this device", got.Why)
	finals := 0
	for _, trial := range trials {
		require.NotEmpty(t, trial.Verdict)
		require.NotNil(t, trial.Speedup, "%+v", trial)
		if trial.Round == 0 {
			finals++
			assert.Equal(t, tune.Stored, trial.Verdict)
			assert.Len(t, trial.Speedup.Samples, 5)
		}
	}
	assert.Equal(t, 2, finals)
	assert.Equal(t, []string{"tuning"}, listing(t, dir))

	again := tuned(t, f, dir, tuneArgs()...)
	assert.Equal(t, "keys 4 to 16, rows 2 to 8", again[0].Change, "what is stored is tried first")
	assert.Equal(t, choices, stored(t, f, dir))

	// --kernels leaves the other kernels' winner alone.
	f.ms = rowsLike(4, 16, 4)
	tuned(t, f, dir, tuneArgs("--kernels", "attend")...)
	choices = stored(t, f, dir)
	require.Len(t, choices, 1)
	assert.Equal(t, [2]int{4, 1}, [2]int{choices[0].Choice.Attend.Rows, choices[0].Choice.Identify.Rows})

	// When the table's choice is the best, what was stored is forgotten.
	f.ms = rowsLike(2, 4, 2)
	code, stdout, stderr := invoke(f, []string{"ANCHORVK_CACHE_DIR=" + dir}, append(tuneArgs(), "--json=false")...)
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "unpack, head_dim 16: what was stored is removed; table gpu stays")
	assert.Empty(t, stored(t, f, dir))
}

// A gain below the margin is not stored.
func TestTuneKeepsToItsMargin(t *testing.T) {
	dir := t.TempDir()
	f := newFakeTuner(func(t tuning.Tuning) (float64, float64) {
		if t.Attend.Rows == 4 {
			return 10 / 1.07, 5
		}
		return 10, 5
	})
	trials := tuned(t, f, dir, tuneArgs("--margin", "0.1")...)
	last := trials[slices.IndexFunc(trials, func(r trialRecord) bool { return r.Round == 0 })]
	assert.Equal(t, tune.Kept, last.Verdict)
	assert.Contains(t, last.Why, "10 %")
	assert.Empty(t, stored(t, f, dir))
	trials = tuned(t, f, dir, tuneArgs()...)
	last = trials[slices.IndexFunc(trials, func(r trialRecord) bool { return r.Round == 0 })]
	assert.Equal(t, tune.Stored, last.Verdict)
	assert.Len(t, stored(t, f, dir), 1)
}

// What ends a sweep, ends it with its own code, and the store is as it was.
func TestTuneInterrupted(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		code int
	}{
		"interrupted": {context.Canceled, exitInterrupted},
		"lost":        {&vk.DeviceLostError{}, exitDeviceLost},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			f := newFakeTuner(rowsLike(8, 4, 2))
			tuned(t, f, dir, tuneArgs()...)
			before := stored(t, f, dir)
			require.Len(t, before, 1)
			f.ms = rowsLike(1, 4, 2)
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			left := 40
			f.misdeed = func(tuning.Tuning, *attention.Outputs) error {
				if left--; left > 0 {
					return nil
				}
				if errors.Is(c.err, context.Canceled) {
					cancel(c.err)
				}
				return c.err
			}
			var out, stderr bytes.Buffer
			a := &app{stdout: &out, stderr: &stderr, env: environment{"ANCHORVK_CACHE_DIR=" + dir}, backend: f, freeMemory: freeMemory}
			require.Equal(t, c.code, a.run(ctx, tuneArgs()), stderr.String())
			require.Empty(t, out.String())
			require.Equal(t, before, stored(t, f, dir))
			require.Len(t, listing(t, filepath.Join(dir, "tuning")), 1)
		})
	}
}

// When the limit is over nothing new is tried.
func TestTuneLimit(t *testing.T) {
	dir := t.TempDir()
	f := newFakeTuner(rowsLike(8, 16, 1))
	trials := tuned(t, f, dir, tuneArgs("--limit", "1ns")...)
	require.NotEmpty(t, trials)
	for _, trial := range trials {
		require.Equal(t, tune.Skipped, trial.Verdict)
		require.Contains(t, trial.Why, "1ns")
		require.Nil(t, trial.Speedup)
	}
	require.Empty(t, stored(t, f, dir))
}

// A directory that cannot be written to is known before the sweep.
func TestTuneUnwritable(t *testing.T) {
	dir := "/proc"
	if os.Geteuid() != 0 {
		dir = t.TempDir()
		require.NoError(t, os.Chmod(dir, 0o500))
	}
	f := newFakeTuner(rowsLike(8, 16, 1))
	for _, value := range []string{dir, "off"} {
		code, stdout, stderr := invoke(f, []string{"ANCHORVK_CACHE_DIR=" + value}, tuneArgs()...)
		require.Equal(t, exitOther, code)
		require.Empty(t, stdout)
		require.Contains(t, stderr, "ANCHORVK_CACHE_DIR")
	}
	require.Zero(t, f.runs)
	code, _, stderr := invoke(f, []string{"ANCHORVK_CACHE_DIR=" + t.TempDir(), "ANCHORVK_TUNING=rows=2"}, tuneArgs()...)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "unset it")
	code, _, stderr = invoke(f, []string{"ANCHORVK_CACHE_DIR=" + t.TempDir()}, tuneArgs("--step", "8")...)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "no stripes are searched")
}

// A real device, a tiny problem: every neighbour computes the same, and what
// is stored is what the plan then takes.
func TestTuneOnDevice(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles many kernels: left to make test")
	}
	needDevice(t)
	dir := t.TempDir()
	t.Setenv("ANCHORVK_CACHE_DIR", dir)
	code, stdout, stderr := program("bench", "--tune", "--json", "--seq", "200", "--block", "16", "--step", "2", "--head-dim", "8", "--heads", "1", "-r", "1", "--limit", "20s", "--kernels", "attend")
	require.Equal(t, exitOK, code, stderr)
	var doc struct {
		Results []trialRecord `json:"results"`
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	require.NotEmpty(t, doc.Results)
	wins := false
	for _, trial := range doc.Results {
		assert.NotContains(t, []string{tune.Wrong, tune.Failed}, trial.Verdict, "%+v", trial)
		wins = wins || trial.Verdict == tune.Stored
	}
	code, stdout, stderr = program("bench", "--explain", "--seq", "64", "--head-dim", "8", "--modes", "dense")
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, wins, strings.Contains(stdout, "tuning     bench --tune: attend "), stdout)
}
