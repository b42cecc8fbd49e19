package attention

import (
	"fmt"

	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// operand is a device tensor as a call uses it.
type operand struct {
	name   string
	tensor Tensor
}

// spanHeads is the largest number of query heads whose Q, K, V and O can each
// be bound at once: all of them, those of one KV head, or one.
func spanHeads(report *vk.Report, s Shape, q, k, v, o *operand) (int, error) {
	ratio := s.HeadsPerKV()
	var worst error
	for _, heads := range [3]int{s.Heads, ratio, 1} {
		kvHeads := max(1, heads/ratio)
		worst = nil
		for _, x := range [4]struct {
			operand *operand
			heads   int
		}{{q, heads}, {k, kvHeads}, {v, kvHeads}, {o, heads}} {
			if err := checkRange(report, x.operand, x.heads); err != nil {
				worst = err
				break
			}
		}
		if worst == nil {
			return heads, nil
		}
	}
	return 0, worst
}

// checkRange says whether a number of neighbouring heads can be bound at once.
func checkRange(report *vk.Report, x *operand, heads int) error {
	size := headsBytes(x.tensor, heads) + report.Limits.StorageAlign
	if size > report.Limits.MaxStorageBufferRange {
		return &vk.LimitError{
			What: fmt.Sprintf("%s (%d heads of shape %v, strides %v)", x.name, heads, x.tensor.Shape, x.tensor.Strides), Limit: "maxStorageBufferRange",
			Asked: size, Max: report.Limits.MaxStorageBufferRange,
			Try: "the layout [batch, heads, seq, dim], whose heads can be bound one by one, or shorter calls",
		}
	}
	return nil
}

// headsBytes is the extent of neighbouring heads of one batch entry.
func headsBytes(t Tensor, heads int) uint64 {
	return halfBytes * uint64((heads-1)*t.Strides[1]+(t.Shape[2]-1)*t.Strides[2]+t.Shape[3])
}

// bind returns the binding of heads [first, first+heads) of a batch entry, and
// how a kernel finds a head in it by its absolute number: the base of the view
// subtracts the heads before, modulo 2^32.
func bind(report *vk.Report, t Tensor, batch, first, heads int) (vk.Binding, view) {
	const chunkBytes = 8 * halfBytes
	offset := t.Offset + halfBytes*uint64(batch*t.Strides[0]+first*t.Strides[1])
	align := max(report.Limits.StorageAlign, 1)
	aligned := offset / align * align
	headChunks := uint32(t.Strides[1] / 8)
	v := view{
		base: uint32((offset-aligned)/chunkBytes) - uint32(first)*headChunks,
		head: headChunks,
		row:  uint32(t.Strides[2] / 8),
	}
	return vk.Binding{Buffer: t.Buffer, Offset: aligned, Size: offset - aligned + headsBytes(t, heads)}, v
}

// wayOf is how kernels take their tensors: the plan's way, unless a buffer was
// lent that has no address. Loads through its binding give the same bits.
func (p *Plan) wayOf(k, v Tensor) tuning.Way {
	way := p.Tuning.Way
	if way.Load == tuning.LoadAddress && (noAddress(k) || noAddress(v)) {
		way.Load = tuning.LoadHalf
	}
	return way
}

// noAddress says whether a tensor lies in a lent buffer without an address; tensors
// of the host get a buffer of the engine's, which has one.
func noAddress(t Tensor) bool { return t.Buffer != nil && t.Buffer.Address() == 0 }
