package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// badClock is a device whose clock goes wrong in some runs, counted from 1.
type badClock struct {
	*fakeTuner
	wrong func(run int) bool
}

func (b badClock) open(vk.Options, attention.Options) (session, error) { return b, nil }

func (b badClock) run(ctx context.Context, p *attention.Plan, in attention.Inputs, out attention.Outputs, o attention.RunOptions) (attention.Stats, error) {
	stats, err := b.fakeTuner.run(ctx, p, in, out, o)
	stats.HostMS, stats.PausedMS = 50, 10
	if p.Asked == attention.ModeDense {
		stats.HostMS = 110
	}
	if b.wrong(b.runs) {
		stats.TimeMS, stats.Warnings = attention.Times{}, []string{"GPU times of this run are unknown"}
	}
	return stats, err
}

func newBadClock(wrong func(run int) bool) badClock {
	f := newFakeTuner(func(tuning.Tuning) (float64, float64) { return 4, 2 })
	f.reports[0].Limits.TimestampBits = 64
	return badClock{f, wrong}
}

func never(int) bool { return false }

// A clock that goes wrong in one run makes no speed-up: all runs are told by
// the host's clock then, and set against none that another clock has timed.
func TestBenchOnABadClock(t *testing.T) {
	args := []string{"bench", "--seq", "64", "--head-dim", "16", "-r", "3", "--block", "16", "--step", "1"}
	bench := func(b backend, more ...string) (records []benchRecord, stdout, stderr string) {
		code, stdout, stderr := invoke(b, nil, append(append([]string{}, args...), more...)...)
		require.Equal(t, exitOK, code, stderr)
		var doc struct{ Results []benchRecord }
		if json.Unmarshal([]byte(stdout), &doc) == nil {
			records = doc.Results
		}
		return records, stdout, stderr
	}
	good, text, _ := bench(newBadClock(never), "--json")
	require.Equal(t, clockGPU, good[0].Clock)
	require.EqualValues(t, 6, good[0].TimeMS.Median)
	require.EqualValues(t, 1, good[0].SpeedupOverDense)
	old := filepath.Join(t.TempDir(), "old.json")
	require.NoError(t, os.WriteFile(old, []byte(text), 0o600))
	_, text, _ = bench(newBadClock(never))
	require.Contains(t, text, "3 repetitions, GPU times;")

	for _, wrong := range []int{5, 8, 10} { // of either mode; the first two runs, which the oracle computes, count twice and are not measured
		once := func(run int) bool { return run == wrong }
		records, _, stderr := bench(newBadClock(once), "--json", "--compare", old)
		require.Equal(t, clockHost, records[0].Clock)
		require.EqualValues(t, 40, records[0].TimeMS.Median)
		require.EqualValues(t, 40, records[0].TimeMS.Min, "no GPU time among them")
		require.EqualValues(t, 2.5, records[0].SpeedupOverDense, "host times of both")
		require.Equal(t, clockHost, records[1].Clock)
		require.Nil(t, records[0].Compare, "the earlier bench was timed by the GPU")
		require.Contains(t, stderr, "nothing to compare with")
		_, text, _ := bench(newBadClock(once))
		require.Contains(t, text, "3 repetitions, host times, because GPU times are not known;")
	}
}

// A sweep measures again where the clock went wrong, and stops where it stays so.
func TestTuneOnABadClock(t *testing.T) {
	args := tuneArgs()
	env := func() []string { return []string{"ANCHORVK_CACHE_DIR=" + t.TempDir()} }
	code, _, stderr := invoke(newBadClock(func(run int) bool { return run%3 == 0 }), env(), args...)
	require.Equal(t, exitOK, code, stderr)
	code, stdout, stderr := invoke(newBadClock(func(run int) bool { return run > 20 }), env(), args...)
	require.Equal(t, exitOther, code, stdout)
	require.Contains(t, stderr, "clock is not to be trusted")
	require.NotContains(t, stdout, "faster")
}
