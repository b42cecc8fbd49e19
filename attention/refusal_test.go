package attention

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// engineThatCannotBuild is an engine whose driver fails on some tiers, and its log.
func engineThatCannotBuild(t *testing.T, failure error, tiers ...Tier) (*Engine, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	e, err := NewEngine(sharedEngine(t).device, Options{PoisonScratch: true, Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	e.pipelines.compile = func(key pipelineKey, d *vk.Device) (*vk.Pipeline, error) {
		for _, tier := range tiers {
			if key.tier == tier {
				return nil, failure
			}
		}
		return key.build(d)
	}
	return e, log
}

func TestNextTierRunsWhereOneCannotBeBuilt(t *testing.T) {
	problem := selective(1, 2, 1, 200, 300)
	in := selectiveInputs(problem.Shape, 31)
	report := *sharedEngine(t).device.Report()
	if tuning.DetectArchitecture(&report) == tuning.ArchLavapipeOld {
		report.API = "1.4.0" // so that scalar, which is slow there, is the best tier
	}
	best, err := NewPlan(&report, problem, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	if best.Tier == TierUnpack {
		t.Log("this device has one tier alone, and no next one")
		return
	}
	e, log := engineThatCannotBuild(t, errors.New("the compiler gave up"), best.Tier)
	plan := best
	plan.report = e.device.Report()
	require.NoError(t, e.Warmup(context.Background(), plan))

	got := runPlan(t, e, plan, in)
	require.NotEqual(t, best.Tier, got.stats.Tier)
	assert.Contains(t, got.stats.Refused, best.Tier+" could not be built: the compiler gave up")
	assert.Contains(t, log.String(), "level=WARN")
	assert.Contains(t, log.String(), "tier="+best.Tier+" next="+got.stats.Tier)
	want := compute(t, sharedEngine(t), problem, PlanOptions{Tier: got.stats.Tier}, in)
	requireSameBits(t, want, got, "the next tier's results")

	log.Reset()
	later, err := e.Plan(problem, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	assert.Equal(t, got.stats.Tier, later.Tier, "later plans know")
	assert.Contains(t, later.String(), "could not be built")
	requireSameBits(t, want, runPlan(t, e, later, in), "planned anew")
	assert.NotContains(t, log.String(), "level=WARN", "said once")
	other := problem
	other.Shape.HeadDim = 64
	plan, err = e.Plan(other, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	assert.Empty(t, plan.Refused, "another head_dim is another kernel")
}

func TestTierAskedForIsNotReplaced(t *testing.T) {
	failure := errors.New("the compiler gave up")
	e, log := engineThatCannotBuild(t, failure, TierUnpack)
	problem := selective(1, 2, 1, 200, 300)
	plan, err := e.Plan(problem, PlanOptions{Tier: TierUnpack, NoFallback: true})
	require.NoError(t, err)
	in := selectiveInputs(problem.Shape, 31)
	_, err = e.Run(context.Background(), plan, in, outputFor(problem.Shape))
	require.ErrorIs(t, err, failure)
	require.ErrorIs(t, e.Warmup(context.Background(), plan), failure)
	assert.Empty(t, e.refusals(problem.Shape.HeadDim))
	assert.NotContains(t, log.String(), "level=WARN")
}

func TestNothingCanBeBuilt(t *testing.T) {
	failure := errors.New("the compiler gave up")
	e, _ := engineThatCannotBuild(t, failure, tuning.Order()...)
	problem := selective(1, 2, 1, 200, 300)
	plan, err := e.Plan(problem, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	in := selectiveInputs(problem.Shape, 31)
	_, err = e.Run(context.Background(), plan, in, outputFor(problem.Shape))
	require.ErrorIs(t, err, failure)
	var feature *vk.FeatureError
	require.ErrorAs(t, err, &feature)
	assert.Equal(t, "any tier", feature.Feature)
	assert.Contains(t, feature.Why, "unpack could not be built: the compiler gave up")
}

// What says nothing about the tier ends the call, and leaves the tier to later ones.
func TestOtherFailuresAreNoRefusal(t *testing.T) {
	problem := selective(1, 2, 1, 200, 300)
	best, err := sharedEngine(t).Plan(problem, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	in := selectiveInputs(best.Shape, 31)
	for name, failure := range map[string]error{
		"lost":          &vk.DeviceLostError{During: "the build"},
		"hung":          &vk.TimeoutError{During: "the build"},
		"out of memory": &vk.OutOfMemoryError{What: "vkCreateComputePipelines"},
		"over budget":   &vk.MemoryBudgetError{What: "a pipeline", Need: 2, Budget: 1},
		"closed":        vk.ErrClosed,
	} {
		t.Run(name, func(t *testing.T) {
			e, log := engineThatCannotBuild(t, fmt.Errorf("pipeline dense: %w", failure), best.Tier)
			_, err := e.Run(context.Background(), best, in, outputFor(best.Shape))
			require.ErrorIs(t, err, failure)
			assert.Empty(t, e.refusals(best.Shape.HeadDim))
			assert.NotContains(t, log.String(), "level=WARN")

			e.pipelines.compile = func(key pipelineKey, d *vk.Device) (*vk.Pipeline, error) { return key.build(d) }
			require.NoError(t, e.Warmup(context.Background(), best), "the next call builds it")
			later, err := e.Plan(problem, PlanOptions{NoFallback: true})
			require.NoError(t, err)
			assert.Equal(t, best.Tier, later.Tier)
		})
	}
}

// A failure that passes costs no tier: a kernel is tried twice.
func TestOneFailureIsNoRefusal(t *testing.T) {
	problem := selective(1, 2, 1, 200, 300)
	e, log := engineThatCannotBuild(t, nil)
	best, err := e.Plan(problem, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	var tried sync.Map
	e.pipelines.compile = func(key pipelineKey, d *vk.Device) (*vk.Pipeline, error) {
		if _, again := tried.LoadOrStore(key, true); !again {
			return nil, errors.New("vk: vkCreateComputePipelines: VK_ERROR_INITIALIZATION_FAILED")
		}
		return key.build(d)
	}
	got := runPlan(t, e, best, selectiveInputs(problem.Shape, 31))
	assert.Equal(t, best.Tier, got.stats.Tier)
	assert.Empty(t, got.stats.Refused)
	assert.NotContains(t, log.String(), "level=WARN")
}

// What the properties of the device rule out is not tried again.
func TestLimitsAreNotTriedTwice(t *testing.T) {
	for _, failure := range []error{&vk.LimitError{What: "a pipeline"}, &vk.FeatureError{Feature: "a subgroup size"}} {
		e, _ := engineThatCannotBuild(t, nil)
		plan, err := e.Plan(selective(1, 2, 1, 200, 300), PlanOptions{})
		require.NoError(t, err)
		calls := 0
		e.pipelines.compile = func(pipelineKey, *vk.Device) (*vk.Pipeline, error) {
			calls++
			return nil, failure
		}
		_, err = e.pipeline(kernelDense, plan, plan.Tuning.Way)
		require.ErrorIs(t, err, failure)
		assert.Equal(t, 1, calls)
	}
}

// Refusals are forgotten on request, and by themselves where no tier is left.
func TestRefusalsAreForgotten(t *testing.T) {
	e, _ := engineThatCannotBuild(t, errors.New("the compiler gave up"), tuning.Order()...)
	problem := selective(1, 2, 1, 200, 300)
	in := selectiveInputs(problem.Shape, 31)
	best, err := e.Plan(problem, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	_, err = e.Run(context.Background(), best, in, outputFor(problem.Shape))
	require.Error(t, err)
	e.pipelines.compile = pipelineKey.build // the failure has passed
	later, err := e.Plan(problem, PlanOptions{NoFallback: true})
	require.NoError(t, err, "a plan works again")
	assert.Equal(t, best.Tier, later.Tier)
	assert.Equal(t, best.Tier, runPlan(t, e, best, in).stats.Tier)

	e.refuse(best, errors.New("the compiler gave up"))
	assert.NotEmpty(t, e.refusals(problem.Shape.HeadDim))
	e.ForgetRefusals()
	assert.Empty(t, e.refusals(problem.Shape.HeadDim))
	assert.Equal(t, best.Tier, runPlan(t, e, later, in).stats.Tier)
}
