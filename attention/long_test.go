package attention

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/vk"
)

// longest is what README promises at head_dim 128 in bindings of 128 MiB.
const longest = 524_287

// longInputs are zero keys, except every odd one of a stretch, whose scores are
// far below the others', and values that are 1 in the first half and 0 in the
// second. Queries are ones.
func longInputs(s Shape, oddFrom, oddTo int) Inputs {
	in := Inputs{
		Q: HostBHSD(make([]float16.Float16, s.QLen*s.HeadDim), 1, 1, s.QLen, s.HeadDim),
		K: HostBHSD(make([]float16.Float16, s.KVLen*s.HeadDim), 1, 1, s.KVLen, s.HeadDim),
		V: HostBHSD(make([]float16.Float16, s.KVLen*s.HeadDim), 1, 1, s.KVLen, s.HeadDim),
	}
	one, low := attentest.Half(1), attentest.Half(-60)
	for i := range in.Q.Host {
		in.Q.Host[i] = one
	}
	for i := range s.KVLen / 2 * s.HeadDim {
		in.V.Host[i] = one
	}
	for j := oddFrom | 1; j < oddTo; j += 2 {
		for d := range s.HeadDim {
			in.K.Host[j*s.HeadDim+d] = low
		}
	}
	return in
}

// openPatientEngine is for tests that may keep a slow device busy for longer
// than the usual timeout.
func openPatientEngine(t *testing.T) *Engine {
	t.Helper()
	options, err := vk.OptionsFromEnv()
	require.NoError(t, err)
	options.Timeout = 10 * time.Minute
	device, err := vk.Open(options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, device.Close()) })
	e, err := NewEngine(device, Options{PoisonScratch: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// The last 64 rows of the longest sequence, on a device whose loops may end
// early (vk.Limits.LoopRounds): the log-sum-exp is the logarithm of the number
// of keys, and the output the share of those whose value is 1, both of which
// tell every key that is lost. In each way to attend them most keys come by the
// dense kernel, by sink and window, or by the search and as stripes, more of
// them than such a device goes round.
func TestLongestSequenceLosesNoKey(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute on a CPU")
	}
	e := openPatientEngine(t)
	const rows, enough = 64, 131_070
	last := longest - rows // the first row's position
	for _, dim := range []int{16, 128} {
		shape := Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: rows, KVLen: longest, HeadDim: dim}
		for _, c := range []struct {
			name        string
			mode        Mode
			params      Params
			only        int                       // the one dimension it is for, or 0
			oddFrom, to int                       // odd keys of this stretch weigh nothing
			attended    func(position int) [2]int // keys with any weight, and those of them in the first half
		}{
			{"dense", ModeDense, DefaultParams(), 0, 0, 0, func(p int) [2]int { return [2]int{p + 1, longest / 2} }},
			// Everything between a sink and a window of 16 keys is searched, and kept.
			{
				"stripes", ModeAnchor,
				Params{Theta: 1, Step: 4, Block: 16, SinkBlocks: 1, WindowBlocks: 1},
				0, 0, 0,
				func(p int) [2]int { return [2]int{p + 1, longest / 2} },
			},
			// Odd keys are searched, and dropped: more than the limit are kept.
			{
				"some stripes", ModeAnchor,
				Params{Theta: 1, Step: 4, Block: 16, SinkBlocks: 1, WindowBlocks: 1},
				16, 16, longest - 1000,
				func(p int) [2]int {
					odd := func(from, to int) int { return to/2 - from/2 }
					return [2]int{p + 1 - odd(16, longest-1000), longest/2 - odd(16, longest/2)}
				},
			},
			// A sink, a window and stripes of more keys than the limit each.
			{
				"sink, window and stripes", ModeAnchor,
				Params{Theta: math.Inf(1), Step: 4, Block: 16, SinkBlocks: 9_000, WindowBlocks: 9_000},
				0, 0, 0,
				func(p int) [2]int { return [2]int{p + 1, longest / 2} },
			},
			// The same without stripes.
			{
				"sink and window", ModeAnchor,
				Params{Theta: math.Inf(-1), Step: 4, Block: 16, SinkBlocks: 9_000, WindowBlocks: 9_000},
				16, 0, 0,
				func(p int) [2]int {
					window := p/64*64 - 9_000*16
					return [2]int{9_000*16 + p + 1 - window, 9_000 * 16}
				},
			},
		} {
			if c.only != 0 && c.only != dim || dim == 128 && e.device.Report().Limits.LoopRounds == 0 {
				continue // of devices that go round as often as they are asked, less will do
			}
			t.Run(fmt.Sprintf("head_dim %d/%s", dim, c.name), func(t *testing.T) {
				require.Greater(t, 9_000*16, enough)
				plan, err := e.Plan(Problem{Shape: shape, Mode: c.mode, Params: c.params}, PlanOptions{NoFallback: true})
				require.NoError(t, err)
				out := outputFor(shape)
				_, err = e.Run(t.Context(), plan, longInputs(shape, c.oddFrom, c.to), out)
				require.NoError(t, err)
				for i := range rows {
					n := c.attended(last + i)
					require.Greater(t, n[0], enough)
					if !attentest.Near(math.Log(float64(n[0])), out.LSE[i], 3e-6) {
						t.Fatalf("log-sum-exp of row %d: exp of it is %.0f keys, want %d", i, math.Exp(float64(out.LSE[i])), n[0])
					}
					share := float64(n[1]) / float64(n[0])
					for _, x := range out.O.At(0, 0, i) {
						if !attentest.Near(share, x.Float32(), share/1000) {
							t.Fatalf("output of row %d is %v, want %v", i, x, share)
						}
					}
				}
			})
		}
	}
}
