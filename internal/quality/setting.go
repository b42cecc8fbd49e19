package quality

import (
	"context"
	"errors"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/attention/profile"
	"github.com/anchorvk/anchorvk/internal/rivals"
)

// Setting is one thing to measure: AnchorAttention with parameters, or a method
// of internal/rivals with its knob.
type Setting struct {
	Name   string
	Params attention.Params // where Method is nil; without Heads
	Own    attention.Head   // of every head that Profile does not name
	// Profile says what single heads have of their own; nil for nothing.
	Profile *profile.Profile
	Method  *rivals.Method
	Knob    float64
}

// ParamsFor are the parameters of a call on a capture's heads.
func (s Setting) ParamsFor(c Capture) attention.Params {
	p := s.Params
	if s.Own == (attention.Head{}) && s.Profile == nil {
		return p
	}
	p.Heads = make([]attention.Head, len(c.Heads))
	for i := range p.Heads {
		p.Heads[i] = s.HeadOf(c, i)
	}
	return p
}

// HeadOf is what the i-th query head of a capture has of its own.
func (s Setting) HeadOf(c Capture, i int) attention.Head {
	if s.Profile != nil {
		for _, h := range s.Profile.Heads {
			if h.Layer == c.Layer && h.Head == c.Heads[i] {
				return h.Own
			}
		}
	}
	return s.Own
}

// Input is a capture in host memory.
type Input struct {
	Capture
	Q, K, V attention.Tensor
}

// maxBlocks is how many query blocks of 128 rows have sampled rows: methods
// analyse whole blocks, so that more would cost too much on long inputs.
const maxBlocks = 64

// queryBlock is the unit in which rows are sampled.
const queryBlock = 128

// SampleRows returns the positions of about n rows, in ascending order, evenly
// spread with the same distance to both ends: means over them estimate means
// over all rows. They lie in at most 64 blocks of 128 rows.
func SampleRows(s attention.Shape, n int) []int {
	n = min(n, s.QLen)
	if s.QLen <= maxBlocks*queryBlock || n <= maxBlocks {
		return spread(s.Prefix(), s.QLen, n)
	}
	var rows []int
	for _, middle := range spread(s.Prefix(), s.QLen, maxBlocks) {
		from := max(s.Prefix(), middle/queryBlock*queryBlock)
		to := min(s.KVLen, middle/queryBlock*queryBlock+queryBlock)
		rows = append(rows, spread(from, to-from, min(n/maxBlocks, to-from))...)
	}
	return rows
}

// spread returns n numbers of [from, from+length) in the middles of n parts.
func spread(from, length, n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = from + int((int64(2*i+1)*int64(length))/int64(2*n))
	}
	return all
}

