//go:build cgo

package vk

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/fault"
)

// After a wait that failed the device may be writing still: a buffer that was
// closed meanwhile keeps its memory until the device closes.
func TestFailedWaitKeepsWhatIsInFlight(t *testing.T) {
	d := openFaulty(t, switches(func(s *fault.Switches) { s.Hang = 0 }), func(o *Options) {
		o.Timeout, o.MemoryBudget = 50*time.Millisecond, 1<<20 // under a budget each buffer has memory of its own
	})
	r, b := newRecorder(t, d), newBuffer(t, d, "b", 4096, DeviceLocal)
	r.Fill(b, 0, 4096, 1)
	require.NoError(t, r.Submit(Sync{}))
	live := fault.Count().Live
	require.NotZero(t, live)
	require.NoError(t, b.Close())
	require.Equal(t, live, fault.Count().Live, "a buffer was freed under the work that uses it")
	var timeout *TimeoutError
	require.ErrorAs(t, r.Wait(background), &timeout)
	require.Equal(t, live, fault.Count().Live, "memory of work that may be running was freed")
	require.NotZero(t, b.pins.n.Load()&^pinsClosed, "the work's pin is gone")
	fault.Set(fault.Off)
	require.NoError(t, d.Close())
	require.Zero(t, fault.Count().Live)
}

// A submission that fails leaves nothing pinned: what it would have used can be
// closed, and the recorder used again.
func TestFailedSubmitKeepsNoPins(t *testing.T) {
	d := openFaulty(t, switches(func(s *fault.Switches) { s.Submit = 0 }), nil)
	r, b, p := newRecorder(t, d), newBuffer(t, d, "b", 4096, DeviceLocal), affine(t, d, 1)
	r.Dispatch(p, []Binding{{Buffer: b}, {Buffer: b}}, push(0, 0), 1, 1, 1)
	require.Error(t, r.Submit(Sync{}))
	require.Zero(t, b.pins.n.Load(), "pins of the buffer")
	require.Zero(t, p.pins.n.Load(), "pins of the pipeline")
	require.Zero(t, r.pins.n.Load(), "pins of the recorder")
	require.Equal(t, recorderFree, r.state)
}

// A wait that fails for want of host memory knows nothing of the work, and does
// not end before a later one has seen its end.
func TestFailedWaitIsNoEnd(t *testing.T) {
	d := openFaulty(t, switches(func(s *fault.Switches) { s.FailWait = 0 }), nil)
	r, b := newRecorder(t, d), newBuffer(t, d, "b", 4096, DeviceLocal)
	r.Fill(b, 0, 4096, 1)
	require.NoError(t, r.Submit(Sync{}))
	var seen atomic.Bool
	memory := time.AfterFunc(3*waitSlice, func() {
		seen.Store(true)
		fault.Set(fault.Off)
	})
	defer memory.Stop()
	require.NoError(t, r.Wait(background))
	require.True(t, seen.Load(), "no wait had succeeded when this one ended")
}
