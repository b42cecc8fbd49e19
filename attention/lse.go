package attention

import (
	"github.com/anchorvk/anchorvk/vk"

	"github.com/anchorvk/anchorvk/internal/plural"
)

// checkLSEBuffer checks the place of log-sum-exps on the device.
func checkLSEBuffer(s Shape, out Outputs) error {
	if out.LSEBuffer == nil {
		if out.LSEOffset != 0 {
			return argument("LSEOffset", "set LSEBuffer too", "is %d without a buffer", out.LSEOffset)
		}
		return nil
	}
	size, need := out.LSEBuffer.Size(), 4*uint64(s.Batch*s.Heads*s.QLen)
	switch {
	case out.LSE != nil:
		return argument("LSEBuffer", "set one of the two", "is set, and LSE too")
	case out.LSEOffset%4 != 0:
		return argument("LSEOffset", "use a multiple of 4 bytes", "is %d", out.LSEOffset)
	case out.LSEOffset > size || size-out.LSEOffset < need:
		return argument("LSEBuffer", "make the buffer larger or the offset smaller", "has %s where offset %d and batch*heads*q_len fp32 numbers need %d after the offset", plural.Of(size, "byte", "bytes"), out.LSEOffset, need)
	}
	return nil
}

// checkLSESize refuses more log-sum-exps than the device binds at once.
func (r *run) checkLSESize() error {
	size := r.lseSize()
	if limit := r.report.Limits.MaxStorageBufferRange; size+r.report.Limits.StorageAlign > limit {
		return &vk.LimitError{What: "the log-sum-exp", Limit: "maxStorageBufferRange", Asked: size, Max: limit, Try: "fewer rows a call"}
	}
	return nil
}

// bindLSE finds the place for the log-sum-exps.
func (r *run) bindLSE(out Outputs) {
	size := r.lseSize()
	r.lseFirst = 0
	if r.lseLent {
		aligned := out.LSEOffset / r.report.Limits.StorageAlign * r.report.Limits.StorageAlign
		r.lseFirst = uint32(out.LSEOffset-aligned) / 4
		r.lse = vk.Binding{Buffer: out.LSEBuffer, Offset: aligned, Size: out.LSEOffset - aligned + size}
		return
	}
	// The buffer may have grown for larger calls, so that its size is stated.
	r.lse = vk.Binding{Buffer: r.buffers.lse, Size: size}
}

// lseSize is the size of the log-sum-exps; they are bound even when nothing is written.
func (r *run) lseSize() uint64 {
	if !r.wantLSE {
		return 4
	}
	s := r.plan.Shape
	return 4 * uint64(s.Batch*s.Heads*s.QLen)
}
