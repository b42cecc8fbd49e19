package vk

import "slices"

// block is one VkDeviceMemory, handed out in pieces.
type block struct {
	memory    uint64 // VkDeviceMemory
	size      uint64
	kind      memoryType
	mapped    []byte // nil when the host cannot see it
	free      []span // sorted by offset, never adjacent
	dedicated bool   // made for one buffer
}

// span is a range of bytes of a block.
type span struct{ offset, size uint64 }

// take cuts the first free range that fits; ok is false when none does.
func (b *block) take(size, align uint64) (s span, ok bool) {
	for i, f := range b.free {
		start := roundUp(f.offset, align)
		pad := start - f.offset
		if f.size < pad || f.size-pad < size {
			continue
		}
		left := span{f.offset, pad}
		right := span{start + size, f.size - pad - size}
		switch {
		case left.size == 0 && right.size == 0:
			b.free = slices.Delete(b.free, i, i+1)
		case left.size == 0:
			b.free[i] = right
		case right.size == 0:
			b.free[i] = left
		default:
			b.free[i] = left
			b.free = slices.Insert(b.free, i+1, right)
		}
		return span{start, size}, true
	}
	return span{}, false
}

// give returns a range and joins it with its free neighbours.
func (b *block) give(s span) {
	i, _ := slices.BinarySearchFunc(b.free, s.offset, func(f span, offset uint64) int {
		if f.offset < offset {
			return -1
		}
		return 1
	})
	b.free = slices.Insert(b.free, i, s)
	if i+1 < len(b.free) && b.free[i].offset+b.free[i].size == b.free[i+1].offset {
		b.free[i].size += b.free[i+1].size
		b.free = slices.Delete(b.free, i+1, i+2)
	}
	if i > 0 && b.free[i-1].offset+b.free[i-1].size == b.free[i].offset {
		b.free[i-1].size += b.free[i].size
		b.free = slices.Delete(b.free, i, i+1)
	}
}

func (b *block) empty() bool { return len(b.free) == 1 && b.free[0].size == b.size }

// roundUp rounds v up to a multiple of step.
func roundUp(v, step uint64) uint64 { return (v + step - 1) / step * step }
