package main

// #include "bridge.h"
import "C"

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/vk"
)

// call is an attention.Call with what C programs do to it from any thread: they
// wait for the job that was begun last, cancel whatever goes on, and read the
// warnings of the run that succeeded last.
type call struct {
	*attention.Call

	beginning sync.Mutex // held from before a job begins until it is the latest

	mu       sync.Mutex
	options  attention.RunOptions
	job      *attention.Job        // the latest one
	cancels  []*context.CancelFunc // of runs that go on
	closing  bool
	warnings []string // of the last run that succeeded, before one of the plan
	warned   *attention.Job
}

func ended(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// pace are the options of runs.
func (c *call) pace() attention.RunOptions {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.options
}

func (c *call) run() (attention.Stats, error) {
	ctx, cancel := context.WithCancel(context.Background())
	c.mu.Lock()
	c.cancels = append(c.cancels, &cancel)
	if c.closing {
		cancel()
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.cancels = slices.DeleteFunc(c.cancels, func(x *context.CancelFunc) bool { return x == &cancel })
		c.mu.Unlock()
		cancel()
	}()
	s, err := c.Run(ctx, c.pace())
	if err == nil {
		c.warn(s.Warnings)
	}
	return s, err
}

// start is run on a goroutine of its own.
func (c *call) start() error {
	return c.begin(func() (*attention.Job, error) { return c.Start(context.Background(), c.pace()) })
}

// submit hands the call to the device's queue.
func (c *call) submit(with vk.Sync) error {
	return c.begin(func() (*attention.Job, error) { return c.Submit(context.Background(), with) })
}

// begin begins a job, which becomes the latest. Two threads that begin one have
// them noted in their order: while one is not, another is busy.
func (c *call) begin(job func() (*attention.Job, error)) error {
	if !c.beginning.TryLock() {
		return attention.ErrBusy
	}
	defer c.beginning.Unlock()
	begun, err := job()
	if err != nil {
		return err
	}
	c.allWarnings() // of the job before
	c.mu.Lock()
	defer c.mu.Unlock()
	c.job = begun
	return nil
}

func (c *call) warn(warnings []string) {
	c.allWarnings() // of a job before, which are older
	c.mu.Lock()
	defer c.mu.Unlock()
	c.warnings = warnings
}

// allWarnings is what the call has to say beside its result.
func (c *call) allWarnings() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if job := c.job; job != nil && job != c.warned && ended(job.Done()) {
		c.warned = job
		if s, err := job.Wait(context.Background()); err == nil {
			c.warnings = s.Warnings
		}
	}
	return c.warnings
}

// latest is the job that the caller may wait for.
func (c *call) latest() (*attention.Job, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.job == nil {
		return nil, argument("the call was not started; avk_call_start or avk_call_submit comes before")
	}
	return c.job, nil
}

// await waits for one of two channels, without limit where limit is negative;
// ok is false where neither was closed in time.
func await(one, other <-chan struct{}, limit time.Duration) (ok bool) {
	var late <-chan time.Time
	switch {
	case limit == 0:
		return ended(one) || ended(other)
	case limit > 0:
		timer := time.NewTimer(limit)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-one:
		return true
	case <-other:
		return true
	case <-late:
		return false
	}
}

// stop cancels what goes on.
func (c *call) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cancel := range c.cancels {
		(*cancel)()
	}
	if c.job != nil {
		c.job.Cancel()
	}
}

// close lets no new run in, and waits for the one that goes on, cancelled.
func (c *call) close() error {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.stop()
	return c.Close()
}

// waitLimit reads a number of milliseconds; negative is without limit.
func waitLimit(ms float64) (time.Duration, error) {
	switch {
	case math.IsNaN(ms):
		return 0, argument("timeout_ms is NaN")
	case ms < 0 || ms > math.MaxInt64/1e6/2:
		return -1, nil
	}
	return time.Duration(ms * 1e6), nil
}
