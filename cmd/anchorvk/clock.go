package main

import (
	"context"
	"errors"
	"strings"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/tuning"
)

// The clocks that times may come from, as records name them. A run may have no
// GPU times on a device that has them: those that cannot be right are dropped.
// Times of different clocks are never set against each other.
const (
	clockGPU  = "gpu"
	clockHost = "host"
)

// onOneClock leaves GPU times to no run where one of them has none, so that all
// are compared by the host's clock.
func onOneClock(runs [][]attention.Stats) {
	for _, mode := range runs {
		for i := range mode {
			if mode[i].TimeMS.Total <= 0 {
				dropGPUTimes(runs)
				return
			}
		}
	}
}

func dropGPUTimes(runs [][]attention.Stats) {
	for _, mode := range runs {
		for i := range mode {
			mode[i].TimeMS = attention.Times{}
		}
	}
}

// clockTries is how often a run is repeated whose GPU times were dropped.
const clockTries = 4

// kernelMS times the passes of some kernels in one run, by the clock that the
// sweep began with.
func (w *sweep) kernelMS(ctx context.Context, plan *attention.Plan, kernels string) (float64, error) {
	var warnings []string
	for range clockTries {
		stats, err := w.s.run(ctx, plan, w.in, w.out, attention.RunOptions{DutyCycle: w.f.manners.duty})
		if err != nil {
			return 0, err
		}
		timed := stats.TimeMS.Total > 0
		switch {
		case w.clock == "" && timed:
			w.clock = clockGPU
		case w.clock == "" && w.s.report().Limits.TimestampBits == 0:
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
	return 0, errors.New("the device's clock is not to be trusted, and --tune measures by it: " + strings.Join(warnings, "; "))
}
