package attention

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/vk"
)

// job is a plan with inputs and the result that it must give.
type job struct {
	plan *Plan
	in   Inputs
	want result
}

func jobsFor(t *testing.T, e *Engine, slice float64) []job {
	t.Helper()
	var jobs []job
	for i, problem := range []Problem{
		selective(1, 4, 2, 521, 521), selective(3, 2, 2, 100, 300), selective(1, 6, 2, 1, 200), selective(2, 2, 1, 333, 333), selective(1, 3, 1, 64, 130),
	} {
		for _, mode := range []Mode{ModeAnchor, ModeDense} {
			problem.Mode = mode
			plan, err := e.Plan(problem, PlanOptions{NoFallback: true, SliceMS: slice})
			require.NoError(t, err)
			in := selectiveInputs(problem.Shape, uint64(80+i))
			jobs = append(jobs, job{plan, in, runPlan(t, e, plan, in)})
			requireFinite(t, jobs[len(jobs)-1].want)
		}
	}
	return jobs
}

// check runs a job and says what is wrong with the result.
func (j job) check(ctx context.Context, e *Engine) error {
	out := outputFor(j.plan.Shape)
	out.Stripes = make([]byte, len(j.want.stripes))
	if _, err := e.Run(ctx, j.plan, j.in, out); err != nil {
		return err
	}
	for i, x := range j.want.o.Host {
		if out.O.Host[i] != x {
			return fmt.Errorf("%v of %v: output element %d is %v, want %v", j.plan.Asked, j.plan.Shape, i, out.O.Host[i], x)
		}
	}
	for i, x := range j.want.lse {
		if out.LSE[i] != x {
			return fmt.Errorf("%v of %v: log-sum-exp %d is %v, want %v", j.plan.Asked, j.plan.Shape, i, out.LSE[i], x)
		}
	}
	for i, x := range j.want.stripes {
		if out.Stripes[i] != x {
			return fmt.Errorf("%v of %v: stripe %d is %d, want %d", j.plan.Asked, j.plan.Shape, i, out.Stripes[i], x)
		}
	}
	return nil
}

// together runs every job rounds times, each from a goroutine of its own;
// goroutine i uses engine i modulo their number.
func together(t *testing.T, jobs []job, rounds int, engines ...*Engine) {
	t.Helper()
	failed := make([]error, len(jobs))
	var running sync.WaitGroup
	for i, j := range jobs {
		running.Add(1)
		go func() {
			defer running.Done()
			for round := 0; round < rounds && failed[i] == nil; round++ {
				failed[i] = j.check(context.Background(), engines[(i+round)%len(engines)])
			}
		}()
	}
	running.Wait()
	for _, err := range failed {
		require.NoError(t, err)
	}
}

func TestGoroutinesShareAnEngine(t *testing.T) {
	e := sharedEngine(t)
	together(t, jobsFor(t, e, 0), 5, e)
}

func TestEnginesShareADevice(t *testing.T) {
	e := sharedEngine(t)
	second, err := NewEngine(e.device, Options{PoisonScratch: true})
	require.NoError(t, err)
	together(t, jobsFor(t, e, 1), 4, e, second)
	require.NoError(t, second.Close())
	require.NoError(t, jobsFor(t, e, 0)[0].check(context.Background(), e), "one engine's Close leaves the other alone")
}

func TestCancelledBeforeTheRun(t *testing.T) {
	e := sharedEngine(t)
	j := jobsFor(t, e, 0)[0]
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 20 { // Run may see the free engine or the dead context first
		_, err := e.Run(ctx, j.plan, j.in, outputFor(j.plan.Shape))
		require.ErrorIs(t, err, context.Canceled)
	}
	late, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	_, err := e.Run(late, j.plan, j.in, outputFor(j.plan.Shape))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, j.check(context.Background(), e))
}

// countdown is a context that ends when it has been asked a number of times,
// so that a run meets the end at each of its steps in turn.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left == 0 {
		return context.Canceled
	}
	c.left--
	return nil
}

