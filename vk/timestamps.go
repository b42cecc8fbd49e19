package vk

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// Timestamp records the GPU's clock once everything before it has ended, and
// returns the timestamp's number for TimestampsMS. Put a Barrier before it to
// keep later work out of the interval.
func (r *Recorder) Timestamp() int {
	n := r.timestamps
	r.timestamps++
	if r.err == nil && r.device.physical.report.Limits.TimestampBits != 0 {
		r.ops = append(r.ops, driver.Op{Kind: driver.Timestamp, Value: uint32(n)})
	}
	return n
}

// TimestampsMS returns the timestamps of the last Run, in milliseconds since
// the first, using dst's memory; they never fall. It returns nil when the
// device has no timestamps, and when those that it gave cannot be right, which
// TimestampFault explains.
func (r *Recorder) TimestampsMS(dst []float64) []float64 {
	limits := &r.device.physical.report.Limits
	if limits.TimestampBits == 0 || len(r.ticks) == 0 {
		return nil
	}
	dst = dst[:0]
	for _, t := range r.ticks {
		dst = append(dst, float64((t-r.ticks[0])&tickMask(limits))*limits.TimestampPeriod/1e6)
	}
	return dst
}

// TimestampFault says why the timestamps of the last Run were dropped: the
// driver did not give them, or they contradict each other or the host's
// clock. It is "" when they were not.
func (r *Recorder) TimestampFault() string { return r.clockFault }

func tickMask(limits *Limits) uint64 {
	return uint64(math.MaxUint64) >> (64 - min(limits.TimestampBits, 64))
}

// readTimestamps takes in the GPU's clock after a submission that has ended, so
// long after it was handed to the driver. A result is right without its timing:
// only a lost device is an error.
func (r *Recorder) readTimestamps(elapsed time.Duration) error {
	n, limits := r.timestamps, &r.device.physical.report.Limits
	if n == 0 || limits.TimestampBits == 0 {
		return nil
	}
	r.ticks = slices.Grow(r.ticks[:0], n)[:n]
	clear(r.ticks) // a driver that writes nothing leaves zeros
	switch result := r.queryTimestamps(); result {
	case driver.Success:
		r.clockFault = checkTicks(r.ticks, limits, elapsed)
	case driver.ErrorDeviceLost:
		return callError("vkGetQueryPoolResults", result)
	default:
		r.clockFault = "vkGetQueryPoolResults gave " + resultText(result)
	}
	if r.clockFault != "" {
		r.ticks = r.ticks[:0]
	}
	return nil
}

// queryTimestamps asks a few times where the driver is not ready, though the
// fence says that it should be. It does not sleep: slices are timed with it.
func (r *Recorder) queryTimestamps() driver.Result {
	for try := 0; ; try++ {
		result := r.driver.Timestamps(r.ticks)
		if result != driver.NotReady || try == 10 {
			return result
		}
	}
}

// checkTicks says what is wrong with the timestamps of a submission that the
// host saw for so long, from before it was handed over until after it had
// ended; "" when nothing is.
func checkTicks(ticks []uint64, limits *Limits, elapsed time.Duration) string {
	if !(limits.TimestampPeriod > 0) {
		return fmt.Sprintf("timestampPeriod is %v", limits.TimestampPeriod)
	}
	mask := tickMask(limits)
	// Clocks tick differently, but not by this much.
	allowed := 1.25*float64(elapsed) + 1e6
	ns := 0.0
	for i, t := range ticks {
		if t&mask == 0 {
			return fmt.Sprintf("timestamp %d of %d is 0", i+1, len(ticks))
		}
		if i == 0 {
			continue
		}
		step := (t - ticks[i-1]) & mask
		ns += float64(step) * limits.TimestampPeriod
		switch {
		case ns > allowed && t&mask < ticks[i-1]&mask, step > mask/2:
			return fmt.Sprintf("timestamp %d of %d is earlier than the one before it", i+1, len(ticks))
		case ns > allowed:
			return fmt.Sprintf("it counts %.4g ms within %.4g ms of the host's", ns/1e6, float64(elapsed)/1e6)
		}
	}
	return ""
}
