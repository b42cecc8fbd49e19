package attention

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/vk"
)

// spanReport is a device with the given limits on bindings.
func spanReport(maxRange, align uint64) *vk.Report {
	return &vk.Report{Limits: vk.Limits{MaxStorageBufferRange: maxRange, StorageAlign: align}}
}

// operandsOf are the four operands of a shape, laid out by make.
func operandsOf(s Shape, lay func(batch, heads, seq, dim int) Tensor) (q, k, v, o operand) {
	of := func(name string, heads, seq int) operand {
		return operand{name, lay(s.Batch, heads, seq, s.HeadDim)}
	}
	return of("Q", s.Heads, s.QLen), of("K", s.KVHeads, s.KVLen), of("V", s.KVHeads, s.KVLen), of("O", s.Heads, s.QLen)
}

func TestSpanHeadsTakesTheMostThatFits(t *testing.T) {
	s := Shape{Batch: 2, Heads: 6, KVHeads: 2, QLen: 100, KVLen: 500, HeadDim: 64}
	const head, align = 500 * 64 * 2, 256 // bytes of a KV head; a query head has a fifth
	q, k, v, o := operandsOf(s, bhsd)
	for _, c := range []struct {
		maxRange uint64
		heads    int
	}{
		{1 << 30, 6},
		{2*head + align, 6},     // both KV heads at once
		{2*head + align - 1, 3}, // one KV head and its three query heads
		{head + align, 3},
	} {
		got, err := spanHeads(spanReport(c.maxRange, align), s, &q, &k, &v, &o)
		require.NoError(t, err)
		assert.Equal(t, c.heads, got, "range %d", c.maxRange)
	}
	_, err := spanHeads(spanReport(head+align-1, align), s, &q, &k, &v, &o)
	var limit *vk.LimitError
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, "maxStorageBufferRange", limit.Limit)
	assert.Contains(t, limit.What, "K (1 heads")
	assert.Equal(t, uint64(head+align), limit.Asked)
	assert.NotEmpty(t, limit.Try)

	// More query heads a KV head than fit beside each other: one by one.
	s = Shape{Batch: 1, Heads: 8, KVHeads: 1, QLen: 500, KVLen: 500, HeadDim: 64}
	q, k, v, o = operandsOf(s, bhsd)
	got, err := spanHeads(spanReport(2*head, align), s, &q, &k, &v, &o)
	require.NoError(t, err)
	assert.Equal(t, 1, got)

	// In [batch, seq, heads, dim] every head reaches over the whole entry.
	q, k, v, o = operandsOf(s, bshd)
	_, err = spanHeads(spanReport(2*head, align), s, &q, &k, &v, &o)
	require.ErrorAs(t, err, &limit)
	assert.Contains(t, limit.Try, "[batch, heads, seq, dim]")
}

// wrapped is the chunk index that a kernel computes for a row, in the 32-bit
// arithmetic of GLSL: base + head * head_stride + row * row_stride.
func wrapped(v view, head, row uint32) uint32 { return v.base + head*v.head + row*v.row }

// Every row that a kernel can address must lie where the tensor has it.
func TestBindingsReachEveryRow(t *testing.T) {
	shapes := []Shape{
		{Batch: 3, Heads: 6, KVHeads: 2, QLen: 5, KVLen: 9, HeadDim: 40},
		{Batch: 1, Heads: 4, KVHeads: 4, QLen: 7, KVLen: 7, HeadDim: 8},
		{Batch: 2, Heads: 8, KVHeads: 1, QLen: 3, KVLen: 4, HeadDim: 256},
	}
	layouts := map[string]func(batch, heads, seq, dim int) Tensor{
		"bhsd": bhsd,
		"bshd": bshd,
		"gaps": gappedLayout,
		// Heads 48 GiB apart: their distance in chunks does not fit in 32 bits.
		"far heads": func(batch, heads, seq, dim int) Tensor {
			x := bhsd(batch, heads, seq, dim)
			x.Strides[1] = 24 << 30
			x.Strides[0] = heads * x.Strides[1]
			return x
		},
	}
	rows := 0
	for name, lay := range layouts {
		for _, s := range shapes {
			for _, align := range []uint64{4, 16, 64, 256} {
				for _, offset := range []uint64{0, 16, 4096 + 48, 6 << 30} {
					for _, heads := range []int{s.Heads, s.HeadsPerKV(), 1} {
						if name == "far heads" && heads > 1 {
							continue // never bound together
						}
						rows += requireReach(t, s, lay, offset, align, heads)
					}
				}
			}
		}
	}
	require.Greater(t, rows, 10_000)
}

