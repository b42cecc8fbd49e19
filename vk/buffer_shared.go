package vk

// Shares says whether two buffers of a device view the same memory, and how
// many bytes after the start of b the other one starts (before it: negative).
// They do when they are one VkBuffer, however often it was lent, or when their
// device addresses say so. Of two VkBuffers of a caller's that are bound to the
// same memory and have no address nothing can be known.
func (b *Buffer) Shares(other *Buffer) (distance int64, ok bool) {
	switch {
	case b == other:
		return 0, true
	case b == nil || other == nil || b.device != other.device:
		return 0, false
	case b.handle == other.handle && (b.lent || other.lent):
		return 0, true
	case b.address == 0 || other.address == 0:
		return 0, false
	}
	return int64(other.address - b.address), b.address < other.address+other.size && other.address < b.address+b.size
}
