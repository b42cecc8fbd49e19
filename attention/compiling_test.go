package attention

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/vk"
)

// slowCompiler is a compiler of an engine of its own that waits until it is let go.
type slowCompiler struct {
	started chan pipelineKey // gets each kernel when its compilation begins
	release chan struct{}    // closed to let all of them end
	calls   atomic.Int64
	engine  *Engine
	made    sync.Map // *vk.Pipeline
}

func newSlowCompiler(t *testing.T, slow func(pipelineKey) bool) *slowCompiler {
	t.Helper()
	e, err := NewEngine(sharedEngine(t).device, Options{PoisonScratch: true})
	require.NoError(t, err)
	s := &slowCompiler{started: make(chan pipelineKey, 100), release: make(chan struct{}), engine: e}
	e.pipelines.compile = func(key pipelineKey, d *vk.Device) (*vk.Pipeline, error) {
		s.calls.Add(1)
		if slow(key) {
			s.started <- key
			<-s.release
		}
		p, err := key.build(d)
		s.made.Store(p, true)
		return p, err
	}
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return s
}

// within fails the test when something takes long that should take no time.
func within(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal(what + " waits for a compiler that works on something else")
	}
}

// While a kernel is being compiled, plans are made, and other kernels are
// compiled and run.
func TestNothingWaitsForAnotherCompilation(t *testing.T) {
	const slowDim = 16
	s := newSlowCompiler(t, func(key pipelineKey) bool {
		return key.constants[specChunks] == slowDim/8 && kernelFacts[key.kernel].variants
	})
	e := s.engine
	problem := selective(1, 2, 1, 100, 200)
	problem.Mode = ModeDense
	slow := problem
	slow.Shape.HeadDim = slowDim
	plan, err := e.Plan(slow, PlanOptions{})
	require.NoError(t, err)
	in := selectiveInputs(slow.Shape, 5)
	const callers = 3
	ended := make(chan error, callers)
	for range callers {
		go func() {
			_, err := e.Run(context.Background(), plan, in, outputFor(slow.Shape))
			ended <- err
		}()
	}
	<-s.started
	within(t, "a plan", func() { _, err = e.Plan(problem, PlanOptions{}) })
	require.NoError(t, err)
	within(t, "a run", func() {
		fast, err := e.Plan(problem, PlanOptions{})
		require.NoError(t, err)
		runPlan(t, e, fast, selectiveInputs(problem.Shape, 6))
	})
	require.Empty(t, ended)
	close(s.release)
	for range callers {
		require.NoError(t, <-ended)
	}
	require.EqualValues(t, 2, s.calls.Load(), "one for each kernel, whoever asked for it")
}

// The kernels of a plan compile at the same time, as many as there are slots.
func TestKernelsCompileSideBySide(t *testing.T) {
	s := newSlowCompiler(t, func(pipelineKey) bool { return true })
	e := s.engine
	const slots = 3
	e.pipelines.slots = make(chan struct{}, slots)
	plan, err := e.Plan(everyKernel(200, 300), PlanOptions{NoFallback: true})
	require.NoError(t, err)
	ended := make(chan error)
	go func() { ended <- e.build(plan, plan.Tuning.Way) }()
	for range slots {
		within(t, "a kernel", func() { <-s.started })
	}
	require.EqualValues(t, slots, s.calls.Load(), "no more than there are slots")
	close(s.release)
	require.NoError(t, <-ended)
	require.EqualValues(t, kernelCount-1, s.calls.Load(), "all but one of the two that choose by sampled rows")
	require.Len(t, e.pipelines.made, int(kernelCount)-1)
	require.Empty(t, e.pipelines.running)
}

// An engine that closes while kernels are compiled waits for none, and leaks none.
func TestCloseWhileKernelsCompile(t *testing.T) {
	s := newSlowCompiler(t, func(pipelineKey) bool { return true })
	e := s.engine
	problem := selective(1, 2, 1, 100, 200)
	plan, err := e.Plan(problem, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	ended := make(chan error)
	go func() {
		_, err := e.Run(context.Background(), plan, selectiveInputs(problem.Shape, 7), outputFor(problem.Shape))
		ended <- err
	}()
	<-s.started
	within(t, "Close", func() { require.NoError(t, e.Close()) })
	close(s.release)
	require.ErrorIs(t, <-ended, vk.ErrClosed)
	require.Empty(t, e.pipelines.made)
	require.Empty(t, e.pipelines.running)
	s.made.Range(func(p, _ any) bool {
		_, err := p.(*vk.Pipeline).Listings()
		require.ErrorIs(t, err, vk.ErrClosed, "the pipeline was left open")
		return true
	})
}

// Whoever waits for a kernel that cannot be built gets the error too, and the
// next to ask has it tried anew.
func TestCompilationFailsForAllThatWait(t *testing.T) {
	s := newSlowCompiler(t, func(pipelineKey) bool { return false })
	e := s.engine
	failure, fail := errors.New("the compiler gave up"), true
	started, release := make(chan struct{}, 100), make(chan struct{})
	e.pipelines.compile = func(key pipelineKey, d *vk.Device) (*vk.Pipeline, error) {
		started <- struct{}{}
		<-release
		if fail {
			return nil, failure
		}
		return key.build(d)
	}
	plan, err := e.Plan(selective(1, 2, 1, 100, 200), PlanOptions{NoFallback: true})
	require.NoError(t, err)
	key := keyFor(kernelDense, plan, plan.Tuning.Way)
	ended := make(chan error, 2)
	ask := func() {
		_, err := e.pipelineOf(key)
		ended <- err
	}
	go ask()
	<-started
	go ask()
	close(release)
	for range 2 {
		require.ErrorIs(t, <-ended, failure)
	}
	fail = false
	for len(started) > 0 {
		<-started
	}
	_, err = e.pipelineOf(key)
	require.NoError(t, err)

	e.pipelines.compile = func(pipelineKey, *vk.Device) (*vk.Pipeline, error) { panic("a bug in the driver's binding") }
	other := key
	other.constants[specChunks]++
	var panicked *PanicError
	_, err = e.pipelineOf(other)
	require.ErrorAs(t, err, &panicked)
	require.Empty(t, e.pipelines.running, "nobody is left waiting")
}
