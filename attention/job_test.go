//go:build cgo && (linux || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package attention

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/testhost"
	"github.com/anchorvk/anchorvk/vk"
)

// timeline is a semaphore of the application's, freed after the test.
func (l *lent) timeline(t *testing.T) uint64 {
	t.Helper()
	s := l.host.NewTimeline()
	t.Cleanup(func() { l.host.FreeTimeline(s) })
	return s
}

func at(semaphore, value uint64) []vk.Timeline {
	return []vk.Timeline{{Semaphore: vk.Handle(semaphore), Value: value}}
}

// slicedCall is a call of many slices and the result that it must give.
func (l *lent) slicedCall(t *testing.T) (*lentCall, result) {
	t.Helper()
	problem := selective(1, 4, 2, 521, 521)
	plan, err := l.engine.Plan(problem, PlanOptions{NoFallback: true, SliceMS: 1e-9})
	require.NoError(t, err)
	in := selectiveInputs(problem.Shape, 95)
	want := runPlan(t, l.engine, plan, in)
	c := l.call(t, plan, in, lentUsage)
	commands := l.host.Begin()
	c.before(commands)
	commands.End()
	l.host.Submit(testhost.Point{}, testhost.Point{}, commands)
	l.host.Finish()
	return c, want
}

// A job waits for the semaphore, and nothing but Wait waits for the job.
func TestJobWaitsForTheSemaphore(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	c, want := l.slicedCall(t)
	s := l.timeline(t)
	job, err := submit(context.Background(), l.engine, c.plan, c.in, c.out, vk.Sync{Wait: at(s, 7), Signal: at(s, 9)})
	require.NoError(t, err)
	time.Sleep(50 * time.Millisecond)
	select {
	case <-job.Done():
		t.Fatal("the job has not waited")
	case <-job.Submitted():
		t.Fatal("more than two slices are in the queue")
	default:
	}
	soon, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err = job.Wait(soon)
	require.ErrorIs(t, err, context.DeadlineExceeded, "of the waiting, not of the job")
	require.Equal(t, uint64(0), l.host.Value(s))
	l.host.Signal(testhost.Point{Semaphore: s, Value: 7})
	stats, err := job.Wait(context.Background())
	require.NoError(t, err)
	<-job.Submitted()
	require.Greater(t, stats.Slices, 20)
	require.Positive(t, stats.StripeRatio)
	if l.device.Report().Limits.TimestampBits > 0 {
		require.Positive(t, stats.TimeMS.Total)
	}
	require.True(t, l.host.Await(testhost.Point{Semaphore: s, Value: 9}, 10e9))
	c.finish()
	got := c.result(t, "after waiting")
	got.stripes = want.stripes
	requireSameBits(t, want, got, "after waiting")
	require.NoError(t, job.Close())
	require.NoError(t, job.Close())
}

// However a job ends early, work that waits for its semaphore goes on.
func TestCancelledJobSignals(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	c, _ := l.slicedCall(t)
	s := l.timeline(t)
	value := uint64(0)
	for name, end := range map[string]func(job *Job, cancel func()){
		"Cancel": func(job *Job, _ func()) { job.Cancel() }, "context": func(_ *Job, cancel func()) { cancel() },
		"Close": func(job *Job, _ func()) { require.NoError(t, job.Close()) },
	} {
		ctx, cancel := context.WithCancel(context.Background())
		job, err := submit(ctx, l.engine, c.plan, c.in, c.out, vk.Sync{Wait: at(s, value), Signal: at(s, value+1)})
		require.NoError(t, err)
		end(job, cancel)
		stats, err := job.Wait(context.Background())
		require.ErrorIs(t, err, context.Canceled, name)
		require.Less(t, stats.Slices, 100, "%s: the job has some hundred slices", name)
		value++
		require.True(t, l.host.Await(testhost.Point{Semaphore: s, Value: value}, 10e9), name)
		cancel()
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	job, err := submit(ctx, l.engine, c.plan, c.in, c.out, vk.Sync{Signal: at(s, value+1)})
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, job, "nothing was submitted")
	require.Equal(t, value, l.host.Value(s))
	// A job that fails: a buffer is closed under it.
	_, borrowed := l.buffer(t, c.o.Size, lentUsage)
	out := c.out
	out.O.Buffer = borrowed
	job, err = submit(context.Background(), l.engine, c.plan, c.in, out, vk.Sync{Wait: at(s, value+1), Signal: at(s, value+2)})
	require.NoError(t, err)
	require.NoError(t, borrowed.Close())
	l.host.Signal(testhost.Point{Semaphore: s, Value: value + 1})
	_, err = job.Wait(context.Background())
	require.ErrorIs(t, err, vk.ErrClosed)
	require.True(t, l.host.Await(testhost.Point{Semaphore: s, Value: value + 2}, 10e9))
	require.NoError(t, l.device.Err())
}

