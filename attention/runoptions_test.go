package attention

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/vk"
)

// paced runs a plan into fresh outputs.
func paced(t *testing.T, e *Engine, plan *Plan, in Inputs, o RunOptions) result {
	t.Helper()
	out := outputFor(plan.Shape)
	stats, err := runWith(context.Background(), e, plan, in, out, o)
	require.NoError(t, err)
	return result{o: out.O, lse: out.LSE, stats: stats}
}

func TestDutyCycleKeepsTheBits(t *testing.T) {
	if testing.Short() {
		t.Skip("waits between slices: left to make test")
	}
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := selective(1, 4, 2, 400, 521)
		in := selectiveInputs(problem.Shape, 44)
		for _, mode := range []Mode{ModeAnchor, ModeDense} {
			problem.Mode = mode
			plan, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true, SliceMS: 0.5})
			require.NoError(t, err)
			want := paced(t, e, plan, in, RunOptions{})
			for _, duty := range []float64{1, 0.5, 0.1} {
				got := paced(t, e, plan, in, RunOptions{DutyCycle: duty, Progress: func(float64) {}})
				requireSameBits(t, want, got, fmt.Sprint(mode, " at ", duty))
			}
		}
	})
}

// Pauses make the run as long as the duty cycle asks, and hold from run to run.
func TestDutyCyclePauses(t *testing.T) {
	device := sharedEngine(t).device
	e, err := NewEngine(device, Options{}) // owes nothing yet
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	problem := selective(1, 4, 2, 500, 500)
	problem.Mode = ModeDense
	in := selectiveInputs(problem.Shape, 45)
	plan, err := e.Plan(problem, PlanOptions{SliceMS: 0.5})
	require.NoError(t, err)
	paced(t, e, plan, in, RunOptions{}) // makes pipelines, learns the pace
	const duty = 0.25
	got := paced(t, e, plan, in, RunOptions{DutyCycle: duty})
	busy := got.stats.TimeMS.Total
	if busy == 0 {
		t.Skip("the device has no timestamps")
	}
	t.Logf("%d slices, busy %.1f ms, paused %.1f ms, %.1f ms in all", got.stats.Slices, busy, got.stats.PausedMS, got.stats.HostMS)
	require.Greater(t, got.stats.Slices, 3)
	require.Positive(t, got.stats.PausedMS)
	require.LessOrEqual(t, got.stats.PausedMS+busy, got.stats.HostMS)
	require.Less(t, got.stats.OwnMS, got.stats.HostMS-got.stats.PausedMS)

	whole, err := e.Plan(problem, PlanOptions{SliceMS: 1e6})
	require.NoError(t, err)
	begin, total := time.Now(), 0.0
	const runs = 4
	for range runs { // of one slice each; nothing is owed before the first but what is left from above
		got := paced(t, e, whole, in, RunOptions{DutyCycle: duty})
		require.Equal(t, 1, got.stats.Slices)
		total += got.stats.TimeMS.Total
		busy = got.stats.TimeMS.Total // of the last, whose pause is still owed
	}
	elapsed := float64(time.Since(begin)) / 1e6
	t.Logf("%d runs, busy %.1f ms in %.1f ms", runs, total, elapsed)
	require.GreaterOrEqual(t, elapsed, (total-busy)/duty)

	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	paced(t, e, whole, in, RunOptions{DutyCycle: MinDutyCycle}) // owes 99 times what it took
	begin = time.Now()
	_, err = e.Run(ctx, whole, in, outputFor(problem.Shape))
	require.ErrorIs(t, err, context.DeadlineExceeded, "a pause ends with the context")
	require.Less(t, time.Since(begin), 10*time.Second)
}

func TestProgress(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := selective(2, 4, 2, 400, 521)
		in := selectiveInputs(problem.Shape, 46)
		for _, mode := range []Mode{ModeAnchor, ModeDense} {
			problem.Mode = mode
			for _, ms := range []float64{1e6, 0.5, 1e-9} {
				plan, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true, SliceMS: ms, ScratchBytes: 1 << 17})
				require.NoError(t, err)
				var told []float64
				got := paced(t, e, plan, in, RunOptions{Progress: func(done float64) { told = append(told, done) }})
				require.Len(t, told, got.stats.Slices, "%v: once a slice", mode)
				require.True(t, slices.IsSorted(told), "%v: %v", mode, told)
				require.Positive(t, told[0])
				require.Equal(t, 1.0, told[len(told)-1])
				if len(told) > 40 { // even slices, so even steps, except the one at the end
					steps := 0.0
					for i := 1; i < len(told)-1; i++ {
						steps = max(steps, told[i]-told[i-1])
					}
					require.Less(t, steps, 0.25, "%v: %v", mode, told)
				}
			}
		}
	})
}

