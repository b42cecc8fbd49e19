package attention

import (
	"context"
	"errors"
	"sync"

	"github.com/anchorvk/anchorvk/vk"
)

// Call is a plan bound to an engine and to the tensors of one call, made by
// [Engine.Bind]. Its arguments are checked once; it runs any number of times, one
// run at a time.
//
//	Run      computes and waits; tensors on the host are copied
//	Start    is Run on a goroutine of its own
//	Submit   returns at once, and signals the caller's semaphores
//	Prepare, Record, Recorded   leave submitting to the caller
//
// All give the same bits. Run, Start and Submit exclude each other: a second one
// that comes while the first goes on gets [ErrBusy], so that each goroutine needs
// a call of its own. What is recorded runs when the caller says so, and excludes
// nothing.
type Call struct {
	engine *Engine
	plan   *Plan
	in     Inputs
	out    Outputs

	mu      sync.Mutex
	idle    sync.Cond // no run goes on
	running bool
	closed  bool
	job     *Job // the latest one

	records   sync.Mutex // held around what works with recording; taken before mu
	recording *recording
}

// ErrBusy is the error of a call that runs already.
var ErrBusy = errors.New("attention: the call is running; wait for it, or make another call for each thread")

// Bind binds a plan to tensors, without any work on the device. Errors are
// [*ArgumentError]. The tensors' memory must outlive the call's runs.
func (e *Engine) Bind(p *Plan, in Inputs, out Outputs) (*Call, error) {
	if err := e.check(p, in, out); err != nil {
		return nil, err
	}
	c := &Call{engine: e, plan: p, in: in, out: out}
	c.idle.L = &c.mu
	return c, nil
}

// Plan is what the call was bound to. A run takes another one where the driver
// cannot build its tier, as Stats then says.
func (c *Call) Plan() *Plan { return c.plan }

// begin lets a run in, and no other until end.
func (c *Call) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return vk.ErrClosed
	case c.running:
		return ErrBusy
	}
	c.running = true
	return nil
}

func (c *Call) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// end lets the next run in. done, if any, is closed with it: whoever has waited
// for a job may run the call again, and whoever has closed the call or waits for
// it finds its job ended.
func (c *Call) end(done chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = false
	if done != nil {
		close(done)
	}
	c.idle.Broadcast()
}

// Run computes the call. Host tensors are copied to the device and back. When
// ctx ends, Run stops at the end of the slice that is running and returns ctx's
// error; the outputs are then undefined. Errors are [*ArgumentError], those of
// package vk, ctx's and [ErrBusy].
//
// Where the driver cannot build the plan's tier, and the plan did not ask for
// that tier by name, the next tier computes it: Stats.Tier and Stats.Refused
// say so, the log warns, and later plans of the engine leave the tier out, until
// ForgetRefusals.
//
// A NaN or infinity in the inputs affects rows as package oracle defines it, with
// one freedom: where a row gives an infinite value a weight that is zero, or too
// small for the tier's precision, the element is that infinity or NaN.
func (c *Call) Run(ctx context.Context, o RunOptions) (Stats, error) {
	if err := o.check(); err != nil {
		return Stats{}, err
	}
	if err := c.begin(); err != nil {
		return Stats{}, err
	}
	defer c.end(nil)
	return c.engine.run(ctx, c.plan, c.in, c.out, o)
}

// Start is Run on a goroutine of its own. When ctx ends, the job is cancelled.
func (c *Call) Start(ctx context.Context, o RunOptions) (*Job, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := c.begin(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	j := c.newJob(cancel)
	go func() {
		err := errExited
		defer func() { j.end(err) }()
		err = guard(func() (err error) {
			j.stats, err = c.engine.run(ctx, c.plan, c.in, c.out, o)
			return err
		})
	}()
	return j, nil
}

// newJob is a job of the call, which goes on until its end. A Close that came
// between begin and it has had no job to cancel.
func (c *Call) newJob(cancel context.CancelFunc) *Job {
	j := &Job{call: c, cancel: cancel, done: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.job = j
	if c.closed {
		cancel()
	}
	return j
}

// Close lets no new run in, cancels a job, waits for the run that goes on and for
// a Prepare, and frees what that made: the command buffers that the call was
// recorded into must have ended, and must not be submitted again. It may be called
// more than once.
func (c *Call) Close() error {
	c.stop()
	c.records.Lock()
	defer c.records.Unlock()
	r := c.recording
	c.recording = nil
	if r == nil {
		return nil
	}
	return r.close()
}

// stop ends what runs, for good.
func (c *Call) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.job != nil {
		c.job.Cancel()
	}
	for c.running {
		c.idle.Wait()
	}
}
