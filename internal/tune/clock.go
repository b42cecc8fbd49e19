package tune

import (
	"context"
	"strings"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/tuning"
)

// clock is what the times of a sweep come from. Times of different clocks are
// never set against each other.
type clock int

const (
	clockUnknown clock = iota // before the first run
	clockGPU
	clockHost // of devices that have no other
)

// clockTries is how often a run is repeated whose GPU times were dropped
// because they cannot be right.
const clockTries = 4

// ClockError says that a device, which has a clock, gave times that cannot be
// right again and again.
type ClockError struct{ Warnings []string }

func (e *ClockError) Error() string {
	return "the device's clock is not to be trusted, and a sweep measures by it: " + strings.Join(e.Warnings, "; ")
}

// kernelMS times the passes of some kernels in one run, by the clock that the
// sweep began with.
func (w *Sweep) kernelMS(ctx context.Context, plan *attention.Plan, kernels string) (float64, error) {
	var warnings []string
	for range clockTries {
		stats, err := w.Runner.Run(ctx, plan, w.In, w.Out, attention.RunOptions{DutyCycle: w.DutyCycle})
		if err != nil {
			return 0, err
		}
		timed := stats.TimeMS.Total > 0
		switch {
		case w.clock == clockUnknown && timed:
			w.clock = clockGPU
		case w.clock == clockUnknown && w.Runner.Report().Limits.TimestampBits == 0:
			w.clock = clockHost
		}
		if w.clock == clockHost {
			return stats.HostMS - stats.PausedMS, nil
		}
		if timed && kernels == tuning.Identify {
			return stats.TimeMS.Identify, nil
		}
		if timed {
			return stats.TimeMS.Anchor + stats.TimeMS.Attention, nil
		}
		warnings = stats.Warnings
	}
	return 0, &ClockError{warnings}
}
