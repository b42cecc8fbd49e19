//go:build cgo && (linux || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package attention

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/testhost"
	"github.com/anchorvk/anchorvk/vk"
)

// A recording's statistics are the proof that every part has run, each time.
func TestRecordingTellsWhatDidNotRun(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	problem := selective(1, 4, 2, 521, 521)
	plan, err := l.engine.Plan(problem, PlanOptions{NoFallback: true, SliceMS: 1e-9})
	require.NoError(t, err)
	c := l.call(t, plan, selectiveInputs(problem.Shape, 100), lentUsage|addressUsage(l.device))
	r := c.prepare(t, nil)
	require.Greater(t, r.Parts(), 20, "so that there is a word for many of them")
	run := func(leaveOut int) {
		commands := l.host.Begin()
		c.before(commands)
		for part := range r.Parts() {
			if part != leaveOut {
				require.NoError(t, r.Record(vk.Handle(commands.Handle), part))
			}
		}
		commands.End()
		l.host.Submit(testhost.Point{}, testhost.Point{}, commands)
		l.host.Finish()
	}
	dropped := func() {
		t.Helper()
		_, err := r.Recorded()
		require.ErrorIs(t, err, vk.ErrNotRun)
	}
	dropped()
	for range 2 {
		run(-1)
		stats, err := r.Recorded()
		require.NoError(t, err)
		require.Equal(t, r.Parts(), stats.Slices)
		dropped() // a run of before proves nothing
	}
	for _, part := range []int{0, r.Parts() / 2, r.Parts() - 1} { // each run leaves out another one
		run(part)
		dropped()
	}
	run(-1)
	_, err = r.Recorded()
	require.NoError(t, err)
	require.NoError(t, l.device.Err(), "the caller may be the one who did not submit")
}
