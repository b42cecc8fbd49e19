package attention

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/anchorvk/anchorvk/vk"
)

// submission is what a submitted job works with.
type submission struct {
	*Job
	engine *Engine
	work   *workspace
	handed chan struct{} // closed when Submit may return
	once   sync.Once     // closes handed
}

// Submit starts the call and returns at once. Its first submission waits for
// sync.Wait, its last one signals sync.Signal; both may be empty. Tensors and
// log-sum-exps are on the device, and Outputs.Stripes is nil. The device keeps
// working while slices are recorded: up to two are in its queue at a time. A
// job of at most two is all in the queue when Submit returns.
//
// Keep the buffers and the semaphores of both lists alive until [Job.Wait]
// returns: a semaphore that has reached its value may still be in use. The job
// needs no barriers from you beyond what the semaphores order. On the same queue,
// submit work that waits for sync.Signal only after [Job.Submitted] is closed:
// otherwise it is queued ahead of the signal and waits for ever.
//
// sync.Signal is signalled in every case, also when the job fails or is
// cancelled: [Job.Wait] says whether the outputs hold. Only a lost device, and
// a device that is closed while the job runs, signal nothing; nor does a
// Submit that returns an error, which has submitted nothing.
//
// When ctx ends, the job is cancelled. A job whose sync.Wait is never signalled
// does not end, cancelled or not: what is in a queue cannot be taken back.
// Errors are [*ArgumentError], those of package vk, ctx's and [ErrBusy].
func (c *Call) Submit(ctx context.Context, sync vk.Sync) (*Job, error) {
	if err := checkOnDevice(c.in, c.out); err != nil {
		return nil, err
	}
	if err := c.engine.device.CheckSync(sync); err != nil { // the last submission's too
		return nil, fmt.Errorf("attention: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := c.begin(); err != nil {
		return nil, err
	}
	var s *submission
	var err error
	defer func() {
		if s == nil { // it failed, or panicked
			c.end(nil)
		}
	}()
	if s, err = c.submit(ctx, sync); err != nil {
		return nil, err
	}
	<-s.handed
	select {
	case <-s.done:
		if s.err != nil && s.stats.Slices == 0 {
			return nil, s.err
		}
	default:
	}
	return s.Job, nil
}

// submit begins a submission, which a goroutine of its own drives to its end.
func (c *Call) submit(ctx context.Context, sync vk.Sync) (*submission, error) {
	e := c.engine
	p, err := e.buildable(c.plan, c.in)
	if err != nil {
		return nil, err
	}
	work, err := e.jobs.take(e.device)
	if err != nil {
		return nil, err
	}
	begun := false
	defer func() {
		if !begun { // it failed, or panicked
			work.close()
			e.jobs.end()
		}
	}()
	r := &work.run
	if err := r.beginOnDevice(e, &work.buffers, p, c.in, c.out); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &submission{Job: c.newJob(cancel), engine: e, work: work, handed: make(chan struct{})}
	s.submitted = make(chan struct{})
	own := vk.Sync{Wait: slices.Clone(sync.Wait), Signal: slices.Clone(sync.Signal)}
	work.ahead.begin(&r.slicer, &e.rate, p.SliceMS, r.report.Limits.TimestampBits > 0, own, s.hand)
	begun = true
	go s.drive(ctx)
	return s, nil
}

// hand lets Submit return.
func (s *submission) hand() { s.once.Do(func() { close(s.handed) }) }

// drive records and submits the job, waits for it, and gathers its statistics.
// A panic becomes the job's error: nobody else could recover it, and it would
// end the program.
func (s *submission) drive(ctx context.Context) {
	r := &s.work.run
	settle := func() error { return s.work.ahead.settle(s.engine.device, &r.slicer) }
	err := guard(func() error { return r.recordAll(ctx) })
	if err == nil {
		close(s.submitted)
	}
	if s.work.ahead.sent > 0 { // what is in the queue may wait for the caller of Submit
		s.hand()
	}
	if failed := guard(settle); err == nil {
		err = failed
	}
	if err == nil {
		err = guard(func() error {
			if err := r.deliver(context.Background(), Outputs{}); err != nil {
				return err
			}
			s.stats = r.stats()
			return nil
		})
	}
	s.stats.Slices = s.work.ahead.sent
	var panicked *PanicError
	if errors.As(err, &panicked) {
		_ = guard(settle) // waits for what a panic in the first one left in the queue
		s.work.close()
	} else {
		s.engine.jobs.give(s.work)
	}
	s.end(err)
	s.hand()
	s.engine.jobs.end() // the last: Engine.Close waits for it
}

// checkOnDevice refuses what only Run can do.
func checkOnDevice(in Inputs, out Outputs) error {
	const try = "place it in a buffer, or use Run"
	for _, t := range [4]struct {
		name string
		host bool
	}{{"Q", in.Q.Host != nil}, {"K", in.K.Host != nil}, {"V", in.V.Host != nil}, {"O", out.O.Host != nil}} {
		if t.host {
			return argument(t.name, try, "is on the host, and only a call that waits can copy it")
		}
	}
	if out.LSE != nil {
		return argument("LSE", "set LSEBuffer, or use Run", "is on the host, and only a call that waits can copy it")
	}
	if out.Stripes != nil {
		return argument("Stripes", "use Run", "is wanted, and only a call that waits can copy it")
	}
	return nil
}

// beginOnDevice prepares a call whose tensors are all on the device.
func (r *run) beginOnDevice(e *Engine, b *engineBuffers, p *Plan, in Inputs, out Outputs) error {
	if err := r.begin(e, b, p, in, out); err != nil {
		return err
	}
	if err := r.place(context.Background(), in, out); err != nil {
		return err
	}
	return r.prepare(out)
}