// What progress is told in is worked out from the plan alone: it must be what
// the dispatches add up to, in every kind of run.
func TestWorkOfAPlanIsThatOfItsDispatches(t *testing.T) {
	e := sharedEngine(t)
	with := func(edit func(p *Problem)) Problem {
		p := selective(2, 4, 2, 400, 521)
		edit(&p)
		return p
	}
	for name, problem := range map[string]Problem{
		"pooled": with(func(*Problem) {}),
		"dense":  with(func(p *Problem) { p.Mode = ModeDense }),
		"guarded": with(func(p *Problem) {
			p.Params.Guard, p.Params.Tail = Guard{Stride: 8, Peak: 0.02, Limit: 0.15, Look: 2}, 70
		}),
		"sampled": with(func(p *Problem) {
			p.Params.Sample, p.Params.Guard = Sample{Stride: 8, Weight: 1, Part: 4}, Guard{Stride: 8, Peak: 0.02, Limit: 0.3, Look: 3}
		}),
		"heads": with(func(p *Problem) {
			p.Params.Sample, p.Params.Tail = Sample{Stride: 8, Weight: 1}, 5
			p.Params.Heads = []Head{{Mode: HeadDense}, {}, {Mode: HeadAnchor, Theta: 3}, {Mode: HeadAnchorOnly}}
		}),
	} {
		for _, tuning := range []string{"", inRanges(48)} {
			for _, scratch := range []uint64{0, 1 << 17} {
				plan, err := e.Plan(problem, PlanOptions{NoFallback: true, SliceMS: 1e12, ScratchBytes: scratch, Tuning: tuning})
				require.NoError(t, err)
				paced(t, e, plan, selectiveInputs(problem.Shape, 46), RunOptions{Progress: func(float64) {}})
				require.Positive(t, e.own.slicer.total)
				require.InEpsilon(t, e.own.slicer.done, e.own.slicer.total, 1e-12, "%s, %d bytes, range %d", name, scratch, plan.Tuning.Range)
			}
		}
	}
}

func TestRunOptionsAreChecked(t *testing.T) {
	e := sharedEngine(t)
	problem := selective(1, 2, 1, 64, 64)
	plan, err := e.Plan(problem, PlanOptions{})
	require.NoError(t, err)
	for _, duty := range []float64{-0.5, 1e-300, 0.00999, 1.5, math.NaN(), math.Inf(1)} {
		_, err := runWith(context.Background(), e, plan, selectiveInputs(problem.Shape, 47), outputFor(problem.Shape), RunOptions{DutyCycle: duty})
		attentest.RequireArgument(t, err, "RunOptions.DutyCycle")
	}
}

func TestPolitenessAllocatesNothing(t *testing.T) {
	e := sharedEngine(t)
	ctx := context.Background()
	for _, mode := range []Mode{ModeAnchor, ModeDense} {
		problem := selective(1, 2, 1, 200, 200)
		problem.Mode = mode
		plan, in, out := resident(t, e, problem, PlanOptions{NoFallback: true, SliceMS: 1e-9})
		require.NoError(t, e.Warmup(ctx, plan))
		c, err := e.Bind(plan, in, out)
		require.NoError(t, err)
		calls := 0
		o := RunOptions{DutyCycle: 0.9, Progress: func(float64) { calls++ }}
		allocations := testing.AllocsPerRun(10, func() {
			if _, err := c.Run(ctx, o); err != nil {
				t.Error(err)
			}
		})
		require.Zero(t, allocations, "%v", mode)
		require.Positive(t, calls)
	}
}

// A job over 131,072 positions, which would take minutes on a CPU, ends with
// the slice that runs when its context does: no other is begun.
func TestCancelWithinTwoSlices(t *testing.T) {
	e := sharedEngine(t)
	const n = 131_072
	shape := Shape{Batch: 1, Heads: 8, KVHeads: 2, QLen: n, KVLen: n, HeadDim: testDim}
	place := func(heads int) Tensor {
		size := uint64(halfBytes * heads * n * testDim)
		buffer, err := e.device.NewBuffer("zeros", size, vk.DeviceLocal)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, buffer.Close()) })
		r, err := e.device.NewRecorder("zeros")
		require.NoError(t, err)
		defer func() { require.NoError(t, r.Close()) }()
		r.Fill(buffer, 0, size, 0)
		require.NoError(t, r.Run(context.Background()))
		return DeviceBHSD(buffer, 0, 1, heads, n, testDim)
	}
	in, out := Inputs{Q: place(8), K: place(2), V: place(2)}, Outputs{O: place(8)}
	for _, mode := range []Mode{ModeAnchor, ModeDense} {
		plan, err := e.Plan(Problem{Shape: shape, Mode: mode, Params: DefaultParams()}, PlanOptions{NoFallback: true, SliceMS: 20})
		require.NoError(t, err)
		require.NoError(t, e.Warmup(context.Background(), plan))
		ctx, cancel := context.WithCancel(context.Background())
		var longest time.Duration
		var told, before, cancelled atomic.Int64 // slices, slices at the cancellation, its time
		done, last := 0.0, time.Now()
		_, err = runWith(ctx, e, plan, in, out, RunOptions{Progress: func(share float64) {
			done = share
			longest = max(longest, time.Since(last))
			last = time.Now()
			if told.Add(1) == 8 {
				time.AfterFunc(longest/3, func() { // in the midst of a slice
					before.Store(told.Load())
					cancelled.Store(time.Now().UnixNano())
					cancel()
				})
			}
		}})
		latency := time.Since(time.Unix(0, cancelled.Load()))
		require.ErrorIs(t, err, context.Canceled)
		t.Logf("%v: %d slices of at most %v, %.3g of the job done, returned %v after the cancellation", mode, told.Load(), longest, done, latency)
		require.LessOrEqual(t, told.Load(), before.Load()+1, "a slice was begun after the cancellation")
		require.Less(t, done, 0.5)
		require.Less(t, latency, 2*longest+time.Second)
	}
}
