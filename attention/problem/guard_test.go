package problem_test

import (
	"math"
	"testing"

	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBadGuardsAndTails(t *testing.T) {
	safe, err := problem.Preset("safe")
	require.NoError(t, err)
	for _, bad := range []struct {
		field  string
		change func(*problem.Params)
	}{
		{"Params.Tail", func(p *problem.Params) { p.Tail = -1 }},
		{"Params.Guard.Stride", func(p *problem.Params) { p.Guard.Stride = -32 }},
		{"Params.Guard.Stride", func(p *problem.Params) { p.Guard.Stride = 32 }},
		{"Params.Guard.Stride", func(p *problem.Params) { p.Guard.Stride = 0 }},
		{"Params.Guard.Peak", func(p *problem.Params) { p.Guard.Peak = math.NaN() }},
		{"Params.Guard.Limit", func(p *problem.Params) { p.Guard.Limit = 1.5 }},
		{"Params.Guard.Look", func(p *problem.Params) { p.Guard.Look = -1 }},
		{"Params.Guard.Look", func(p *problem.Params) { p.Guard.Look = 16 }},
		{"Params.Sample.Stride", func(p *problem.Params) { p.Sample.Stride = -1 }},
		{"Params.Sample.Stride", func(p *problem.Params) { p.Sample.Stride = 0 }},
		{"Params.Sample.Weight", func(p *problem.Params) { p.Sample.Weight = 0 }},
		{"Params.Sample.Weight", func(p *problem.Params) { p.Sample.Weight = math.Inf(1) }},
		{"Params.Sample.Weight", func(p *problem.Params) { p.Sample.Weight = math.NaN() }},
		{"Params.Sample.Part", func(p *problem.Params) { p.Sample.Part = 65 }},
		{"Params.Sample.Part", func(p *problem.Params) { p.Sample.Part = -1 }},
		{"Params.Heads[0].Weight", func(p *problem.Params) { p.Heads = []problem.Head{{Mode: problem.HeadAnchor, Theta: 10, Weight: 1}} }},
		{"Params.Heads[0].Weight", func(p *problem.Params) { p.Heads = []problem.Head{{Mode: problem.HeadAnchor, Weight: -1}} }},
		{"Params.Heads[0].Weight", func(p *problem.Params) { p.Heads = []problem.Head{{Mode: problem.HeadDense, Weight: 1}} }},
		{"Params.Heads[0].Weight", func(p *problem.Params) {
			p.Sample, p.Heads = problem.Sample{}, []problem.Head{{Mode: problem.HeadAnchor, Weight: 1}}
		}},
	} {
		p := safe
		bad.change(&p)
		var refused *problem.ArgumentError
		require.ErrorAs(t, p.Validate(), &refused, bad.field)
		assert.Equal(t, bad.field, refused.Field)
	}
	p := safe
	p.Guard = problem.Guard{}
	require.NoError(t, p.Validate(), "sampled rows need no guard")
	p = safe
	p.Sample = problem.Sample{}
	require.NoError(t, p.Validate(), "a guard needs no sampled rows that choose")
	p = safe
	p.Heads = []problem.Head{{Mode: problem.HeadAnchor, Weight: 1}, {Mode: problem.HeadAnchor, Theta: math.Inf(1)}, {Mode: problem.HeadAnchor, Theta: 10}}
	require.NoError(t, p.Validate())
	for _, name := range problem.Presets() {
		p, err := problem.Preset(name)
		require.NoError(t, err)
		require.NoError(t, p.Validate())
	}
	_, err = problem.Preset("fast")
	require.ErrorContains(t, err, "lean, paper, safe")
	paper, err := problem.Preset("paper")
	require.NoError(t, err)
	require.Equal(t, problem.DefaultParams(), paper)
}
