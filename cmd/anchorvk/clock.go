package main

import "github.com/anchorvk/anchorvk/attention"

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
