package tuning

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/anchorvk/anchorvk/internal/testreports"
)

func TestParse(t *testing.T) {
	got, err := Parse("PlanOptions.Tuning", "rows=32, keys=16,identify.rows=8,identify.local=64,way=uint,subgroup_size=64,subgroups=2")
	require.NoError(t, err)
	assert.Equal(t, Choice{
		Way: wayUint, SubgroupSize: 64,
		Attend: ShapeChoice{Rows: 32, Keys: 16, Subgroups: 2}, Identify: ShapeChoice{Rows: 8, Local: 64},
	}, got)
	for _, bad := range []string{
		"fast", "rows", "rows=", "rows=0", "rows=-1", "rows=two", "columns=3", "way=swift", "identify.way=uint", "rows=2,,", "local=64,subgroups=2", "rows=99999999999",
		"rows=16,matrix=16x16,keys=16", "matrix=16x8x16x1", "matrix=16xax16", "matrix=16x0x16", "matrix=big",
	} {
		_, err := Parse("PlanOptions.Tuning", bad)
		var argument *problem.ArgumentError
		require.ErrorAs(t, err, &argument, bad)
		require.Equal(t, "PlanOptions.Tuning", argument.Field)
		require.NotEmpty(t, argument.Try)
	}
}

// Later rules go before earlier ones, those before the table, and only those
// for the tier and head dimension count.
func TestRulesStack(t *testing.T) {
	r := testreports.Fake("discrete")
	choose := func(rules ...Rule) Chosen {
		chosen, err := Choose(r, Request{Tier: "scalar", HeadDim: 64, Rules: rules})
		require.NoError(t, err)
		require.Equal(t, TierScalar, chosen.Tier)
		return chosen
	}
	table := choose()
	assert.Equal(t, "table gpu-scalar", table.Tuning.From)
	assert.Empty(t, table.LeftOut)

	stored := Rule{
		When:   Only(TierScalar, 64),
		Choice: Choice{Way: wayHalf, Attend: ShapeChoice{Local: 64, Lanes: 1, Rows: 4, Keys: 8}}, From: "stored", Why: "faster",
	}
	c := choose(stored)
	assert.Equal(t, KernelShape{Local: 64, Lanes: 1, Rows: 4, Keys: 8}, c.Tuning.Attend)
	assert.Equal(t, table.Tuning.Identify, c.Tuning.Identify, "the search keeps the table's shape")
	assert.Equal(t, "half, stored: faster", c.Tuning.Way.String()+", "+c.Tuning.From+": "+c.Tuning.Why)

	c = choose(stored, Rule{Choice: Choice{Attend: ShapeChoice{Keys: 2}}, From: "env"})
	assert.Equal(t, KernelShape{Local: 64, Lanes: 1, Rows: 4, Keys: 2}, c.Tuning.Attend)
	assert.Equal(t, "env", c.Tuning.From)

	for _, when := range []When{{Tiers: []Tier{TierUnpack}}, {HeadDim: Span{128, 128}}, {Architectures: []Architecture{"nvidia*"}}} {
		assert.Equal(t, table, choose(Rule{When: when, Choice: stored.Choice}))
	}

	impossible := stored
	impossible.Choice.Way, impossible.Choice.Attend.Lanes = wayUint, 64
	c = choose(impossible)
	assert.Equal(t, table.Tuning.Attend, c.Tuning.Attend)
	assert.Contains(t, c.Tuning.Why, "; stored is left out: 64 lanes")
	require.Len(t, c.LeftOut, 1)
	assert.Equal(t, "stored", c.LeftOut[0].From)
	assert.Equal(t, stored.Choice.Attend.Rows, choose(impossible, stored).Tuning.Attend.Rows, "what is left out does not disturb the next")
	for _, wrong := range []Choice{{Way: wayAddress}, {Way: wayHalf}, {Way: wayRows}, {SubgroupSize: 64}, {Attend: ShapeChoice{Keys: 3}}, {Attend: ShapeChoice{Local: 4096}}} {
		require.Len(t, choose(Rule{Choice: wrong, From: "env"}).LeftOut, 1, "%+v", wrong)
	}
	for _, keys := range []int{-16, 8, 24} {
		require.Contains(t, choose(Rule{Choice: Choice{Range: keys}, From: "env"}).Tuning.Why, "no multiple of 16")
	}
}

// Numbers that no device could have are left out, whatever they would come to:
// rules are read from files too.
func TestSenselessRulesAreLeftOut(t *testing.T) {
	r := testreports.Fake("discrete")
	for _, wrong := range []Choice{
		{Attend: ShapeChoice{Rows: 1 << 59}},
		{Identify: ShapeChoice{Local: math.MaxInt}},
		{Attend: ShapeChoice{Keys: math.MinInt}},
		{Range: 1 << 40},
		{SubgroupSize: -2},
		{Matrix: MatrixShape{M: 1 << 40}},
	} {
		chosen, err := Choose(r, Request{Tier: TierUnpack, HeadDim: 16, Rules: []Rule{{Choice: wrong, From: "a file"}}})
		require.NoError(t, err)
		require.Len(t, chosen.LeftOut, 1, "%+v", wrong)
	}
}

// A number that is asked for replaces the bound with which the table fits its own.
func TestChoicesReplaceBounds(t *testing.T) {
	r := testreports.MatrixGPUs()["Intel DG2"]
	choose := func(c Choice) Chosen {
		chosen, err := Choose(r, Request{Tier: TierCoop, HeadDim: 256, Rules: []Rule{{Choice: c, From: "env"}}})
		require.NoError(t, err)
		return chosen
	}
	table := choose(Choice{SubgroupSize: 8}).Tuning
	require.Equal(t, 16, table.Attend.Slices)
	require.Equal(t, 16, table.Attend.Keys)
	less := choose(Choice{Attend: ShapeChoice{Slices: 8, Subgroups: 8}})
	require.Empty(t, less.LeftOut)
	require.Equal(t, 8, less.Tuning.Attend.Slices)
}

// A tuning as a choice gives it again, and its neighbours are legal, differ
// from it, and are there.
func TestNeighbours(t *testing.T) {
	most := 0
	for name, r := range testreports.Recorded() {
		for _, tier := range Order() {
			for _, dim := range []int{8, 64, 80, 128, 256} {
				q := Request{Tier: tier, HeadDim: dim}
				chosen, err := Choose(r, q)
				if err != nil {
					continue
				}
				start := chosen.Tuning
				q.Rules = []Rule{{Choice: start.Choice(tier), From: start.From, Why: start.Why}}
				again, err := Choose(r, q)
				require.NoError(t, err, "%s %s %d", name, tier, dim)
				require.Equal(t, chosen, again)
				for _, kernels := range []string{Attend, Identify} {
					all := Neighbours(r, tier, dim, start.Choice(tier), kernels)
					require.NotEmpty(t, all, "%s %s %d", name, tier, dim)
					most = max(most, len(all))
					for _, c := range all {
						q.Rules = []Rule{{Choice: c, From: "a neighbour"}}
						next, err := Choose(r, q)
						require.NoError(t, err)
						require.Equal(t, "a neighbour", next.Tuning.From, next.LeftOut)
						require.NotEqual(t, start.Choice(tier), next.Tuning.Choice(tier))
						require.Equal(t, kernels == Attend, next.Tuning.Identify == start.Identify || next.Tuning.Subgroup != start.Subgroup)
					}
				}
			}
		}
	}
	require.Greater(t, most, 5)
}
