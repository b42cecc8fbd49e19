//go:build cgo

package vk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/fault"
)

func TestCheckTicks(t *testing.T) {
	const full = 64
	for _, c := range []struct {
		name   string
		ticks  []uint64
		bits   uint32
		period float64
		ms     float64 // of the host
		want   string  // "" where they are taken
	}{
		{"right", []uint64{5, 1_000_005, 3_000_005}, full, 1, 4, ""},
		{"equal", []uint64{7, 7, 7}, full, 1, 4, ""},
		{"one", []uint64{7}, full, 1, 4, ""},
		{"the clock wraps", []uint64{1<<36 - 1000, 1000}, 36, 52, 4, ""},
		{"bits that do not count", []uint64{1<<40 | 10, 20}, 36, 1, 4, ""},
		{"clocks that differ a little", []uint64{1, 10_500_001}, full, 1, 10, ""},
		{"all zero", []uint64{0, 0}, full, 1, 4, "timestamp 1 of 2 is 0"},
		{"the last is zero", []uint64{5, 6, 0}, full, 1, 4, "timestamp 3 of 3 is 0"},
		{"zero in the bits that count", []uint64{1 << 36, 5}, 36, 1, 4, "timestamp 1 of 2 is 0"},
		{"back", []uint64{5000, 9000, 8999}, full, 1, 4, "timestamp 3 of 3 is earlier than the one before it"},
		{"back by less than a wrap", []uint64{5000, 4000}, 36, 1, 90_000, "timestamp 2 of 2 is earlier than the one before it"},
		{"longer than the host saw", []uint64{1, 20_000_001}, full, 1, 10, "it counts 20 ms within 10 ms of the host's"},
		{"longer in parts", []uint64{1, 8_000_001, 16_000_001}, full, 1, 10, "it counts 16 ms within 10 ms of the host's"},
		{"no period", []uint64{1, 2}, full, 0, 10, "timestampPeriod is 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			limits := Limits{TimestampBits: c.bits, TimestampPeriod: c.period}
			require.Equal(t, c.want, checkTicks(c.ticks, &limits, time.Duration(c.ms*1e6)))
		})
	}
}

// A clock that cannot be right, or cannot be read, costs the times alone.
func TestBadClockCostsTheTimesAlone(t *testing.T) {
	for clock, want := range map[fault.Clock]string{
		fault.ClockZero:      "is 0",
		fault.ClockBackwards: "earlier than the one before",
		fault.ClockFast:      "of the host's",
		fault.ClockNotReady:  "VK_NOT_READY",
	} {
		t.Run(want, func(t *testing.T) {
			d := openFaulty(t, fault.Off, nil)
			r, b := newRecorder(t, d), newBuffer(t, d, "b", 4096, DeviceLocal)
			r.Timestamp()
			r.Fill(b, 0, 4096, 7)
			r.Barrier()
			r.Timestamp()
			require.NoError(t, r.Run(background))
			timed := d.Report().Limits.TimestampBits > 0
			if timed {
				require.Len(t, r.TimestampsMS(nil), 2)
			}
			fault.Set(switches(func(s *fault.Switches) { s.BadClock, s.Clock = 0, clock }))
			require.NoError(t, d.Upload(background, b, 0, make([]byte, 4096)))
			require.NoError(t, r.Run(background))
			require.Equal(t, words(1024, func(int) uint32 { return 7 }), download(t, d, b, 0, 4096))
			require.Nil(t, r.TimestampsMS(nil))
			if timed {
				require.Contains(t, r.TimestampFault(), want)
			}
			require.NoError(t, d.Err())

			fault.Set(fault.Off)
			require.NoError(t, r.Run(background))
			require.Empty(t, r.TimestampFault(), "the fault is that of the last run alone")
			if timed {
				require.Len(t, r.TimestampsMS(nil), 2)
			}
		})
	}
}
