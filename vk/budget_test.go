//go:build cgo

package vk_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/fault"
	"github.com/anchorvk/anchorvk/vk"
)

// budgeted is an engine whose device counts what is asked of the driver.
func budgeted(t *testing.T, budget uint64) (*attention.Engine, *vk.Device) {
	t.Helper()
	fault.Set(fault.Off)
	fault.ResetCounts()
	o, err := vk.OptionsFromEnv()
	require.NoError(t, err)
	o.Hook, o.MemoryBudget = fault.Hook, budget
	d, err := vk.Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	e, err := attention.NewEngine(d, attention.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e, d
}

var budgetProblem = attention.Problem{
	Shape:  attention.Shape{Batch: 1, Heads: 8, KVHeads: 1, QLen: 1000, KVLen: 1000, HeadDim: 32},
	Params: attention.Params{Theta: 3, Step: 2, Block: 16, SinkBlocks: 1, WindowBlocks: 1},
}

// prefill runs a plan on made-up tensors and returns the output's bits.
func prefill(t *testing.T, e *attention.Engine, p *attention.Plan) ([]float16.Float16, error) {
	t.Helper()
	s := p.Shape
	rows := func(heads int) attention.Tensor {
		data := make([]float16.Float16, heads*s.QLen*s.HeadDim)
		for i := range data {
			data[i] = float16.Fromfloat32(float32((i*7919)%1000)/500 - 1)
		}
		return attention.HostBHSD(data, 1, heads, s.QLen, s.HeadDim)
	}
	out := rows(s.Heads)
	_, err := e.Run(context.Background(), p, attention.Inputs{Q: rows(s.Heads), K: rows(1), V: rows(1)},
		attention.Outputs{O: out, LSE: make([]float32, s.Heads*s.QLen)})
	return out.Host, err
}

// The estimate is what a run takes, except rounding and staging, and never
// less: a budget of it suffices.
func TestMemoryEstimate(t *testing.T) {
	free, _ := budgeted(t, 0)
	options := attention.PlanOptions{NoFallback: true}
	plan, err := free.Plan(budgetProblem, options)
	require.NoError(t, err)
	require.Equal(t, attention.ModeAnchor, plan.Mode)
	want, err := prefill(t, free, plan)
	require.NoError(t, err)

	e, d := budgeted(t, plan.Memory.Total)
	same, err := e.Plan(budgetProblem, options)
	require.NoError(t, err)
	require.Equal(t, plan.Slots, same.Slots, "the budget takes no slot away")
	got, err := prefill(t, e, same)
	require.NoError(t, err)
	require.Equal(t, want, got)
	used, _ := d.MemoryUsage()
	t.Logf("estimated %+v, used %d", plan.Memory, used)
	require.LessOrEqual(t, used, plan.Memory.Total)
	const buffers, rounding = 7, 256
	require.GreaterOrEqual(t, used+buffers*rounding, plan.Memory.Total-plan.Memory.Staging)
}

// A budget that the plan's scratch memory does not fit takes slots away, which
// does not change a bit.
func TestBudgetTakesSlots(t *testing.T) {
	free, _ := budgeted(t, 0)
	options := attention.PlanOptions{NoFallback: true}
	plan, err := free.Plan(budgetProblem, options)
	require.NoError(t, err)
	want, err := prefill(t, free, plan)
	require.NoError(t, err)

	e, d := budgeted(t, plan.Memory.Total-plan.Memory.Scratch/2)
	small, err := e.Plan(budgetProblem, options)
	require.NoError(t, err)
	require.Less(t, small.Slots, plan.Slots)
	require.Positive(t, small.Slots)
	got, err := prefill(t, e, small)
	require.NoError(t, err)
	require.Equal(t, want, got)
	used, budget := d.MemoryUsage()
	require.LessOrEqual(t, used, budget)

	_, err = prefill(t, e, plan) // made without the budget
	var over *vk.MemoryBudgetError
	require.ErrorAs(t, err, &over)
	require.Contains(t, over.Try, "Engine.Plan")
	again, err := prefill(t, e, small)
	require.NoError(t, err, "the engine works on")
	require.Equal(t, want, again)
}

// Half of the least that a problem needs: the error comes before the driver
// is asked for a byte.
func TestHalfTheNeed(t *testing.T) {
	for _, mode := range []attention.Mode{attention.ModeAnchor, attention.ModeDense} {
		problem := budgetProblem
		problem.Mode = mode
		free, d := budgeted(t, 0)
		least, err := attention.NewPlan(d.Report(), problem, attention.PlanOptions{NoFallback: true, ScratchBytes: 1})
		require.NoError(t, err)
		large, err := free.Plan(problem, attention.PlanOptions{NoFallback: true})
		require.NoError(t, err)

		budget := least.Memory.Total / 2
		e, _ := budgeted(t, budget)
		_, err = e.Plan(problem, attention.PlanOptions{NoFallback: true})
		var over *vk.MemoryBudgetError
		require.ErrorAs(t, err, &over)
		require.Equal(t, least.Memory.Total, over.Need, "%v", mode)
		require.Equal(t, budget, over.Budget)
		require.Zero(t, over.Used)
		require.Contains(t, over.Try, "larger budget")

		for _, plan := range []*attention.Plan{least, large} {
			_, err = prefill(t, e, plan)
			require.ErrorAs(t, err, &over)
			require.Equal(t, budget, over.Budget)
		}
		require.Zero(t, fault.Count().Tried, "vkAllocateMemory was called")

		enough, err := e.Plan(problem, attention.PlanOptions{NoFallback: true, MemoryBudget: least.Memory.Total})
		require.NoError(t, err, "an own budget goes before the device's")
		require.Equal(t, least.Slots, enough.Slots)
	}
}