func TestCancelledDuringTheRun(t *testing.T) {
	e := sharedEngine(t)
	for _, j := range jobsFor(t, e, 1e-9)[:2] {
		unbroken, cancelled := false, 0
		for steps := 0; !unbroken; steps += 1 + steps/8 {
			err := j.check(&countdown{context.Background(), steps}, e)
			if unbroken = err == nil; !unbroken {
				require.ErrorIs(t, err, context.Canceled, "after %d questions", steps)
				cancelled++
			}
			require.Less(t, steps, 1_000_000)
		}
		t.Logf("%v: cancelled at %d different steps", j.plan.Asked, cancelled)
		require.Greater(t, cancelled, 10)
		require.NoError(t, j.check(context.Background(), e), "the engine is usable afterwards")
	}
}

// A real context, cancelled by another goroutine while the device works.
func TestCancelStopsALongRun(t *testing.T) {
	e := sharedEngine(t)
	problem := selective(1, 4, 2, 2500, 2500)
	problem.Mode = ModeDense
	plan, err := e.Plan(problem, PlanOptions{SliceMS: 2})
	require.NoError(t, err)
	in, out := selectiveInputs(problem.Shape, 90), outputFor(problem.Shape)
	begin := time.Now()
	_, err = e.Run(context.Background(), plan, in, out)
	require.NoError(t, err)
	whole := time.Since(begin)
	ctx, cancel := context.WithTimeout(context.Background(), whole/10)
	defer cancel()
	begin = time.Now()
	_, err = e.Run(ctx, plan, in, out)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	t.Logf("whole run %v, cancelled after %v", whole, time.Since(begin))
	require.Less(t, time.Since(begin), whole*3/4)
}

// A context that ends while another call has the engine.
func TestCancelledWhileWaitingForATurn(t *testing.T) {
	e := sharedEngine(t)
	j := jobsFor(t, e, 0)[0]
	<-e.turn // as a running call does
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	err := j.check(ctx, e)
	e.turn <- struct{}{}
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, j.check(context.Background(), e))
}

func TestEngineClose(t *testing.T) {
	e, err := NewEngine(sharedEngine(t).device, Options{})
	require.NoError(t, err)
	j := jobsFor(t, e, 1e-9)[0]
	running := make(chan error)
	go func() { running <- j.check(context.Background(), e) }()
	for len(e.turn) > 0 { // until the call has begun
		time.Sleep(10 * time.Microsecond)
	}
	require.NoError(t, e.Close(), "during a run")
	require.NoError(t, <-running, "Close waits for the running call")
	require.NoError(t, e.Close(), "twice")
	require.ErrorIs(t, j.check(context.Background(), e), vk.ErrClosed)
	require.ErrorIs(t, e.Warmup(context.Background(), func() *Plan { p := *j.plan; p.Shape.HeadDim = 8; return &p }()), vk.ErrClosed)
}

// A plan that did not come from NewPlan is refused, not computed.
func TestEngineRefusesPlansNotMade(t *testing.T) {
	e := sharedEngine(t)
	plan, err := e.Plan(selective(1, 1, 1, 20, 20), PlanOptions{})
	require.NoError(t, err)
	text, err := json.Marshal(plan)
	require.NoError(t, err)
	var read Plan
	require.NoError(t, json.Unmarshal(text, &read))
	for _, bad := range []*Plan{nil, {}, &read} {
		_, err = e.Run(context.Background(), bad, selectiveInputs(plan.Shape, 1), outputFor(plan.Shape))
		attentest.RequireArgument(t, err, "plan")
		attentest.RequireArgument(t, e.Warmup(context.Background(), bad), "plan")
	}
}

// Closing the device under an engine ends its calls with ErrClosed.
func TestDeviceCloseUnderAnEngine(t *testing.T) {
	device := openTestDevice(t)
	e, err := NewEngine(device, Options{})
	require.NoError(t, err)
	j := jobsFor(t, e, 1e-9)[0]
	running := make(chan error)
	go func() {
		var err error
		for err == nil { // run after run, until one fails
			err = j.check(context.Background(), e)
		}
		running <- err
	}()
	time.Sleep(20 * time.Millisecond)
	require.NoError(t, device.Close())
	require.ErrorIs(t, <-running, vk.ErrClosed)
	require.ErrorIs(t, j.check(context.Background(), e), vk.ErrClosed)
	require.NoError(t, e.Close(), "after the device's Close")
	_, err = NewEngine(device, Options{})
	require.ErrorIs(t, err, vk.ErrClosed)
}
