package attention

import (
	"context"

	"github.com/anchorvk/anchorvk/vk"
)

// flight is a submission of a job.
type flight struct {
	recorder *vk.Recorder
	flying   bool // submitted and not waited for
	flops    float64
	inexact  bool
	marks    []pass
}

// flights are the submissions of a job: while the device works on one, the
// next is recorded and submitted, so that it never waits for the host. Two at
// a time bound what a cancelled job still runs.
type flights struct {
	all    [2]flight
	next   int // the one being recorded
	sync   vk.Sync
	sent   int    // submissions made
	signal bool   // the caller's semaphores are signalled, or will be
	waits  func() // called before the host waits for the device
}

// begin starts a call whose submissions are left to run.
func (f *flights) begin(s *slicer, p *pace, budgetMS float64, timestamps bool, sync vk.Sync, waits func()) {
	f.next, f.sent, f.signal, f.sync, f.waits = 0, 0, false, sync, waits
	s.begin(f, f.all[0].recorder, p, budgetMS, timestamps)
}

// take submits what the slicer has recorded and gives it another recorder,
// for which it may have to wait.
func (f *flights) take(ctx context.Context, s *slicer, last bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := &f.all[f.next]
	now.flops, now.inexact = s.flops, s.inexact
	now.marks = append(now.marks[:0], s.marks...)
	var sync vk.Sync
	if f.sent == 0 {
		sync.Wait = f.sync.Wait
	}
	if last {
		sync.Signal = f.sync.Signal
	}
	if err := now.recorder.Submit(sync); err != nil {
		return err
	}
	now.flying = true
	f.sent++
	s.slices++
	f.signal = last
	if last {
		return nil
	}
	f.next = 1 - f.next
	other := &f.all[f.next]
	if other.flying {
		f.waits()
		if err := f.land(other, s); err != nil {
			return err
		}
	}
	other.recorder.Reset()
	s.recorder = other.recorder
	return nil
}

// land waits for a submission and takes its times.
func (f *flights) land(x *flight, s *slicer) error {
	if !x.flying {
		return nil
	}
	x.flying = false
	if err := x.recorder.Wait(context.Background()); err != nil {
		return err
	}
	if s.hasTime { // the host's clock knows nothing of submissions that wait for each other
		s.recorder, s.marks = x.recorder, append(s.marks[:0], x.marks...)
		s.learn(x.flops, s.gpuMS(), x.inexact)
		s.marks = s.marks[:0]
	}
	return nil
}

// settle waits for all that was submitted. Where the job ended early, the
// caller's semaphores are signalled all the same: somebody may wait for them.
func (f *flights) settle(device *vk.Device, s *slicer) error {
	var first error
	if f.sent > 0 && !f.signal {
		f.signal = true
		first = device.SubmitSync(vk.Sync{Signal: f.sync.Signal})
	}
	older, newer := &f.all[1-f.next], &f.all[f.next]
	for _, x := range [2]*flight{older, newer} {
		if err := f.land(x, s); err != nil && first == nil {
			first = err
		}
	}
	return first
}