// A panic while a job is recorded is the job's error, and leaves nothing behind.
func TestPanicEndsOnlyTheJob(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	c, want := l.slicedCall(t)
	s := l.timeline(t)
	ctx := context.Background()
	run := func(value uint64) (Stats, error) {
		job, err := submit(ctx, l.engine, c.plan, c.in, c.out, vk.Sync{Wait: at(s, value), Signal: at(s, value+2)})
		require.NoError(t, err)
		l.host.Signal(testhost.Point{Semaphore: s, Value: value})
		stats, err := job.Wait(ctx)
		require.True(t, l.host.Await(testhost.Point{Semaphore: s, Value: value + 2}, 10e9))
		return stats, err
	}
	_, err := run(1)
	require.NoError(t, err)
	second := &l.engine.jobs.spare[0].ahead.all[1].recorder
	require.NoError(t, (*second).Close())
	*second = nil // the next job panics when it turns to it, with a slice in the queue
	stats, err := run(11)
	var panicked *PanicError
	require.ErrorAs(t, err, &panicked)
	require.Contains(t, panicked.Stack, "recordAll")
	require.Equal(t, 1, stats.Slices)
	require.Empty(t, l.engine.jobs.spare, "its workspace is not used again")
	_, err = run(21)
	require.NoError(t, err)
	c.finish()
	got := c.result(t, "after a panic")
	got.stripes = want.stripes
	requireSameBits(t, want, got, "after a panic")
	require.NoError(t, l.engine.Close(), "waits for no job")
}

// A job of at most two slices is in the queue when Submit returns, and work
// that waits for it may follow at once on the same queue.
func TestShortJobsAreSubmittedAtOnce(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	problem := selective(1, 4, 2, 400, 521)
	plan, err := l.engine.Plan(problem, PlanOptions{NoFallback: true, SliceMS: 1e6})
	require.NoError(t, err)
	in := selectiveInputs(problem.Shape, 96)
	want := runPlan(t, l.engine, plan, in)
	c := l.call(t, plan, in, lentUsage)
	s := l.timeline(t)
	first, second := l.host.Begin(), l.host.Begin()
	c.before(first)
	first.End()
	c.after(second)
	second.End()
	l.host.Submit(testhost.Point{}, testhost.Point{}, first)
	job, err := submit(context.Background(), l.engine, plan, c.in, c.out, vk.Sync{Signal: at(s, 1)})
	require.NoError(t, err)
	select {
	case <-job.Submitted():
	default:
		t.Fatal("a job of one slice is not in the queue")
	}
	l.host.Submit(testhost.Point{Semaphore: s, Value: 1}, testhost.Point{}, second)
	l.host.Finish()
	got := c.result(t, "one slice")
	got.stripes = want.stripes
	requireSameBits(t, want, got, "one slice")
	stats, err := job.Wait(context.Background())
	require.NoError(t, err)
	require.Equal(t, 1, stats.Slices)
}

// A job over 131,072 positions, which would take minutes on a CPU, submits
// nothing more once it is cancelled, and ends after the slices in the queue:
// at most two. Submissions are counted by the application, whose lock is taken
// for each.
func TestCancelLongJobWithinTwoSlices(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	const n, heads, kvHeads = 131_072, 8, 2
	tensor := func(heads int) Tensor {
		b, lent := l.buffer(t, uint64(halfBytes*heads*n*testDim), lentUsage|addressUsage(l.device))
		clear(b.Bytes)
		return DeviceBHSD(lent, 0, 1, heads, n, testDim)
	}
	in, out := Inputs{Q: tensor(heads), K: tensor(kvHeads), V: tensor(kvHeads)}, Outputs{O: tensor(heads)}
	for _, mode := range []Mode{ModeAnchor, ModeDense} {
		problem := Problem{Shape: Shape{Batch: 1, Heads: heads, KVHeads: kvHeads, QLen: n, KVLen: n, HeadDim: testDim}, Mode: mode, Params: DefaultParams()}
		plan, err := l.engine.Plan(problem, PlanOptions{NoFallback: true, SliceMS: 20})
		require.NoError(t, err)
		require.NoError(t, l.engine.Warmup(context.Background(), plan))
		s := l.timeline(t)
		before, _ := l.host.Locks()
		job, err := submit(context.Background(), l.engine, plan, in, out, vk.Sync{Signal: at(s, 1)})
		require.NoError(t, err)
		submissions := func() int {
			now, _ := l.host.Locks()
			return now - before
		}
		for submissions() < 6 {
			time.Sleep(time.Millisecond)
		}
		job.Cancel()
		atCancel, cancelled := submissions(), time.Now()
		stats, err := job.Wait(context.Background())
		require.ErrorIs(t, err, context.Canceled)
		t.Logf("%v: %d slices when cancelled, %d in the end, which came %v later", mode, atCancel, stats.Slices, time.Since(cancelled))
		// The one that was being submitted may still be counted, and the semaphore takes a submission.
		require.LessOrEqual(t, submissions(), atCancel+2, "slices were begun after the cancellation")
		require.LessOrEqual(t, stats.Slices, atCancel+1)
		require.Less(t, time.Since(cancelled), 10*time.Second)
		require.True(t, l.host.Await(testhost.Point{Semaphore: s, Value: 1}, 10e9))
	}
}

