package quality

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/attention/profile"
	"github.com/anchorvk/anchorvk/internal/rivals"
)

// small parameters, so that a short input has candidates.
var small = attention.Params{Theta: 4, Step: 2, Block: 16, SinkBlocks: 1, WindowBlocks: 1}

// random is an input whose rows look sharply at few keys.
func random(s attention.Shape) Input {
	r := rand.New(rand.NewPCG(3, 4))
	noise := func(heads, seq int, scale float64) attention.Tensor {
		data := make([]float16.Float16, s.Batch*heads*seq*s.HeadDim)
		for i := range data {
			data[i] = float16.Fromfloat32(float32(r.NormFloat64() * scale))
		}
		return attention.HostBHSD(data, s.Batch, heads, seq, s.HeadDim)
	}
	return Input{Capture: Capture{Layer: 5, Heads: []int{6, 7}[:s.Heads], Shape: s}, Q: noise(s.Heads, s.QLen, 2), K: noise(s.KVHeads, s.KVLen, 2), V: noise(s.KVHeads, s.KVLen, 1)}
}

var shape = attention.Shape{Batch: 2, Heads: 2, KVHeads: 1, QLen: 150, KVLen: 210, HeadDim: 8}

func evaluate(t *testing.T, in Input, batch, head int, settings ...Setting) []Measures {
	t.Helper()
	e, err := NewEvaluator(in, settings, in.Shape.QLen)
	require.NoError(t, err)
	require.Equal(t, in.Shape.QLen, e.Rows())
	m, err := e.Head(context.Background(), attention.Params{}.ScaleFor(in.Shape.HeadDim), batch, head)
	require.NoError(t, err)
	return m
}

// Every measure of AnchorAttention is what the float64 oracle says, when all
// rows are sampled.
func TestMeasuresAgreeWithTheOracle(t *testing.T) {
	in := random(shape)
	guarded := small
	guarded.Tail, guarded.Guard = 20, attention.Guard{Stride: 4, Peak: 0.01, Limit: 0.15}
	narrow := guarded
	narrow.Theta, narrow.Step = 1, 3
	settings := []Setting{
		{Name: "plain", Params: small},
		{Name: "guarded", Params: guarded},
		{Name: "narrow", Params: narrow},
		{Name: "anchor only", Params: guarded, Own: attention.Head{Mode: attention.HeadAnchorOnly}},
		{Name: "own theta", Params: guarded, Own: attention.Head{Mode: attention.HeadAnchor, Theta: 2}},
		{Name: "dense", Params: guarded, Own: attention.Head{Mode: attention.HeadDense}},
		{Name: "profile", Params: guarded, Profile: &profile.Profile{Preset: "safe", Heads: []profile.Head{
			{Layer: 4, Head: 6, Own: attention.Head{Mode: attention.HeadAnchorOnly}},
			{Layer: 5, Head: 7, Own: attention.Head{Mode: attention.HeadDense}},
		}}},
	}
	require.Equal(t, []attention.Head{{}, {Mode: attention.HeadDense}}, settings[6].ParamsFor(in.Capture).Heads)
	someGuarded := false
	for batch := range shape.Batch {
		for head := range shape.Heads {
			got := evaluate(t, in, batch, head, settings...)
			for i, s := range settings {
				o, err := oracle.New(shape, s.ParamsFor(in.Capture), in.Q, in.K, in.V)
				require.NoError(t, err)
				want := byOracle(o, batch, head)
				require.InDelta(t, want.RecallMass, got[i].RecallMass, 1e-5, s.Name)
				require.InDelta(t, want.PeakedMiss, got[i].PeakedMiss, 1e-4, s.Name)
				require.InDelta(t, want.RelL2, got[i].RelL2, 1e-5, s.Name)
				require.Equal(t, want.ComputedRatio, got[i].ComputedRatio, s.Name)
				require.Equal(t, want.GuardedRatio, got[i].GuardedRatio, s.Name)
				someGuarded = someGuarded || want.GuardedRatio > 0 && want.GuardedRatio < 1
			}
			require.Equal(t, 0.0, got[5].RelL2)
			require.Equal(t, 1.0, got[5].RecallMass)
		}
	}
	require.True(t, someGuarded, "the guard decides both ways")
}

