package attention

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/vk"
)

// planAs is the plan of a device that is as a report says, for an engine's device
// that is not.
func planAs(t testing.TB, e *Engine, report *vk.Report, problem Problem, options PlanOptions) *Plan {
	t.Helper()
	p, err := NewPlan(report, problem, options)
	require.NoError(t, err)
	p.report = e.device.Report()
	return p
}

// submit binds a call and submits it.
func submit(ctx context.Context, e *Engine, p *Plan, in Inputs, out Outputs, sync vk.Sync) (*Job, error) {
	c, err := e.Bind(p, in, out)
	if err != nil {
		return nil, err
	}
	return c.Submit(ctx, sync)
}

// prepare binds a call and prepares it for command buffers.
func prepare(e *Engine, p *Plan, in Inputs, out Outputs, scratch *Scratch) (*Call, error) {
	c, err := e.Bind(p, in, out)
	if err != nil {
		return nil, err
	}
	_, err = c.Prepare(scratch)
	return c, err
}

// runWith binds a call and runs it with options.
func runWith(ctx context.Context, e *Engine, p *Plan, in Inputs, out Outputs, o RunOptions) (Stats, error) {
	c, err := e.Bind(p, in, out)
	if err != nil {
		return Stats{}, err
	}
	return c.Run(ctx, o)
}

// A call is one run at a time, in each of its ways, and none once it is closed.
func TestOneRunAtATime(t *testing.T) {
	e := sharedEngine(t)
	problem := selective(1, 2, 1, 300, 300)
	plan, err := e.Plan(problem, PlanOptions{NoFallback: true, SliceMS: 1e-3})
	require.NoError(t, err)
	in, out := selectiveInputs(problem.Shape, 3), outputFor(problem.Shape)
	c, err := e.Bind(plan, in, out)
	require.NoError(t, err)
	require.Same(t, plan, c.Plan())

	var again, started error
	told := 0
	stats, err := c.Run(t.Context(), RunOptions{Progress: func(float64) {
		if told++; told == 1 {
			_, again = c.Run(context.Background(), RunOptions{})
			_, started = c.Start(context.Background(), RunOptions{})
		}
	}})
	require.NoError(t, err)
	require.Positive(t, told)
	require.ErrorIs(t, again, ErrBusy)
	require.ErrorIs(t, started, ErrBusy)
	require.Equal(t, ModeAnchor, stats.Mode)

	job, err := c.Start(t.Context(), RunOptions{})
	require.NoError(t, err)
	require.Nil(t, job.Submitted())
	same, err := job.Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, stats.ComputedRatio, same.ComputedRatio)
	_, err = c.Run(t.Context(), RunOptions{}) // whoever has waited for a job may go on at once
	require.NoError(t, err)

	ready := make(chan struct{})
	var once bool
	job, err = c.Start(t.Context(), RunOptions{Progress: func(float64) {
		if !once {
			once = true
			close(ready)
			for !c.isClosed() { // or it may end before
				runtime.Gosched()
			}
		}
	}})
	require.NoError(t, err)
	<-ready
	require.NoError(t, c.Close())
	select {
	case <-job.Done():
	default:
		require.Fail(t, "Close waits for the job")
	}
	_, err = job.Wait(t.Context())
	require.ErrorIs(t, err, context.Canceled)
	_, err = c.Run(t.Context(), RunOptions{})
	require.ErrorIs(t, err, vk.ErrClosed)
	require.NoError(t, c.Close(), "once more")
}

// A Close that comes while a job is being made cancels it too.
func TestCloseCancelsAJobThatBegins(t *testing.T) {
	e := sharedEngine(t)
	plan, in, out := resident(t, e, selective(1, 2, 1, 300, 300), PlanOptions{NoFallback: true})
	c, err := e.Bind(plan, in, out)
	require.NoError(t, err)
	require.NoError(t, c.begin())
	closed := make(chan error)
	go func() { closed <- c.Close() }()
	for !c.isClosed() {
		runtime.Gosched()
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	j := c.newJob(cancel)
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	j.end(nil)
	require.NoError(t, <-closed)
}

// A job ends where Progress ends its goroutine, and one that has ended says so to
// whoever waits with a context that has ended too.
func TestJobsEndInAnyCase(t *testing.T) {
	e := sharedEngine(t)
	plan, in, out := resident(t, e, selective(1, 2, 1, 300, 300), PlanOptions{NoFallback: true})
	c, err := e.Bind(plan, in, out)
	require.NoError(t, err)
	job, err := c.Start(t.Context(), RunOptions{Progress: func(float64) { runtime.Goexit() }})
	require.NoError(t, err)
	soon, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = job.Wait(soon)
	require.ErrorContains(t, err, "Goexit")
	job, err = c.Start(t.Context(), RunOptions{})
	require.NoError(t, err)
	<-job.Done()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		_, err = job.Wait(ended)
		require.NoError(t, err)
	}
	require.NoError(t, c.Close())
}
