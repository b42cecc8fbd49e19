package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

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

// Times that other work disturbs, now these and now those, make no winner.
func TestTuneBearsNoise(t *testing.T) {
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	disturbed := func(ms float64) float64 {
		if random.Float64() < 0.4 {
			ms *= 1 + 20*random.Float64()
		}
		return ms * (1 + 0.02*random.Float64())
	}
	f := newFakeTuner(func(tuning.Tuning) (float64, float64) { return disturbed(10), disturbed(5) })
	faster := 0
	for range 20 {
		for _, trial := range tuned(t, f, dir, tuneArgs("-r", "5")...) {
			require.NotEqual(t, tune.Stored, trial.Verdict, "%+v", trial)
			if trial.Speedup.Median >= 1.025 {
				faster++
			}
		}
	}
	require.Greater(t, faster, 20, "medians alone would have been taken in")
	require.Empty(t, stored(t, f, dir))
}

// Fast candidates that compute something else, or fail, are told of and do not win.
func TestTuneLeavesOutWrongAndFailing(t *testing.T) {
	dir := t.TempDir()
	f := newFakeTuner(rowsLike(64, 16, 2))
	f.misdeed = func(t tuning.Tuning, out *attention.Outputs) error {
		switch {
		case t.Attend.Rows > 2: // one element of one row is off
			if x := &out.O.Host[37]; out.O.Host != nil {
				*x = float16.Fromfloat32(x.Float32() + 0.25)
			}
		case t.Attend.Keys == 8:
			return errors.New("the compiler gave up")
		case t.Attend.Lanes == 1:
			out.O.Host[5] = float16.NaN()
		}
		return nil
	}
	trials := tuned(t, f, dir, tuneArgs("--kernels", "attend")...)
	verdicts := map[string]string{}
	for _, trial := range trials {
		verdicts[trial.Change] = trial.Verdict + ": " + trial.Why
	}
	assert.Contains(t, verdicts["rows 2 to 4"], "wrong: anchor: row 2 of the output is 0.25 away")
	assert.Contains(t, verdicts["lanes 2 to 1"], "wrong: anchor: row 0 of the output is NaN away")
	assert.Equal(t, "failed: the compiler gave up", verdicts["keys 4 to 8"])
	assert.Equal(t, "no faster: ", verdicts["rows 2 to 1"])
	assert.Empty(t, stored(t, f, dir))

	// A search that keeps every key changes the output hardly at all.
	f.misdeed = func(t tuning.Tuning, out *attention.Outputs) error {
		if t.Identify.Rows != 2 {
			for i := range out.Stripes {
				out.Stripes[i] = 1
			}
		}
		return nil
	}
	f.ms = rowsLike(2, 4, 8)
	trials = tuned(t, f, dir, tuneArgs("--kernels", "identify")...)
	i := slices.IndexFunc(trials, func(r trialRecord) bool { return r.Change == "identify rows 2 to 4" })
	assert.Equal(t, tune.Wrong, trials[i].Verdict)
	assert.Contains(t, trials[i].Why, "keys are stripes in one and not in the other")
	assert.Empty(t, stored(t, f, dir))
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