// byOracle measures a head with the oracle alone.
func byOracle(o *oracle.Oracle, b, h int) Measures {
	var m Measures
	var counts oracle.Counts
	var out, dense []float64
	groups := 0.0
	for g := o.FirstGroup(); g < o.Groups(); g++ {
		kept := o.Select(b, h, g)
		counts = counts.Add(o.Counts(h, g, kept.Kept))
		if lo, hi := o.Candidates(g); lo < hi && !o.Params.Head(h).IsDense() {
			groups++
			if kept.Guarded {
				m.GuardedRatio++
			}
		}
		first, last := o.GroupRows(g)
		for row := first; row < last; row++ {
			m.RecallMass += o.RecallMass(b, h, row, kept.Kept)[0] / float64(o.Shape.QLen)
			x, y := make([]float64, o.Shape.HeadDim), make([]float64, o.Shape.HeadDim)
			o.AnchorRow(b, h, row, kept.Kept, x)
			lse := o.DenseRow(b, h, row, y)
			out, dense = append(out, x...), append(dense, y...)
			if o.InTail(row) || o.Params.Head(h).IsDense() {
				continue
			}
			lo, hi := o.Candidates(g)
			for j := lo; j < hi; j++ {
				score := 0.0
				for d, q := range o.Q.At(b, h, row) {
					score += float64(q.Float32()) * float64(o.K.At(b, o.Shape.KVHead(h), j)[d].Float32())
				}
				if p := math.Exp(score*o.Params.ScaleFor(o.Shape.HeadDim) - lse); !kept.Kept[j] && p >= Peak {
					m.PeakedMiss += p / float64(o.Shape.QLen)
				}
			}
		}
	}
	if groups > 0 {
		m.GuardedRatio /= groups
	}
	m.RelL2, m.ComputedRatio = oracle.RelL2(out, dense), counts.ComputedRatio()
	return m
}

// What the choice costs: 0.5 pairs for each block and candidate, and for each
// sampled row and candidate in two sweeps.
func TestSelectionRatio(t *testing.T) {
	s := attention.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 96, KVLen: 96, HeadDim: 8}
	guarded := small
	guarded.Guard = attention.Guard{Stride: 16, Peak: 0.01, Limit: 0.5}
	got := evaluate(t, random(s), 0, 0, Setting{Params: small}, Setting{Params: guarded})
	// Groups of 32 from 0, 32 and 64; the last has candidates 16 to 48.
	pooled := 2 * 32 / 2.0
	require.InDelta(t, pooled/(96*97/2), got[0].SelectionRatio, 1e-12)
	require.InDelta(t, (pooled+2*(32+32)/2)/(96*97/2), got[1].SelectionRatio, 1e-12)
}

func method(t *testing.T, m rivals.Method, knob float64) Setting {
	t.Helper()
	return Setting{Name: m.Name, Method: &m, Knob: knob}
}

func TestLaws(t *testing.T) {
	in := random(shape)
	dense, anchorOnly := small, small
	dense.Theta, anchorOnly.Theta = math.Inf(1), math.Inf(-1)
	got := evaluate(t, in, 1, 1,
		Setting{Params: dense}, method(t, rivals.ExactMass(), 1), method(t, rivals.ExactTopK(), 1000),
		Setting{Params: anchorOnly}, method(t, rivals.Streaming(small.Sink(), small.Group()), float64(small.Window())))
	for _, m := range got[:3] {
		require.Equal(t, Measures{RecallMass: 1, ComputedRatio: 1}, Measures{RecallMass: m.RecallMass, PeakedMiss: m.PeakedMiss, RelL2: m.RelL2, ComputedRatio: m.ComputedRatio})
	}
	got[3].SelectionRatio = 0 // pooled scores that nothing compares
	require.InDelta(t, got[3].ComputedRatio, got[3].Parts.Total(), 1e-12)
	got[3].Parts = nil // which rivals do not have
	require.Equal(t, got[3], got[4], "streaming in steps of a group is anchor only")
	require.Less(t, got[4].RecallMass, 0.9)
}

