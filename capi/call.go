package main

// #include "bridge.h"
import "C"

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/vk"
)

// call is a plan bound to an engine and tensors. One run at a time.
type call struct {
	engine *attention.Engine
	plan   *attention.Plan
	in     attention.Inputs
	out    attention.Outputs

	mu        sync.Mutex
	options   attention.RunOptions
	warnings  []string // of the last run that succeeded, before one of the plan
	last      *flight  // the latest run
	started   *flight  // the latest one that did not wait
	recording *attention.Recording
	closed    bool
}

// flight is one run of a call.
type flight struct {
	cancel    context.CancelFunc
	submitted <-chan struct{} // nil unless it was submitted
	done      chan struct{}   // closed when it has ended; then stats and err hold
	stats     attention.Stats
	err       error
}

func ended(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func (c *call) finish(f *flight, stats attention.Stats, err error) {
	f.stats, f.err = stats, err
	if err == nil {
		c.warn(stats.Warnings)
	}
	f.cancel()
	close(f.done)
}

func (c *call) warn(warnings []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.warnings = warnings
}

// warned is what the call has to say beside its result.
func (c *call) warned() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.warnings
}

// begin marks the call as running.
func (c *call) begin() (context.Context, *flight, attention.RunOptions, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, nil, c.options, errClosed
	case c.last != nil && !ended(c.last.done):
		return nil, nil, c.options, errBusy
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.last = &flight{cancel: cancel, done: make(chan struct{})}
	return ctx, c.last, c.options, nil
}

var (
	errClosed = &statusError{C.AVK_ERROR_CLOSED, "the call was closed"}
	errBusy   = &statusError{C.AVK_ERROR_BUSY, "the call is running; wait for it, or make another call for each thread"}
)

func (c *call) run() (attention.Stats, error) {
	ctx, f, options, err := c.begin()
	if err != nil {
		return attention.Stats{}, err
	}
	defer func() { c.finish(f, f.stats, f.err) }() // also after a panic
	f.err = errPanicked
	f.stats, f.err = c.engine.RunWith(ctx, c.plan, c.in, c.out, options)
	return f.stats, f.err
}

var errPanicked = &statusError{C.AVK_ERROR_INTERNAL, "bug: the run ended in a panic"}

// start is run on a goroutine of its own.
func (c *call) start() error {
	ctx, f, options, err := c.begin()
	if err != nil {
		return err
	}
	c.note(f)
	go func() {
		var stats attention.Stats
		err := error(errPanicked)
		defer func() {
			if cause := recover(); cause != nil { // here nobody else can
				err = &statusError{C.AVK_ERROR_INTERNAL, "bug: " + describePanic(cause)}
			}
			c.finish(f, stats, err)
		}()
		stats, err = c.engine.RunWith(ctx, c.plan, c.in, c.out, options)
	}()
	return nil
}

// submit hands the call to the device's queue.
func (c *call) submit(with vk.Sync) error {
	ctx, f, _, err := c.begin()
	if err != nil {
		return err
	}
	err = errPanicked
	var job *attention.Job
	defer func() {
		if job == nil { // also after a panic, or the call would be busy for ever
			c.finish(f, attention.Stats{}, err)
		}
	}()
	if job, err = c.engine.Submit(ctx, c.plan, c.in, c.out, with); err != nil {
		return err
	}
	f.submitted = job.Submitted()
	c.note(f)
	go func() {
		stats, err := job.Wait(context.Background())
		c.finish(f, stats, err)
	}()
	return nil
}

func (c *call) note(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started = f
}

// latest is the run that the caller may wait for.
func (c *call) latest() (*flight, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started == nil {
		return nil, argument("the call was not started; avk_call_start or avk_call_submit comes before")
	}
	return c.started, nil
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

func (c *call) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil {
		c.last.cancel()
	}
}

// close lets no new run in, and waits for the one that goes on, cancelled.
func (c *call) close() error {
	c.mu.Lock()
	c.closed = true
	last, recording := c.last, c.recording
	c.recording = nil
	c.mu.Unlock()
	c.stop()
	if last != nil {
		<-last.done
	}
	if recording != nil {
		return recording.Close()
	}
	return nil
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
