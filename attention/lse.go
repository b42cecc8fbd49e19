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

// bindLSE finds or makes the place for the log-sum-exps.
func (c *call) bindLSE(out Outputs) error {
	size := c.lseSize()
	if limit := c.report.Limits.MaxStorageBufferRange; size+c.report.Limits.StorageAlign > limit {
		return &vk.LimitError{What: "the log-sum-exp", Limit: "maxStorageBufferRange", Asked: size, Max: limit, Try: "fewer rows a call"}
	}
	c.lseFirst = 0
	if c.lseLent {
		aligned := out.LSEOffset / c.report.Limits.StorageAlign * c.report.Limits.StorageAlign
		c.lseFirst = uint32(out.LSEOffset-aligned) / 4
		c.lse = vk.Binding{Buffer: out.LSEBuffer, Offset: aligned, Size: out.LSEOffset - aligned + size}
		return nil
	}
	// The buffer may have grown for larger calls, so that its size is stated.
	err := c.buffers.grow(&c.buffers.lse, "log-sum-exp", size, vk.DeviceLocal)
	c.lse = vk.Binding{Buffer: c.buffers.lse, Size: size}
	return err
}

// lseSize is the size of the log-sum-exps; they are bound even when nothing is written.
func (c *call) lseSize() uint64 {
	if !c.wantLSE {
		return 4
	}
	s := c.plan.Shape
	return 4 * uint64(s.Batch*s.Heads*s.QLen)
}