// No choice of stripes has more recall than the best columns at the same share.
func TestExactColumnsAreABound(t *testing.T) {
	in := random(shape)
	sampled := small
	sampled.Sample = attention.Sample{Stride: 4, Weight: 1, Part: 1}
	settings := []Setting{{Params: small}, {Params: sampled}}
	for least := 1.0; least > 1e-6; least *= 0.9 {
		settings = append(settings, method(t, rivals.ExactColumns(small.Sink(), small.Window(), small.Group()), least))
	}
	got := evaluate(t, in, 0, 1, settings...)
	for _, anchor := range got[:2] {
		require.Greater(t, anchor.ComputedRatio, got[2].ComputedRatio)
		for i, columns := range got[2:] {
			if columns.ComputedRatio >= anchor.ComputedRatio {
				require.GreaterOrEqual(t, columns.RecallMass, anchor.RecallMass)
				require.Less(t, got[2+i-1].ComputedRatio, anchor.ComputedRatio, "as near as can be")
				break
			}
		}
		require.Greater(t, got[len(got)-1].ComputedRatio, anchor.ComputedRatio)
	}
}

// An oracle that computes every score pays half a pair for what it drops.
func TestScoresOfAllPairsAreCounted(t *testing.T) {
	got := evaluate(t, random(shape), 0, 0, method(t, rivals.ExactTopK(), 8))
	require.InDelta(t, (1-got[0].ComputedRatio)/2, got[0].SelectionRatio, 1e-12)
	require.InDelta(t, 8/135.5, got[0].ComputedRatio, 1e-6)
}

// With equal keys a block is attended exactly by its mean.
func TestMeansOfDroppedBlocks(t *testing.T) {
	in := random(shape)
	clear(in.K.Host)
	h := rivals.NewHead(shape, 1, in.Q, in.K, in.V, 0, 0)
	own := func(p int, _ []float32, kept []bool) {
		for j := p / 16 * 16; j <= p; j++ {
			kept[j] = true
		}
	}
	rows := []int{100, 111, 209}
	m, err := Measure(context.Background(), h, rows, []rivals.Choice{{Mark: own}, {Mark: own, MeanOf: 16}})
	require.NoError(t, err)
	require.Greater(t, m[0].RelL2, 0.5)
	require.Less(t, m[1].RelL2, 1e-5)
	require.InDelta(t, (5.+16+2)/(101+112+210), m[0].ComputedRatio, 1e-12)
	require.InDelta(t, (5.+16+2+6+6+13)/(101+112+210), m[1].ComputedRatio, 1e-12, "each mean is a pair")
}

func TestNaNIsShown(t *testing.T) {
	in := random(shape)
	in.V.Host[0] = float16.NaN()
	got := evaluate(t, in, 0, 0, Setting{Params: small})
	require.True(t, math.IsNaN(got[0].RelL2))
}

func TestSampleRows(t *testing.T) {
	s := attention.Shape{QLen: 100, KVLen: 130}
	require.Equal(t, []int{42, 67, 92, 117}, SampleRows(s, 4))
	all := SampleRows(s, 1000)
	require.Len(t, all, 100)
	require.Equal(t, []int{30, 129}, []int{all[0], all[99]})

	long := attention.Shape{QLen: 131072, KVLen: 131072}
	rows := SampleRows(long, 1024)
	require.Len(t, rows, 1024)
	require.Len(t, blocksOf(rows), 64)
	mean := 0.0
	for i, p := range rows {
		mean += float64(p) / 1024
		require.True(t, i == 0 || p > rows[i-1])
	}
	require.InDelta(t, 65536, mean, 150, "no end is preferred")
	require.Len(t, SampleRows(long, 10), 10)
}