// Closing an engine waits for its jobs; closing the device under one ends it.
func TestCloseUnderJobs(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	c, want := l.slicedCall(t)
	job, err := submit(context.Background(), l.engine, c.plan, c.in, c.out, vk.Sync{})
	require.NoError(t, err)
	require.NoError(t, l.engine.Close())
	select {
	case <-job.Done():
	default:
		t.Fatal("Close has not waited for the job")
	}
	_, err = job.Wait(context.Background())
	require.NoError(t, err)
	c.finish()
	got := c.result(t, "close")
	got.stripes = want.stripes
	requireSameBits(t, want, got, "close")

	again, err := NewEngine(l.device, Options{})
	require.NoError(t, err)
	job, err = submit(context.Background(), again, c.plan, c.in, c.out, vk.Sync{})
	require.NoError(t, err)
	require.NoError(t, l.device.Close())
	_, err = job.Wait(context.Background())
	require.ErrorIs(t, err, vk.ErrClosed)
	require.NoError(t, again.Close())
}

// Steady calls: a prepared recording is written without an allocation and in
// little time, and a job takes a handful of small ones.
func TestSteadyRecordingsAndJobs(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	t.Run("plain", func(t *testing.T) { steadyRecordingAndJob(t, l, selective(1, 4, 2, 521, 521), 100*time.Microsecond) })
	// In three runs of heads, with three times the commands: 50 us, and 360 us under validation layers.
	t.Run("tail, guard and heads", func(t *testing.T) {
		steadyRecordingAndJob(t, l, likeSafe(selective(1, 4, 2, 521, 521)), time.Millisecond)
	})
}

func steadyRecordingAndJob(t *testing.T, l *lent, problem Problem, bound time.Duration) {
	t.Helper()
	plan, err := l.engine.Plan(problem, PlanOptions{NoFallback: true, SliceMS: 1e6})
	require.NoError(t, err)
	c := l.call(t, plan, selectiveInputs(problem.Shape, 97), lentUsage)
	r := c.prepare(t, nil)
	const rounds = 200
	commands := l.host.Begin()
	require.Zero(t, testing.AllocsPerRun(rounds, func() {
		if err := r.Record(vk.Handle(commands.Handle), AllParts); err != nil {
			t.Error(err)
		}
	}))
	took := make([]time.Duration, rounds)
	for i := range took {
		start := time.Now()
		require.NoError(t, r.Record(vk.Handle(commands.Handle), AllParts))
		took[i] = time.Since(start)
	}
	commands.End()
	slices.Sort(took)
	t.Logf("recording a call: %v in the median of %d", took[rounds/2], rounds)
	require.Less(t, took[rounds/2], bound)

	ctx := context.Background()
	submit := func() {
		job, err := submit(ctx, l.engine, plan, c.in, c.out, vk.Sync{})
		if err == nil {
			_, err = job.Wait(ctx)
		}
		if err != nil {
			t.Error(err)
		}
	}
	for range 5 {
		submit()
	}
	allocations := testing.AllocsPerRun(50, submit)
	t.Logf("a job makes %g allocations", allocations)
	require.LessOrEqual(t, allocations, 15.0)
}

// Semaphores that cannot be signalled are refused at once, not when the last of
// many slices is to signal them.
func TestSubmitRefusesWhatItCannotSignal(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	c, _ := l.slicedCall(t)
	for _, signal := range [][]vk.Timeline{{{}}, slices.Repeat(at(l.timeline(t), 1), 100)} {
		job, err := submit(context.Background(), l.engine, c.plan, c.in, c.out, vk.Sync{Signal: signal})
		require.ErrorContains(t, err, "Sync.Signal")
		require.Nil(t, job)
	}
}
