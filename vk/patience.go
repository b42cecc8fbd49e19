package vk

import (
	"time"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// patience says when a wait for submitted work has gone on for too long: after
// Options.Timeout without progress. A device that is a CPU may compile kernels
// inside the first submission that uses them, which takes minutes where other
// programs want the processor too; so there, as long as the process computes,
// the wait goes on.
type patience struct {
	device    *Device
	progress  uint64    // of the device, when it was last seen to move
	since     time.Time // when that was, or when a CPU was last found computing
	start     time.Time // of the work's standstill
	processor time.Duration
}

const (
	// busyShare is the share of a processor that tells a process which computes,
	// though others leave it little, from one that only waits.
	busyShare = 0.01
	// busyTimeouts bounds the wait for a CPU that computes for ever.
	busyTimeouts = 60
)

func (d *Device) newPatience() patience {
	p := patience{device: d, progress: d.progress.Load(), start: time.Now()}
	p.rest(p.start)
	return p
}

// over says, after a look at work that has not ended, whether to give it up,
// and how long it has stood still.
func (p *patience) over() (waited time.Duration, over bool) {
	d := p.device
	if now := d.progress.Load(); now != p.progress || d.queue.waiting.any() {
		p.progress, p.start = now, time.Now()
		p.rest(p.start)
	}
	limit := d.opt.timeout()
	if time.Since(p.since) < limit {
		return 0, false
	}
	if waited = time.Since(p.start); p.computing() && waited < busyTimeouts*limit {
		p.rest(time.Now())
		return 0, false
	}
	return waited, true
}

// rest begins to count anew.
func (p *patience) rest(now time.Time) {
	p.since = now
	if p.device.Report().Type == "cpu" {
		p.processor = processorTime()
	}
}

// computing says whether the device is a CPU and the process has used it since
// the count began.
func (p *patience) computing() bool {
	used := processorTime() - p.processor
	return p.device.Report().Type == "cpu" && float64(used) >= busyShare*float64(time.Since(p.since))
}

// processorTime is what the process has used, in all of its threads.
func processorTime() time.Duration {
	return time.Duration(driver.ProcessorTime()) * time.Microsecond
}
