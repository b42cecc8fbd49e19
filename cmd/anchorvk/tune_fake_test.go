package main

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// fakeTuner plans as a real device does and computes with the oracle. Its
// times follow from the tuning alone, by a formula of the test.
type fakeTuner struct {
	*fake
	ms      func(t tuning.Tuning) (attend, identify float64)
	misdeed func(t tuning.Tuning, out *attention.Outputs) error
	results map[string]computed // of the oracle, which is slow
}

type computed struct {
	rows    []float16.Float16
	stripes []byte
}

func newFakeTuner(ms func(tuning.Tuning) (float64, float64)) *fakeTuner {
	f := &fakeTuner{fake: newFake(), ms: ms, misdeed: func(tuning.Tuning, *attention.Outputs) error { return nil }, results: map[string]computed{}}
	r := &f.reports[0]
	r.Limits.MaxGroups, r.Limits.MaxGroupSize, r.Limits.MaxInvocations, r.Limits.PushConstants = [3]uint32{65535, 65535, 65535}, [3]uint32{1024, 1024, 64}, 1024, 128
	r.Subgroup.Shuffle, r.Subgroup.ComputeStage, r.Subgroup.SizeControl = true, true, true
	return f
}

func (f *fakeTuner) open(vk.Options, attention.Options) (session, error) { return f, nil }

func (f *fakeTuner) plan(p attention.Problem, o attention.PlanOptions) (*attention.Plan, error) {
	plan, err := attention.NewPlan(f.report(), p, o)
	if err == nil {
		f.plans[plan] = p
	}
	return plan, err
}

func (f *fakeTuner) run(ctx context.Context, plan *attention.Plan, in attention.Inputs, out attention.Outputs, o attention.RunOptions) (attention.Stats, error) {
	key := plan.Asked.String()
	if f.results[key].rows == nil {
		if _, err := f.fake.run(ctx, plan, in, out, o); err != nil {
			return attention.Stats{}, err
		}
		f.results[key] = computed{slices.Clone(out.O.Host), slices.Clone(out.Stripes)}
	}
	copy(out.O.Host, f.results[key].rows)
	copy(out.Stripes, f.results[key].stripes)
	f.runs++
	stats := attention.Stats{Mode: plan.Mode, Tier: plan.Tier}
	attend, identify := f.ms(plan.Tuning)
	stats.TimeMS.Attention, stats.TimeMS.Identify = attend, identify
	stats.TimeMS.Total = attend + identify
	return stats, errors.Join(ctx.Err(), f.misdeed(plan.Tuning, &out))
}

// tuneArgs is a sweep that the oracle can follow.
func tuneArgs(more ...string) []string {
	return append([]string{"bench", "--tune", "--json", "--seq", "96", "--block", "16", "--step", "1", "--head-dim", "16", "--heads", "1", "-r", "2"}, more...)
}

// tuned runs a sweep and returns its trials.
func tuned(t *testing.T, f *fakeTuner, dir string, args ...string) []trialRecord {
	t.Helper()
	code, stdout, stderr := invoke(f, []string{"ANCHORVK_CACHE_DIR=" + dir}, args...)
	require.Equal(t, exitOK, code, stderr)
	var doc struct {
		Schema  int           `json:"schema"`
		Results []trialRecord `json:"results"`
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	require.Equal(t, 1, doc.Schema)
	return doc.Results
}

// stored are the overrides that the program would take.
func stored(t *testing.T, f *fakeTuner, dir string) []tuning.Rule {
	t.Helper()
	a := &app{env: environment{"ANCHORVK_CACHE_DIR=" + dir}, backend: f}
	store, err := a.tuningStore()
	require.NoError(t, err)
	choices, warnings := store.Load(f.report())
	require.Empty(t, warnings)
	return choices
}

// rowsLike gives times that are lowest at so many rows and keys.
func rowsLike(rows, keys, identifyRows int) func(tuning.Tuning) (float64, float64) {
	away := func(n, best int) float64 { return math.Abs(math.Log2(float64(n) / float64(best))) }
	return func(t tuning.Tuning) (float64, float64) {
		return 10 + 3*away(t.Attend.Rows, rows) + 2*away(t.Attend.Keys, keys), 5 + away(t.Identify.Rows, identifyRows)
	}
}