// requireReach walks a call's batch entries and spans as the engine does, and
// the rows of each as the kernels do. It returns how many it looked at.
func requireReach(t *testing.T, s Shape, lay func(batch, heads, seq, dim int) Tensor, offset, align uint64, heads int) (rows int) {
	t.Helper()
	report := spanReport(1<<32, align)
	q, k, _, _ := operandsOf(s, lay)
	q.tensor.Offset, k.tensor.Offset = offset, offset
	ratio := s.HeadsPerKV()
	check := func(x Tensor, binding vk.Binding, v view, batch, head int) {
		for row := range x.Shape[2] {
			chunk := wrapped(v, uint32(head), uint32(row))
			at := binding.Offset + 16*uint64(chunk)
			want := x.Offset + 2*uint64(batch*x.Strides[0]+head*x.Strides[1]+row*x.Strides[2])
			require.Equal(t, want, at, "batch %d head %d row %d of strides %v, %d heads a span", batch, head, row, x.Strides, heads)
			require.LessOrEqual(t, 16*uint64(chunk)+2*uint64(x.Shape[3]), binding.Size, "the row's end lies in the binding")
			rows++
		}
		require.Zero(t, binding.Offset%align)
	}
	for batch := range s.Batch {
		for first := 0; first < s.Heads; first += heads {
			binding, v := bind(report, q.tensor, batch, first, heads)
			for head := first; head < first+heads; head++ {
				check(q.tensor, binding, v, batch, head)
			}
			binding, v = bind(report, k.tensor, batch, first/ratio, max(1, heads/ratio))
			for head := first; head < first+heads; head++ {
				check(k.tensor, binding, v, batch, head/ratio) // as the kernels find the KV head
			}
		}
	}
	return rows
}

// A span's bindings never exceed the limit that it was chosen for.
func TestSpansKeepTheLimit(t *testing.T) {
	s := Shape{Batch: 2, Heads: 6, KVHeads: 2, QLen: 100, KVLen: 500, HeadDim: 64}
	for maxRange := uint64(60_000); maxRange < 200_000; maxRange += 777 {
		report := spanReport(maxRange, 256)
		q, k, v, o := operandsOf(s, bhsd)
		q.tensor.Offset, k.tensor.Offset = 16, 240
		heads, err := spanHeads(report, s, &q, &k, &v, &o)
		if err != nil {
			require.Less(t, maxRange, uint64(500*64*2+256))
			continue
		}
		for batch := range s.Batch {
			for first := 0; first < s.Heads; first += heads {
				kvHeads := max(1, heads/s.HeadsPerKV())
				for _, x := range []struct {
					tensor       Tensor
					first, heads int
				}{{q.tensor, first, heads}, {k.tensor, first / s.HeadsPerKV(), kvHeads}, {o.tensor, first, heads}} {
					binding, _ := bind(report, x.tensor, batch, x.first, x.heads)
					require.LessOrEqual(t, binding.Size, maxRange)
				}
			}
		}
	}
}

// The same problem on a device that binds one KV head, or one query head, at a
// time. The limit is lowered in the report, which the engine and package vk
// hold every binding against; the device is this test's own.
func TestSpansGiveTheSameBits(t *testing.T) {
	problem := selective(2, 6, 2, 300, 521)
	in := selectiveInputs(problem.Shape, 50)
	device := openTestDevice(t)
	e, err := NewEngine(device, Options{PoisonScratch: true})
	require.NoError(t, err)
	report := device.Report()
	all, align := report.Limits.MaxStorageBufferRange, report.Limits.StorageAlign
	qHead, kvHead := uint64(300*testDim*2), uint64(521*testDim*2)
	for _, mode := range []Mode{ModeAnchor, ModeDense} {
		problem.Mode = mode
		options := PlanOptions{ScratchBytes: 1} // one slot, so that scratch memory fits too
		report.Limits.MaxStorageBufferRange = all
		want := compute(t, e, problem, options, in)
		require.Equal(t, 6, e.own.spans[0].count)
		for _, c := range []struct {
			maxRange uint64
			heads    int
		}{{3*qHead + align, 3}, {kvHead + align, 1}} {
			report.Limits.MaxStorageBufferRange = c.maxRange
			got := compute(t, e, problem, options, in)
			require.Equal(t, c.heads, e.own.spans[0].count, "range %d", c.maxRange)
			requireSameBits(t, want, got, mode.String())
			require.Equal(t, want.stats.ComputedRatio, got.stats.ComputedRatio)
		}
		report.Limits.MaxStorageBufferRange = kvHead
		plan, err := e.Plan(problem, PlanOptions{NoFallback: true, ScratchBytes: 1})
		require.NoError(t, err)
		_, err = e.Run(t.Context(), plan, in, outputFor(problem.Shape))
		var limit *vk.LimitError
		require.ErrorAs(t, err, &limit, "one head does not fit")
		report.Limits.MaxStorageBufferRange = all
		requireSameBits(t, want, compute(t, e, problem, options, in), "after the error")
	}
}

// bhsd and bshd are tensors of a shape in either layout, without data.
func bhsd(batch, heads, seq, dim int) Tensor { return HostBHSD(nil, batch, heads, seq, dim) }
func bshd(batch, heads, seq, dim int) Tensor { return HostBSHD(nil, batch, seq, heads, dim) }
