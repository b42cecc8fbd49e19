package main

// #include "bridge.h"
import "C"

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/anchorvk/anchorvk/attention"
)

// call is a plan bound to an engine and tensors. One run at a time.
type call struct {
	engine *attention.Engine
	plan   *attention.Plan
	in     attention.Inputs
	out    attention.Outputs

	mu     sync.Mutex
	cancel context.CancelFunc // of the running run, else nil
	done   chan struct{}      // closed when the started run has ended; nil where none was started
	stats  attention.Stats    // of the started run, once done is closed
	err    error
	closed bool
}

// begin marks the call as running.
func (c *call) begin() (context.Context, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, &statusError{C.AVK_ERROR_CLOSED, "the call was closed"}
	case c.cancel != nil:
		return nil, &statusError{C.AVK_ERROR_BUSY, "the call is running; wait for it, or make another call for each thread"}
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	return ctx, nil
}

func (c *call) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancel()
	c.cancel = nil
}

func (c *call) run() (attention.Stats, error) {
	ctx, err := c.begin()
	if err != nil {
		return attention.Stats{}, err
	}
	defer c.end()
	return c.engine.Run(ctx, c.plan, c.in, c.out)
}

// start is run on a goroutine of its own.
func (c *call) start() error {
	ctx, err := c.begin()
	if err != nil {
		return err
	}
	done := make(chan struct{})
	c.mu.Lock()
	c.done = done
	c.mu.Unlock()
	go func() {
		defer close(done)
		defer c.end()
		stats, err := c.runGuarded(ctx)
		c.mu.Lock()
		c.stats, c.err = stats, err
		c.mu.Unlock()
	}()
	return nil
}

// runGuarded turns a panic into an error: on a goroutine no caller can.
func (c *call) runGuarded(ctx context.Context) (stats attention.Stats, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &statusError{C.AVK_ERROR_INTERNAL, "bug: " + describePanic(cause)}
		}
	}()
	return c.engine.Run(ctx, c.plan, c.in, c.out)
}

// wait waits for the started run; ok is false where it has not ended in time.
func (c *call) wait(timeout time.Duration) (stats attention.Stats, ok bool, err error) {
	c.mu.Lock()
	done := c.done
	c.mu.Unlock()
	if done == nil {
		return stats, true, argument("the call was not started; avk_call_start comes before avk_call_wait")
	}
	if timeout < 0 {
		<-done
	} else {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		select {
		case <-done:
		case <-timer.C:
			select { // with no time to wait, both may be ready
			case <-done:
			default:
				return stats, false, nil
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats, true, c.err
}

func (c *call) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
	}
}

// close lets no new run in and waits for the started one. A run on another
// thread ends by itself, cancelled; its outputs are the caller's to keep in place.
func (c *call) close() {
	c.mu.Lock()
	c.closed = true
	done := c.done
	c.mu.Unlock()
	c.stop()
	if done != nil {
		<-done
	}
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
