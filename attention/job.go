package attention

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/anchorvk/anchorvk/vk"
)

// Job is a call that Submit has started. Its methods may be called from
// several goroutines.
type Job struct {
	engine    *Engine
	work      *workspace // until the job has ended
	cancel    context.CancelFunc
	handed    chan struct{} // closed when Submit may return
	once      sync.Once     // closes handed
	submitted chan struct{}
	done      chan struct{}
	stats     Stats
	err       error
}

// Submit starts a plan and returns at once. Its first submission waits for
// sync.Wait, its last one signals sync.Signal; both may be empty. Tensors and
// log-sum-exps are on the device, and Outputs.Stripes is nil. The device keeps
// working while slices are recorded: up to two are in its queue at a time. A
// job of at most two is all in the queue when Submit returns.
//
// Buffers, and the semaphores of both lists, stay alive until [Job.Wait] has
// told that the job has ended; that a semaphore has its value is not enough. No
// barrier
// is needed between it and other work on the queue, but for what the
// semaphores order; on the same queue, submit what waits for sync.Signal only
// after [Job.Submitted], or it is ahead of what it waits for.
//
// sync.Signal is signalled in every case, also when the job fails or is
// cancelled: [Job.Wait] tells whether the outputs hold. Only a lost device, and
// a device that is closed while the job runs, signal nothing; nor does a
// Submit that returns an error, which has submitted nothing.
//
// When ctx ends, the job is cancelled. A job whose sync.Wait is never signalled
// does not end, cancelled or not: what is in a queue cannot be taken back.
// Errors are [*ArgumentError], those of package vk, and ctx's.
func (e *Engine) Submit(ctx context.Context, p *Plan, in Inputs, out Outputs, sync vk.Sync) (*Job, error) {
	if err := e.Check(p, in, out); err != nil {
		return nil, err
	}
	if err := checkOnDevice(in, out); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := e.buildable(p, in)
	if err != nil {
		return nil, err
	}
	work, err := e.jobs.take(e.device)
	if err != nil {
		return nil, err
	}
	c, begun := &work.call, false
	defer func() {
		if !begun { // it failed, or panicked
			e.jobs.drop(work)
		}
	}()
	if err := c.beginOnDevice(e, &work.buffers, p, in, out); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	j := &Job{engine: e, work: work, cancel: cancel, handed: make(chan struct{}), submitted: make(chan struct{}), done: make(chan struct{})}
	own := vk.Sync{Wait: slices.Clone(sync.Wait), Signal: slices.Clone(sync.Signal)}
	work.ahead.begin(&c.slicer, &e.rate, p.SliceMS, c.report.Limits.TimestampBits > 0, own, j.hand)
	begun = true
	go j.drive(ctx)
	<-j.handed
	select {
	case <-j.done:
		if j.err != nil && j.stats.Slices == 0 {
			return nil, j.err
		}
	default:
	}
	return j, nil
}

// hand lets Submit return.
func (j *Job) hand() { j.once.Do(func() { close(j.handed) }) }

// drive records and submits the job, waits for it, and gathers its statistics.
// A panic becomes the job's error: nobody else could recover it, and it would
// end the program.
func (j *Job) drive(ctx context.Context) {
	c := &j.work.call
	settle := func() error { return j.work.ahead.settle(j.engine.device, &c.slicer) }
	err := guard(func() error { return c.recordAll(ctx) })
	if err == nil {
		close(j.submitted)
	}
	if j.work.ahead.sent > 0 { // what is in the queue may wait for the caller of Submit
		j.hand()
	}
	if failed := guard(settle); err == nil {
		err = failed
	}
	if err == nil {
		err = guard(func() error {
			if err := c.deliver(context.Background(), Outputs{}); err != nil {
				return err
			}
			j.stats = c.stats()
			return nil
		})
	}
	j.stats.Slices, j.err = j.work.ahead.sent, err
	j.cancel()
	var panicked *PanicError
	if errors.As(err, &panicked) {
		_ = guard(settle) // waits for what a panic in the first one left in the queue
		j.engine.jobs.drop(j.work)
	} else {
		j.engine.jobs.give(j.work)
	}
	j.work = nil
	close(j.done)
	j.hand()
}

// Done is closed when the job has ended: finished, failed or cancelled.
func (j *Job) Done() <-chan struct{} { return j.done }

// Submitted is closed when all of the job is in the queue; never, when it
// failed or was cancelled before that.
func (j *Job) Submitted() <-chan struct{} { return j.submitted }

// Wait waits for the job and returns its statistics, without host times, and
// its error. When ctx ends, only the waiting does.
func (j *Job) Wait(ctx context.Context) (Stats, error) {
	select {
	case <-j.done:
		return j.stats, j.err
	case <-ctx.Done():
		return Stats{}, ctx.Err()
	}
}

// Cancel ends the job after the slices that are in the queue, at most two.
func (j *Job) Cancel() { j.cancel() }

// Close cancels the job, unless it has ended, and waits for it. It may be left
// out when the job has ended, and called more than once.
func (j *Job) Close() error {
	j.cancel()
	<-j.done
	return nil
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
func (c *call) beginOnDevice(e *Engine, b *engineBuffers, p *Plan, in Inputs, out Outputs) error {
	if err := c.begin(e, b, p, in, out); err != nil {
		return err
	}
	if err := c.place(context.Background(), in, out); err != nil {
		return err
	}
	return c.prepare(out)
}
