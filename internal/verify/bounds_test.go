package verify

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
)

// constant is a problem whose queries and keys all are value, with values v, an exact
// dense output and log-sum-exps rounded to F32 and moved by so many steps.
func constant(t *testing.T, value float32, v func(i int) float64, steps int) (*oracle.Oracle, Output) {
	t.Helper()
	s := shape(1, 1, 96, 96, 64)
	same, values := make([]float16.Float16, 96*64), make([]float16.Float16, 96*64)
	for i := range same {
		same[i] = float16.Fromfloat32(value)
		values[i] = half(v(i))
	}
	view := func(data []float16.Float16) attention.Tensor { return attention.HostBHSD(data, 1, 1, 96, 64) }
	o, err := oracle.New(s, small(12), view(same), view(same), view(values))
	require.NoError(t, err)
	exact := o.Forward(attention.ModeDense)
	out := Output{Mode: attention.ModeDense, Tier: attention.TierUnpack, O: view(make([]float16.Float16, 96*64)), LSE: make([]float32, 96)}
	for i, x := range exact.O {
		out.O.Host[i] = half(x)
	}
	for i, x := range exact.LSE {
		out.LSE[i] = float32(x)
		for range steps {
			out.LSE[i] = math.Nextafter32(out.LSE[i], float32(math.Inf(1)))
		}
	}
	return o, out
}

func waves(i int) float64 { return math.Sin(float64(i) * 1.3) }

func failures(t *testing.T, o *oracle.Oracle, out Output) (bad, notes []string) {
	t.Helper()
	m, err := Measure(context.Background(), o, out, Sample{Rows: Rows(o, 32)})
	require.NoError(t, err)
	return m.Failures(), m.Notes()
}

// Large scores leave F32 few digits for a log-sum-exp: a few of its steps are
// no fault, though they are more than any absolute bound; a wrong one is.
func TestLogSumExpsAreBoundInStepsOfF32(t *testing.T) {
	o, out := constant(t, 20, waves, 3)
	require.InDelta(t, 3204, out.LSE[50], 1)
	bad, notes := failures(t, o, out)
	require.Empty(t, bad)
	require.Empty(t, notes)
	out.LSE[95] += 0.01
	bad, _ = failures(t, o, out)
	require.Len(t, bad, 1)
	require.Contains(t, bad[0], "log-sum-exp error")
}

// Where the plain fp16 implementation overflows it bounds nothing, which is
// said; what is wrong is found all the same.
func TestAYardstickThatOverflowsBoundsNothing(t *testing.T) {
	o, out := constant(t, 10000, waves, 1)
	bad, notes := failures(t, o, out)
	require.Empty(t, bad)
	require.Len(t, notes, 1)
	require.Contains(t, notes[0], "a plain fp16 implementation overflows")
	for name, spoil := range map[string]func(){
		"NMSE": func() {
			for d, row := 0, out.O.At(0, 0, 95); d < len(row); d++ {
				row[d] = half(1)
			}
		},
		"relative log-sum-exp error": func() { out.LSE[95] *= 1.01 },
		"NaN or infinite":            func() { out.LSE[0] = float32(math.Inf(1)) },
	} {
		o, out = constant(t, 10000, waves, 1)
		spoil()
		bad, _ = failures(t, o, out)
		require.Condition(t, func() bool {
			return slices.ContainsFunc(bad, func(f string) bool { return strings.Contains(f, name) })
		}, "%s: %q", name, bad)
	}
}

// A few steps of the output's type are a fault.
func TestOutputsAreBoundInStepsOfF16(t *testing.T) {
	o, out := constant(t, 0, func(int) float64 { return 3 }, 0)
	bad, _ := failures(t, o, out)
	require.Empty(t, bad)
	out.O.Host[95*64] = half(3 + 4.0/512) // four steps
	bad, _ = failures(t, o, out)
	require.NotEmpty(t, bad)
	require.Contains(t, strings.Join(bad, ";"), "max error")
}
