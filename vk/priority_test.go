//go:build cgo

package vk

import (
	"bytes"
	"log/slog"
	"slices"
	"testing"

	"github.com/anchorvk/anchorvk/internal/fault"
	"github.com/stretchr/testify/require"
)

// What is asked of the driver follows from what it offers, and a device that
// works comes out in any case.
func TestPriority(t *testing.T) {
	for _, want := range []Priority{PriorityNormal, PriorityLow, PriorityHigh} {
		var log bytes.Buffer
		d := openFaulty(t, fault.Off, func(o *Options) {
			o.Priority, o.Log = want, slog.New(slog.NewTextHandler(&log, nil))
		})
		asked := fault.Count().Priority
		offered := slices.Contains(d.Report().QueuePriorities, globalNames[want.global()])
		t.Logf("%v: the device offers %v, got %v", want, d.Report().QueuePriorities, d.Priority())
		switch {
		case want == PriorityNormal:
			require.Zero(t, asked)
			require.Empty(t, log.String())
		case offered:
			require.Equal(t, int(want.global()), asked)
			require.Equal(t, want, d.Priority())
			require.Empty(t, log.String())
		default:
			require.Zero(t, asked)
			require.Equal(t, PriorityNormal, d.Priority())
			require.Contains(t, log.String(), "asked="+want.String())
		}
		roundTrip(t, d)
	}
}

// A driver that offers a priority and then does not permit it.
func TestRefusedPriority(t *testing.T) {
	var log bytes.Buffer
	d := openFaulty(t, switches(func(s *fault.Switches) { s.Priority = true }), func(o *Options) {
		o.Priority, o.Log = PriorityLow, slog.New(slog.NewTextHandler(&log, nil))
	})
	require.Equal(t, PriorityNormal, d.Priority())
	require.Contains(t, log.String(), "the queue gets a normal priority")
	if slices.Contains(d.Report().QueuePriorities, "low") {
		require.Contains(t, log.String(), "VK_ERROR_NOT_PERMITTED_KHR")
	}
	roundTrip(t, d)
}

func TestPriorityNames(t *testing.T) {
	for _, p := range []Priority{PriorityNormal, PriorityLow, PriorityHigh} {
		got, err := ParsePriority(p.String())
		require.NoError(t, err)
		require.Equal(t, p, got)
	}
	_, err := ParsePriority("urgent")
	require.ErrorContains(t, err, "urgent")
	_, err = Open(Options{Priority: 7})
	require.ErrorContains(t, err, "Options.Priority")

	silent, some := &Report{}, &Report{QueuePriorities: []string{"medium"}}
	require.Contains(t, PriorityLow.refusal(silent, false), "VK_KHR_global_priority")
	require.Empty(t, PriorityLow.refusal(silent, true), "a driver that does not say is asked")
	require.Contains(t, PriorityHigh.refusal(some, true), "only medium")
	require.Empty(t, PriorityNormal.refusal(silent, false))
}

// roundTrip uses a device once.
func roundTrip(t *testing.T, d *Device) {
	t.Helper()
	r, b := newRecorder(t, d), newBuffer(t, d, "b", 4096, DeviceLocal)
	r.Fill(b, 0, 4096, 0x01010101)
	require.NoError(t, r.Run(background))
	require.Equal(t, bytes.Repeat([]byte{1}, 4096), download(t, d, b, 0, 4096))
}
