//go:build cgo

package vk

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/fault"
)

// computing keeps a processor busy, as a driver does that compiles, until stop.
func computing() (stop func()) {
	var done atomic.Bool
	ended := make(chan struct{})
	go func() {
		for x := 1; !done.Load(); x++ {
			_ = x * x
		}
		close(ended)
	}()
	return func() {
		done.Store(true)
		<-ended
	}
}

// A device that is a CPU is given longer than the timeout while the process
// computes, since it may be compiling; any other device is not.
func TestCPUDeviceMayCompute(t *testing.T) {
	for _, cpu := range []bool{true, false} {
		d := openFaulty(t, switches(func(s *fault.Switches) { s.Hang = 0 }), func(o *Options) { o.Timeout = 100 * time.Millisecond })
		d.physical.report.Type = "discrete"
		if cpu {
			d.physical.report.Type = "cpu"
		}
		r, b := newRecorder(t, d), newBuffer(t, d, "b", 4096, DeviceLocal)
		r.Fill(b, 0, 4096, 1)
		stop := computing()
		compiled := time.AfterFunc(600*time.Millisecond, func() { fault.Set(fault.Off) })
		err := r.Run(background)
		stop()
		compiled.Stop()
		fault.Set(fault.Off) // the device can be closed
		if cpu {
			require.NoError(t, err)
			continue
		}
		var timeout *TimeoutError
		require.ErrorAs(t, err, &timeout)
		require.Less(t, timeout.Waited, 500*time.Millisecond)
	}
}

// Even a CPU that computes for ever is given up.
func TestCPUDeviceIsGivenUp(t *testing.T) {
	d := openFaulty(t, switches(func(s *fault.Switches) { s.Hang = 0 }), func(o *Options) { o.Timeout = 20 * time.Millisecond })
	d.physical.report.Type = "cpu"
	r, b := newRecorder(t, d), newBuffer(t, d, "b", 4096, DeviceLocal)
	r.Fill(b, 0, 4096, 1)
	defer computing()()
	var timeout *TimeoutError
	err := r.Run(background)
	fault.Set(fault.Off)
	require.ErrorAs(t, err, &timeout)
	require.GreaterOrEqual(t, timeout.Waited, busyTimeouts*20*time.Millisecond)
}