// blocksOf returns the blocks of 128 positions that hold rows, each once.
func blocksOf(rows []int) []int {
	var blocks []int
	for _, p := range rows {
		if b := p / queryBlock; len(blocks) == 0 || blocks[len(blocks)-1] != b {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// Evaluator measures settings on the heads of one input.
type Evaluator struct {
	in       Input
	settings []Setting
	rows     []int
	oracles  []*oracle.Oracle // one a setting, nil for rivals; asked for numbers of keys only, which fills no cache
}

// NewEvaluator checks the settings against the input. Errors are
// [*attention.ArgumentError].
func NewEvaluator(in Input, settings []Setting, rows int) (*Evaluator, error) {
	e := &Evaluator{in: in, settings: settings, rows: SampleRows(in.Shape, rows), oracles: make([]*oracle.Oracle, len(settings))}
	for i, s := range settings {
		if s.Method != nil {
			continue
		}
		var err error
		if e.oracles[i], err = oracle.New(in.Shape, s.ParamsFor(in.Capture), in.Q, in.K, in.V); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// Rows is the number of rows sampled of each head.
func (e *Evaluator) Rows() int { return len(e.rows) }

// Head measures every setting on one query head.
func (e *Evaluator) Head(ctx context.Context, scale float64, batch, head int) ([]Measures, error) {
	h := rivals.NewHead(e.in.Shape, scale, e.in.Q, e.in.K, e.in.V, batch, head)
	choices := make([]rivals.Choice, len(e.settings))
	looks := e.looks()
	failed := make([]error, len(looks))
	err := parallel(ctx, len(looks), func(i int) {
		first := looks[i][0]
		if e.oracles[first] != nil {
			choices[first], failed[i] = e.anchor(ctx, e.oracles[first], batch, head)
			return
		}
		choose := e.settings[first].Method.Look(h, blocksOf(e.rows))
		for _, s := range looks[i] {
			choices[s] = choose(e.settings[s].Knob)
		}
	})
	if err = errors.Join(err, errors.Join(failed...)); err != nil {
		return nil, err
	}
	measured, err := Measure(ctx, h, e.rows, choices)
	if err != nil {
		return nil, err
	}
	for i, s := range e.settings {
		if s.Method != nil && s.Method.ScoresAll {
			measured[i].SelectionRatio += (1 - measured[i].ComputedRatio) / 2
		}
	}
	return measured, nil
}

// looks groups the settings that share an analysis: those of one rival.
func (e *Evaluator) looks() [][]int {
	var looks [][]int
	of := map[string]int{}
	for i, s := range e.settings {
		if s.Method != nil {
			if at, known := of[s.Method.Name]; known {
				looks[at] = append(looks[at], i)
				continue
			}
			of[s.Method.Name] = len(looks)
		}
		looks = append(looks, []int{i})
	}
	return looks
}

// anchor is AnchorAttention's choice as the oracle defines it.
func (e *Evaluator) anchor(ctx context.Context, o *oracle.Oracle, batch, head int) (rivals.Choice, error) {
	// One that is forgotten afterwards: it keeps a copy of the keys in float64.
	selector, err := oracle.New(o.Shape, o.Params, o.Q, o.K, o.V)
	if err != nil {
		return rivals.Choice{}, err
	}
	c := rivals.Choice{Selection: attention.SelectionPairs(o.Shape, o.Params, head)}
	prefix, own := o.Shape.Prefix(), o.Params.Head(head)
	kept, seen := map[int][]bool{}, map[int]oracle.Selection{}
	looked, looks := 0.0, 0.0 // pairs of second looks at the groups seen, and those that they would take at all of them
	look := func(g int) {
		if kept[g] != nil || own.IsDense() || ctx.Err() != nil {
			return
		}
		s := selector.Select(batch, head, g)
		kept[g], seen[g] = s.Kept, s
		if lo, hi := o.Candidates(g); lo < hi {
			c.Groups++
			looks += attention.LookPairs(o.Shape, o.Params, g)
			if s.Guarded {
				c.Guarded++
				looked += attention.LookPairs(o.Shape, o.Params, g)
			}
		}
	}
	for _, p := range e.rows {
		look(o.GroupOf(p - prefix))
	}
	if c.Groups == 0 { // few rows, all before the first candidates, say nothing of what is kept later
		look(o.Groups() - 1)
	}
	if looked > 0 { // groups that no evaluated row is in are taken to fail as often
		all := 0.0
		for g := o.FirstGroup(); g < o.Groups(); g++ {
			all += attention.LookPairs(o.Shape, o.Params, g)
		}
		c.Look = looked / looks * all
		c.Selection += c.Look
	}
	parts := partsOf(o, head, seen)
	c.Parts = &parts
	c.Mark = func(p int, _ []float32, row []bool) {
		if own.IsDense() || o.InTail(p-prefix) {
			for j := range row {
				row[j] = true
			}
			return
		}
		g := o.GroupOf(p - prefix)
		lo, hi := o.Candidates(g)
		copy(row, kept[g]) // the row's own part of what is kept
		for j := range row {
			row[j] = row[j] || j < lo || j >= hi
		}
	}
	return c, nil
}