func TestStopsWithItsContext(t *testing.T) {
	e, err := NewEvaluator(random(shape), []Setting{{Params: small}}, 10)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = e.Head(ctx, 1, 0, 0)
	require.ErrorIs(t, err, context.Canceled)
}

func TestCurvesFindTheKnobOfAShare(t *testing.T) {
	in := random(shape)
	methods := []rivals.Method{rivals.Streaming(16, 1), rivals.ExactTopK(), rivals.FlashPrefill(false)}
	methods[0].Grid = []float64{10, 50, 100, 210}
	c := NewCurves(methods)
	for head := range shape.Heads {
		require.NoError(t, c.Add(context.Background(), in, 1, 0, head, 4*shape.QLen))
	}
	knob := c.At(0, 0.6)
	require.Greater(t, knob, 50.0)
	require.Less(t, knob, 100.0)
	got := evaluate(t, in, 0, 0, method(t, methods[0], knob), method(t, methods[1], c.At(1, 0.6)))
	require.InDelta(t, 0.6, got[0].Share(), 0.02)
	require.InDelta(t, 0.6, got[1].ComputedRatio, 0.05, "an oracle's scores are left out")
	require.Equal(t, 10.0, c.At(0, 0.01), "the nearest end")
	require.Equal(t, 210.0, c.At(0, 2))
}

func TestSearchTakesTheCheapestThatMeetsTheTarget(t *testing.T) {
	options := []attention.Head{
		{Mode: attention.HeadAnchor, Theta: 8},
		{Mode: attention.HeadAnchor, Weight: 0.15},
		{Mode: attention.HeadAnchorOnly},
		{Mode: attention.HeadDense},
	}
	s, err := NewSearch(Target{"recall", 0.98}, "safe", options)
	require.NoError(t, err)
	measured := func(recalls ...float64) (m []Measures) {
		for i, r := range recalls {
			m = append(m, Measures{RecallMass: r, ComputedRatio: []float64{0.3, 0.4, 0.1, 1}[i]})
		}
		return m
	}
	s.Add(At{2, 1}, measured(0.97, 0.98, 0.5, 1))
	s.Add(At{2, 1}, measured(0.99, 0.995, 0.5, 1)) // the same head on another text
	s.Add(At{1, 7}, measured(0.99, 0.995, 0.985, 1))
	s.Add(At{2, 0}, measured(0.9, 0.95, 0.5, 1))
	s.Add(At{0, 3}, measured(0.98, 0.99, 0.5, 1))
	s.Add(At{5, 5}, measured(math.NaN(), math.NaN(), math.NaN(), math.NaN()))
	s.Add(At{6, 0}, []Measures{{RecallMass: 1, ComputedRatio: 1}, {RecallMass: 1, ComputedRatio: 1}, {RecallMass: 1, ComputedRatio: 1}, {RecallMass: 1, ComputedRatio: 1}})
	p, err := s.Profile("a model")
	require.NoError(t, err)
	text, err := p.Encode()
	require.NoError(t, err)
	require.JSONEq(t, `{"schema":1,"model":"a model","preset":"safe","heads":[
		{"layer":0,"head":3,"theta":8},
		{"layer":1,"head":7,"mode":"anchor_only"},
		{"layer":2,"head":0,"mode":"dense"},
		{"layer":5,"head":5,"mode":"dense"}]}`, string(text), "layer 2 head 1 does what the preset does, and layer 6 head 0 could not do better")

	miss, loss := Target{"miss", 0.02}, Target{"rel_l2", 0.03}
	require.True(t, loss.Met(Measures{RelL2: 0.03, PeakedMiss: 1}))
	require.False(t, loss.Met(Measures{RelL2: 0.031}))
	require.Equal(t, "rel_l2=0.03", loss.String())
	require.True(t, miss.Met(Measures{PeakedMiss: 0.02}))
	require.False(t, miss.Met(Measures{PeakedMiss: 0.021}))
	require.False(t, miss.Met(Measures{PeakedMiss: math.NaN()}))
}
