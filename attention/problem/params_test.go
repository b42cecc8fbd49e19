package problem_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDefaultParamsAreThePapers(t *testing.T) {
	p := problem.DefaultParams()
	require.NoError(t, p.Validate())
	assert.Equal(t, problem.Params{Theta: 12, Step: 16, Block: 128, SinkBlocks: 1, WindowBlocks: 1}, p)
	assert.Equal(t, 2048, p.Group())
	assert.Equal(t, 128, p.Sink())
	assert.Equal(t, 128, p.Window())
	assert.Equal(t, 0.125, p.ScaleFor(64))
}

func TestParamsValidate(t *testing.T) {
	for name, c := range map[string]struct {
		field  string
		change func(p *problem.Params)
	}{
		"NaN theta":        {"Params.Theta", func(p *problem.Params) { p.Theta = math.NaN() }},
		"step 0":           {"Params.Step", func(p *problem.Params) { p.Step = 0 }},
		"huge step":        {"Params.Step", func(p *problem.Params) { p.Step = math.MaxInt }},
		"block 0":          {"Params.Block", func(p *problem.Params) { p.Block = 0 }},
		"block -16":        {"Params.Block", func(p *problem.Params) { p.Block = -16 }},
		"block 24":         {"Params.Block", func(p *problem.Params) { p.Block = 24 }},
		"negative sink":    {"Params.SinkBlocks", func(p *problem.Params) { p.SinkBlocks = -1 }},
		"huge sink":        {"Params.SinkBlocks", func(p *problem.Params) { p.SinkBlocks = math.MaxInt32 }},
		"negative window":  {"Params.WindowBlocks", func(p *problem.Params) { p.WindowBlocks = -1 }},
		"huge window":      {"Params.WindowBlocks", func(p *problem.Params) { p.WindowBlocks = math.MaxInt32 }},
		"NaN scale":        {"Params.Scale", func(p *problem.Params) { p.Scale = math.NaN() }},
		"infinite scale":   {"Params.Scale", func(p *problem.Params) { p.Scale = math.Inf(1) }},
		"scale over fp32":  {"Params.Scale", func(p *problem.Params) { p.Scale = 3e38 }},
		"scale below fp32": {"Params.Scale", func(p *problem.Params) { p.Scale = 1e-40 }},
		"negative scale":   {"Params.Scale", func(p *problem.Params) { p.Scale = -1 }},
	} {
		t.Run(name, func(t *testing.T) {
			p := problem.DefaultParams()
			c.change(&p)
			attentest.RequireArgument(t, p.Validate(), c.field)
		})
	}
	for name, change := range map[string]func(p *problem.Params){
		"+Inf theta":         func(p *problem.Params) { p.Theta = math.Inf(1) },
		"-Inf theta":         func(p *problem.Params) { p.Theta = math.Inf(-1) },
		"negative theta":     func(p *problem.Params) { p.Theta = -3 },
		"no sink, no window": func(p *problem.Params) { p.SinkBlocks, p.WindowBlocks = 0, 0 },
		"tiny scale":         func(p *problem.Params) { p.Scale = 1e-37 },
		"block 16, step 1":   func(p *problem.Params) { p.Block, p.Step = 16, 1 },
	} {
		p := problem.DefaultParams()
		change(&p)
		assert.NoError(t, p.Validate(), name)
	}
}

func TestErrorsAreSentences(t *testing.T) {
	p := problem.DefaultParams()
	p.Block = 24
	assert.EqualError(t, p.Validate(), "attention: Params.Block is 24; use a positive multiple of 16, such as 128")
}

func TestModeNames(t *testing.T) {
	for _, m := range []problem.Mode{problem.ModeAnchor, problem.ModeDense} {
		require.NoError(t, m.Validate())
		parsed, err := problem.ParseMode(m.String())
		require.NoError(t, err)
		assert.Equal(t, m, parsed)
		text, err := json.Marshal(m)
		require.NoError(t, err)
		assert.Equal(t, `"`+m.String()+`"`, string(text))
		var back problem.Mode = -1
		require.NoError(t, json.Unmarshal(text, &back))
		assert.Equal(t, m, back)
	}
	_, err := problem.ParseMode("sparse")
	attentest.RequireArgument(t, err, "Mode")
	attentest.RequireArgument(t, problem.Mode(9).Validate(), "Mode")
	_, err = json.Marshal(problem.Mode(9))
	require.Error(t, err)
	assert.Equal(t, "Mode(9)", problem.Mode(9).String())
}
