package attention

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/vk"
)

func TestSlicedEqualsUnsliced(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		plain := selective(1, 4, 2, 400, 521)
		in := selectiveInputs(plain.Shape, 40)
		for mode, problem := range ways(plain) {
			whole := compute(t, e, problem, PlanOptions{Tier: tier, SliceMS: 1e6}, in)
			require.Equal(t, 1, whole.stats.Slices, "a large budget takes one submission")
			for _, ms := range []float64{0.5, 1e-9} {
				sliced := compute(t, e, problem, PlanOptions{Tier: tier, SliceMS: ms}, in)
				t.Logf("%v at %g ms: %d slices", mode, ms, sliced.stats.Slices)
				if ms < 1e-6 {
					require.Greater(t, sliced.stats.Slices, 20, "one work item a submission")
				}
				requireSameBits(t, whole, sliced, mode)
			}
		}
	})
}

func TestLittleScratchEqualsMuch(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := selective(2, 4, 2, 400, 521)
		littleScratchEqualsMuch(t, e, tier, problem)
		problem.Params.Tail, problem.Params.Guard = 37, guarded(4, 2, 400, 521).Params.Guard
		littleScratchEqualsMuch(t, e, tier, problem)
	})
}

func littleScratchEqualsMuch(t *testing.T, e *Engine, tier Tier, problem Problem) {
	t.Helper()
	in := selectiveInputs(problem.Shape, 41)
	large, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true})
	require.NoError(t, err)
	require.Equal(t, large.Units/2, large.Slots, "all (head, group) pairs of a batch entry fit")
	want := runPlan(t, e, large, in)
	requireFinite(t, want)
	for _, slots := range []int{1, 3} { // 3 leaves a remainder
		small, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true, ScratchBytes: large.ScratchBytes / uint64(large.Slots) * uint64(slots)})
		require.NoError(t, err)
		require.LessOrEqual(t, small.Slots, slots)
		require.Less(t, small.ScratchBytes, large.ScratchBytes/4)
		got := runPlan(t, e, small, in)
		requireSameBits(t, want, got, "little scratch memory")
		require.Equal(t, want.stats.StripeRatio, got.stats.StripeRatio)
	}
	one, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true, ScratchBytes: 1})
	require.NoError(t, err)
	require.Equal(t, 1, one.Slots)
	requireSameBits(t, want, runPlan(t, e, one, in), "one slot")
}

// placement is one way of laying the same tensors out.
type placement struct {
	name  string
	place func(t *testing.T, e *Engine, from Tensor) Tensor
}

var placements = []placement{
	{"host BSHD", func(_ *testing.T, _ *Engine, from Tensor) Tensor { return attentest.ToBSHD(from) }},
	{"host with gaps", func(_ *testing.T, _ *Engine, from Tensor) Tensor { return gapped(from, false) }},
	{"host BSHD with gaps", func(_ *testing.T, _ *Engine, from Tensor) Tensor { return gapped(from, true) }},
	{"device BHSD", func(t *testing.T, e *Engine, from Tensor) Tensor { return upload(t, e, from, 0) }},
	{"device BSHD at an offset", func(t *testing.T, e *Engine, from Tensor) Tensor { return upload(t, e, attentest.ToBSHD(from), 16) }},
	{"device with gaps at an offset", func(t *testing.T, e *Engine, from Tensor) Tensor { return upload(t, e, gapped(from, false), 4096+48) }},
}

// gapFill is what gaps hold: a NaN, which would show in any result, with a
// payload that no kernel writes.
const gapFill = float16.Float16(0x7f55)

// gapped copies a tensor into a larger one whose rows, heads and batch entries
// are apart.
func gapped(from Tensor, positionsFirst bool) Tensor {
	to := gappedLayout(from.Shape[0], from.Shape[1], from.Shape[2], from.Shape[3])
	if positionsFirst {
		s, row := from.Shape, from.Shape[3]+24
		to.Strides = [3]int{s[2]*(s[1]*row+8) + 40, row, s[1]*row + 8}
	}
	to.Host = make([]float16.Float16, to.Elements()+5)
	for i := range to.Host {
		to.Host[i] = gapFill
	}
	eachRow(from.Shape, func(b, h, i int) { copy(to.At(b, h, i), from.At(b, h, i)) })
	return to
}

