//go:build cgo

package vk_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/fault"
	"github.com/anchorvk/anchorvk/vk"
)

// resident is a plan of several slices whose tensors lie on the device.
func resident(t *testing.T, e *attention.Engine, d *vk.Device) (*attention.Plan, attention.Inputs, attention.Outputs) {
	t.Helper()
	plan, err := e.Plan(budgetProblem, attention.PlanOptions{NoFallback: true, SliceMS: 1})
	require.NoError(t, err)
	s := plan.Shape
	place := func(heads int) attention.Tensor {
		host := make([]byte, 2*heads*s.QLen*s.HeadDim)
		for i := 0; i < len(host); i += 2 {
			x := uint16(float16.Fromfloat32(float32((i*7919)%1000)/500 - 1))
			host[i], host[i+1] = byte(x), byte(x>>8)
		}
		b, err := d.NewBuffer("tensor", uint64(len(host)), vk.DeviceLocal)
		require.NoError(t, err)
		require.NoError(t, d.Upload(context.Background(), b, 0, host))
		return attention.DeviceBHSD(b, 0, 1, heads, s.QLen, s.HeadDim)
	}
	return plan, attention.Inputs{Q: place(s.Heads), K: place(1), V: place(1)}, attention.Outputs{O: place(s.Heads)}
}

func outputOf(t *testing.T, d *vk.Device, out attention.Outputs) []byte {
	t.Helper()
	all := make([]byte, out.O.Buffer.Size())
	require.NoError(t, d.Download(context.Background(), all, out.O.Buffer, 0))
	return all
}

var clocks = map[string]fault.Clock{
	"zero": fault.ClockZero, "backwards": fault.ClockBackwards, "fast": fault.ClockFast, "not ready": fault.ClockNotReady,
}

// A clock that goes wrong costs the GPU times of a run, and nothing else: not
// the result, no pause by it, no pace from it. The next run is as ever.
func TestEngineOutlivesABadClock(t *testing.T) {
	for name, clock := range clocks {
		t.Run(name, func(t *testing.T) {
			e, d := budgeted(t, 0)
			timed := d.Report().Limits.TimestampBits > 0
			ctx := context.Background()
			plan, in, out := resident(t, e, d)
			require.NoError(t, e.Warmup(ctx, plan))
			good, err := e.Run(ctx, plan, in, out)
			require.NoError(t, err)
			require.Empty(t, good.Warnings)
			want := outputOf(t, d, out)

			unknown := func(stats attention.Stats) {
				t.Helper()
				require.Zero(t, stats.TimeMS)
				if timed {
					require.Len(t, stats.Warnings, 1, "said once, of %d slices", stats.Slices)
					require.Contains(t, stats.Warnings[0], "GPU times of this run are unknown")
				}
				require.Equal(t, want, outputOf(t, d, out))
			}
			bad := fault.Off
			bad.BadClock, bad.Clock = 1, clock // the first slice has its time
			fault.Set(bad)
			const duty = 0.5 // pauses are as long as slices
			call, err := e.Bind(plan, in, out)
			require.NoError(t, err)
			stats, err := call.Run(ctx, attention.RunOptions{DutyCycle: duty})
			require.NoError(t, err)
			unknown(stats)
			require.Greater(t, stats.Slices, 2)
			// Pauses are as long as the slices by the host's clock, and as a timer is late.
			busy := stats.HostMS - stats.PausedMS
			require.Less(t, stats.PausedMS, 5*busy+100)
			require.Positive(t, stats.PausedMS)

			start := time.Now()
			job, err := call.Submit(ctx, vk.Sync{})
			require.NoError(t, err)
			stats, err = job.Wait(ctx)
			require.NoError(t, err)
			unknown(stats)

			fault.Set(fault.Off)
			stats, err = e.Run(ctx, plan, in, out)
			require.NoError(t, err)
			require.Empty(t, stats.Warnings)
			require.Equal(t, timed, stats.TimeMS.Total > 0)
			require.Less(t, time.Since(start), 30*time.Second, "no pause is left over")
			require.Less(t, stats.Slices, 50*good.Slices, "the pace is not that of the clock")
			require.Greater(t, 50*stats.Slices, good.Slices)
			require.Equal(t, want, outputOf(t, d, out))
		})
	}
}

// Work that the driver drops without an error fails the call that it was of.
func TestEngineNoticesDroppedWork(t *testing.T) {
	ctx := context.Background()
	for name, run := range map[string]func(*attention.Engine, *attention.Plan, attention.Inputs, attention.Outputs) error{
		"run": func(e *attention.Engine, p *attention.Plan, in attention.Inputs, out attention.Outputs) error {
			_, err := e.Run(ctx, p, in, out)
			return err
		},
		"submit": func(e *attention.Engine, p *attention.Plan, in attention.Inputs, out attention.Outputs) error {
			call, err := e.Bind(p, in, out)
			if err != nil {
				return err
			}
			job, err := call.Submit(ctx, vk.Sync{})
			if err == nil {
				_, err = job.Wait(ctx)
			}
			return err
		},
	} {
		for _, after := range []int{0, 1} { // the first slice, and a later one
			t.Run(name, func(t *testing.T) {
				e, d := budgeted(t, 0)
				plan, in, out := resident(t, e, d)
				plan.SliceMS = 1e-4 // several slices on a fast device too
				for range 2 {
					require.NoError(t, run(e, plan, in, out))
				}
				drop := fault.Off
				drop.Drop = after
				fault.Set(drop)
				defer fault.Set(fault.Off)
				var lost *vk.DeviceLostError
				require.ErrorAs(t, run(e, plan, in, out), &lost)
				require.ErrorAs(t, run(e, plan, in, out), &lost, "it is latched")
			})
		}
	}
}
