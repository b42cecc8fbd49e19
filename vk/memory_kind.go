package vk

// stagingSize is the size of one half of a staging ring.
const stagingSize = 4 << 20

// StagingBytes is the device memory that Upload and Download take, once each
// of them has been used on memory that the host cannot reach.
const StagingBytes = 2 * 2 * stagingSize

// MemoryKind says what a buffer is for; the memory type follows from it.
type MemoryKind int

// The kinds of memory.
const (
	DeviceLocal MemoryKind = iota // kernels work on it; host visible too where that costs nothing
	Upload                        // the host writes, the device reads
	Readback                      // the device writes, the host reads
)

func (k MemoryKind) String() string {
	switch k {
	case DeviceLocal:
		return "device-local"
	case Upload:
		return "upload"
	case Readback:
		return "readback"
	}
	return "unknown"
}