// gappedLayout is [batch, heads, seq, dim] with gaps on every axis.
func gappedLayout(batch, heads, seq, dim int) Tensor {
	row := dim + 24
	head := seq*row + 16
	return Tensor{Shape: [4]int{batch, heads, seq, dim}, Strides: [3]int{heads*head + 40, head, row}}
}

func eachRow(shape [4]int, visit func(b, h, i int)) {
	for b := range shape[0] {
		for h := range shape[1] {
			for i := range shape[2] {
				visit(b, h, i)
			}
		}
	}
}

// upload puts a host tensor into a buffer of its own, at a byte offset, with
// gapFill around it.
func upload(t *testing.T, e *Engine, host Tensor, offset uint64) Tensor {
	t.Helper()
	buffer, err := e.device.NewBuffer("tensor of a test", offset+halfBytes*uint64(host.Elements())+64, vk.DeviceLocal)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, buffer.Close()) })
	all := make([]float16.Float16, buffer.Size()/halfBytes)
	for i := range all {
		all[i] = gapFill
	}
	copy(all[offset/halfBytes:], host.Host[:host.Elements()])
	require.NoError(t, e.device.Upload(context.Background(), buffer, 0, bytesOf(all)))
	host.Host, host.Buffer, host.Offset = nil, buffer, offset
	return host
}

// fetch downloads the whole buffer of a device tensor, and returns the tensor
// in it as a host view.
func fetch(t *testing.T, e *Engine, device Tensor) (view Tensor, whole []float16.Float16) {
	t.Helper()
	whole = make([]float16.Float16, device.Buffer.Size()/halfBytes)
	require.NoError(t, e.device.Download(context.Background(), bytesOf(whole), device.Buffer, 0))
	device.Host, device.Buffer = whole[device.Offset/halfBytes:], nil
	device.Offset = 0
	return device, whole
}

func TestPlacementsGiveTheSameBits(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := selective(2, 4, 2, 200, 300)
		in := selectiveInputs(problem.Shape, 42)
		for _, mode := range []Mode{ModeAnchor, ModeDense} {
			problem.Mode = mode
			want := compute(t, e, problem, PlanOptions{Tier: tier}, in)
			requireFinite(t, want)
			plan, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true})
			require.NoError(t, err)
			for _, p := range placements {
				what := mode.String() + " " + p.name
				blank := outputFor(problem.Shape)
				eachRow(blank.O.Shape, func(b, h, i int) {
					for d := range blank.O.At(b, h, i) {
						blank.O.At(b, h, i)[d] = gapFill
					}
				})
				out := Outputs{O: p.place(t, e, blank.O), LSE: blank.LSE}
				_, err := e.Run(context.Background(), plan, Inputs{Q: p.place(t, e, in.Q), K: p.place(t, e, in.K), V: p.place(t, e, in.V)}, out)
				require.NoError(t, err, what)
				got, whole := out.O, out.O.Host
				if out.O.Buffer != nil {
					got, whole = fetch(t, e, out.O)
				}
				requireSameRows(t, want.o, got, 0, what)
				require.Equal(t, want.lse, out.LSE, what)
				requireGapsUntouched(t, got, whole, what)
			}
		}
	})
}

// requireGapsUntouched demands gapFill in all of whole but the rows of view.
func requireGapsUntouched(t testing.TB, view Tensor, whole []float16.Float16, what string) {
	t.Helper()
	eachRow(view.Shape, func(b, h, i int) {
		row := view.At(b, h, i)
		for d := range row {
			row[d] = gapFill
		}
	})
	for i, x := range whole {
		if x != gapFill {
			t.Fatalf("%s: element %d of the output's memory, which lies in no row, was written: %#04x", what, i, uint16(x))
		}
	}
}

// Inputs stay as they are, wherever they lie.
func TestRunLeavesInputsAlone(t *testing.T) {
	e := sharedEngine(t)
	problem := selective(1, 4, 2, 200, 300)
	in := selectiveInputs(problem.Shape, 43)
	device := Inputs{Q: upload(t, e, in.Q, 0), K: upload(t, e, in.K, 0), V: upload(t, e, in.V, 0)}
	compute(t, e, problem, PlanOptions{}, device)
	for _, x := range []struct{ host, device Tensor }{{in.Q, device.Q}, {in.K, device.K}, {in.V, device.V}} {
		view, whole := fetch(t, e, x.device)
		requireSameRows(t, x.host, view, 0, "input")
		requireGapsUntouched(t, view, whole, "input")
	}
	again := selectiveInputs(problem.Shape, 43)
	require.Equal(t, again, in)
}
