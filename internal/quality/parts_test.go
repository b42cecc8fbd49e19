package quality

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/rivals"
)

// everyPart are parameters that give each part of an input of a few hundred
// rows some pairs.
func everyPart() attention.Params {
	return attention.Params{
		Theta: 12, Step: 2, Block: 16, SinkBlocks: 1, WindowBlocks: 1, Tail: 20,
		Sample: attention.Sample{Stride: 4, Weight: 4, Part: 2},
		Guard:  attention.Guard{Stride: 4, Peak: 0.05, Limit: 0.2, Look: 4},
	}
}

// With a row of every group the parts are those of all rows, whichever rows are
// sampled, and add up to what the oracle counts.
func TestPartsAreThoseOfTheOracle(t *testing.T) {
	in := random(shape)
	settings := []Setting{
		{Name: "all", Params: everyPart()},
		{Name: "pooled", Params: small},
		{Name: "anchor only", Params: everyPart(), Own: attention.Head{Mode: attention.HeadAnchorOnly}},
		{Name: "dense", Params: everyPart(), Own: attention.Head{Mode: attention.HeadDense}},
		method(t, rivals.ExactTopK(), 8),
	}
	for _, rows := range []int{9, shape.QLen} {
		e, err := NewEvaluator(in, settings, rows)
		require.NoError(t, err)
		for b := range shape.Batch {
			for h := range shape.Heads {
				got, err := e.Head(context.Background(), 1, b, h)
				require.NoError(t, err)
				for i, s := range settings[:4] {
					o, err := oracle.New(shape, s.ParamsFor(in.Capture), in.Q, in.K, in.V)
					require.NoError(t, err)
					var want oracle.Counts
					for g := o.FirstGroup(); g < o.Groups(); g++ {
						want = want.Add(o.Counts(h, g, o.Select(b, h, g).Kept))
					}
					require.Equal(t, want.ComputedRatio(), got[i].ComputedRatio, s.Name)
					require.InDelta(t, got[i].ComputedRatio, got[i].Parts.Total(), 1e-12, s.Name)
				}
				p := got[0].Parts
				for name, share := range map[string]float64{"sink": p.Sink, "window": p.Window, "group": p.Group, "stripes": p.Stripes, "guard": p.Guard, "tail": p.Tail} {
					require.Positive(t, share, name)
				}
				require.Zero(t, p.Dense)
				require.Positive(t, got[0].LookRatio)
				require.Less(t, got[0].LookRatio, got[0].SelectionRatio)
				require.Zero(t, got[1].LookRatio)
				require.Zero(t, got[2].Parts.Stripes+got[2].Parts.Guard)
				require.Equal(t, oracle.Parts{Dense: 1}, *got[3].Parts)
				require.Nil(t, got[4].Parts, "a rival has none")
			}
		}
	}
}

// Where few groups are looked at the rest is estimated, and the tail, in which
// no row is sampled, is counted all the same.
func TestPartsOfGroupsThatNoRowIsIn(t *testing.T) {
	s := attention.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 1500, KVLen: 1500, HeadDim: 8}
	in := random(s)
	p := everyPart()
	all := evaluate(t, in, 0, 0, Setting{Params: p})[0]
	e, err := NewEvaluator(in, []Setting{{Params: p}}, 12)
	require.NoError(t, err)
	for _, at := range e.rows {
		require.Less(t, at, s.KVLen-p.Tail)
	}
	few, err := e.Head(context.Background(), attention.Params{}.ScaleFor(s.HeadDim), 0, 0)
	require.NoError(t, err)
	got, want := few[0].Parts, all.Parts
	require.InDelta(t, few[0].ComputedRatio, got.Total(), 1e-12)
	require.Equal(t, [3]float64{want.Sink, want.Window, want.Group}, [3]float64{got.Sink, got.Window, got.Group}, "known without a look")
	require.InEpsilon(t, want.Tail, got.Tail, 0.25)
	require.InEpsilon(t, want.Stripes+want.Guard, got.Stripes+got.Guard, 0.2)

	// A single row, before the first candidates.
	s = attention.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 90, KVLen: 90, HeadDim: 8}
	e, err = NewEvaluator(random(s), []Setting{{Params: p}}, 1)
	require.NoError(t, err)
	require.Equal(t, []int{45}, e.rows)
	one, err := e.Head(context.Background(), 1, 0, 0)
	require.NoError(t, err)
	require.Positive(t, one[0].Parts.Stripes+one[0].Parts.Guard)
	require.InDelta(t, one[0].ComputedRatio, one[0].Parts.Total(), 1e-12)
}
