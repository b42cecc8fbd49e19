package attention

import (
	"context"
	"fmt"
	"math"
	"time"
)

// RunOptions say how a run behaves towards others. They do not change a bit
// of the result. The zero value runs as fast as it can.
type RunOptions struct {
	// DutyCycle is the share of time that the run may keep the device busy,
	// from MinDutyCycle to 1: after a slice of t milliseconds (about
	// PlanOptions.SliceMS) the engine submits nothing for t*(1/DutyCycle-1), so
	// that other programs have the device, also between one run and the next.
	// Shorter slices give it to them sooner. 0 means 1. Copies of host tensors
	// are not counted.
	DutyCycle float64
	// Progress, where set, is called after every slice with the share of the
	// device's work that is done, from above 0 to 1. The run's own goroutine calls
	// it, never after the run has returned, while the device waits: it should
	// return at once, and must not use the engine.
	Progress func(done float64)
}

// MinDutyCycle is the least RunOptions.DutyCycle: below it the pause after a
// slice of SliceMS, which the whole engine owes, would be longer than 10 s.
const MinDutyCycle = 0.01

func (o *RunOptions) check() error {
	if o.DutyCycle == 0 {
		o.DutyCycle = 1
	}
	if !(o.DutyCycle >= MinDutyCycle && o.DutyCycle <= 1) {
		return argument("RunOptions.DutyCycle", fmt.Sprintf("use a share of time from %v to 1, such as 0.5", MinDutyCycle), "is %v", o.DutyCycle)
	}
	return nil
}

// rest is the pause that the engine owes to others: a duty cycle holds from
// run to run, where each is a single slice too.
type rest struct {
	until time.Time
	timer *time.Timer // kept, so that waiting allocates nothing
}

// owe starts a pause after a slice of so many milliseconds that has just ended.
func (r *rest) owe(ms, duty float64) {
	pause := min(ms*(1/duty-1), float64(math.MaxInt64/2)/1e6)
	r.until = time.Now().Add(time.Duration(pause * 1e6))
}

// wait pauses, and returns how long it has; ctx ends it with its error.
func (r *rest) wait(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	left := r.until.Sub(start)
	if left <= 0 {
		return 0, nil
	}
	if r.timer == nil {
		r.timer = time.NewTimer(left)
	} else {
		r.timer.Reset(left)
	}
	defer r.timer.Stop()
	select {
	case <-r.timer.C:
		return time.Since(start), nil
	case <-ctx.Done():
		return time.Since(start), ctx.Err()
	}
}
