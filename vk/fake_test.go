package vk

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// fakeDriver is a device without Vulkan, for tests of what this package decides
// itself. Memory is a slice, handles count up, and submitted work has ended at
// once, having written its canary and nothing else. A call that it does not
// have is a nil pointer.
type fakeDriver struct {
	driver.Device
	handles uint64
	memory  map[uint64][]byte    // allocations that were not freed
	types   map[uint64]uint32    // of all allocations
	buffers map[uint64]fakeBound // that were not destroyed
	asked   []uint32             // memory types, in the order in which they were asked for
	fail    map[string]driver.Result
	full    []uint32 // memory types without memory
	hangs   bool     // submitted work does not end
}

// fakeBound says where a buffer lies.
type fakeBound struct{ memory, offset uint64 }

// fakeDevice opens a Device on a fakeDriver. It has two heaps: 80 MiB of its
// own, that the host does not see (type 0) or sees (type 1), and 160 MiB of the
// host's that are not coherent, with atoms of 64 bytes (type 2), or are (type 3).
func fakeDevice(t *testing.T, opt Options) (*Device, *fakeDriver) {
	t.Helper()
	caps := &driver.Caps{
		API: apiVersion11, Type: driver.DeviceDiscrete, MaxStorageRange: 1 << 27, MaxStorageBuffers: 8, PushConstants: 128,
		MaxGroups: [3]uint32{65535, 65535, 65535}, StorageAlign: 16, Atom: 64, Types: 4, Heaps: 2,
	}
	copy(caps.Name[:], "a device of a test")
	const local, visible, coherent, cached = driver.MemoryDeviceLocal, driver.MemoryHostVisible, driver.MemoryHostCoherent, driver.MemoryHostCached
	copy(caps.TypeFlags[:], []uint32{local, local | visible | coherent, visible | cached, visible | coherent})
	copy(caps.TypeHeap[:], []uint32{0, 0, 1, 1})
	copy(caps.HeapSize[:], []uint64{80 << 20, 160 << 20})
	f := &fakeDriver{memory: map[uint64][]byte{}, types: map[uint64]uint32{}, buffers: map[uint64]fakeBound{}, fail: map[string]driver.Result{}}
	d := newDevice(opt, &instance{driver: fakeInstance{}}, physical{caps: caps, report: newReport(caps, &opt)})
	d.driver = f
	require.NoError(t, d.attach(0, 0, 0))
	t.Cleanup(func() {
		require.NoError(t, d.Close())
		require.Empty(t, f.memory, "memory that was not freed")
		require.Empty(t, f.buffers, "buffers that were not destroyed")
	})
	return d, f
}

type fakeInstance struct{ driver.Instance }

func (fakeInstance) Version() uint32 { return apiVersion11 }
func (fakeInstance) Destroy()        {}
func (fakeInstance) Close()          {}

func (f *fakeDriver) handle() uint64 {
	f.handles++
	return f.handles
}

func (f *fakeDriver) Resolve(driver.Hook) string         { return "" }
func (f *fakeDriver) Queue(uint32, uint32) uint64        { return uint64(uintptr(unsafe.Pointer(f))) } // as no other device has it
func (f *fakeDriver) SetQueue(uint64, uint32, uint32)    {}
func (f *fakeDriver) Destroy()                           {}
func (f *fakeDriver) Close()                             {}
func (f *fakeDriver) DestroyPipelineCache(uint64)        {}
func (f *fakeDriver) DestroySetLayout(uint64)            {}
func (f *fakeDriver) DestroyPipeline(_, _ uint64)        {}
func (f *fakeDriver) BufferAddress(uint64) uint64        { return 0 }
func (f *fakeDriver) Flush(_, _, _ uint64) driver.Result { return driver.Success }
func (f *fakeDriver) Invalidate(_, _, _ uint64) driver.Result {
	return driver.Success
}

func (f *fakeDriver) CreatePipelineCache([]byte) (uint64, driver.Result) { return f.handle(), 0 }
func (f *fakeDriver) CreateSetLayout(int) (uint64, driver.Result)        { return f.handle(), 0 }
func (f *fakeDriver) CreatePipeline(*driver.Kernel) (pipeline, layout uint64, result driver.Result, call string) {
	return f.handle(), f.handle(), driver.Success, ""
}

func (f *fakeDriver) Allocate(size uint64, memoryType uint32) (uint64, driver.Result) {
	f.asked = append(f.asked, memoryType)
	if slices.Contains(f.full, memoryType) {
		return 0, driver.ErrorOutOfDeviceMemory
	}
	if r := f.fail["Allocate"]; r != driver.Success {
		return 0, r
	}
	h := f.handle()
	f.memory[h], f.types[h] = make([]byte, size), memoryType
	return h, driver.Success
}

func (f *fakeDriver) Map(memory, size uint64) ([]byte, driver.Result) {
	if r := f.fail["Map"]; r != driver.Success {
		return nil, r
	}
	return f.memory[memory][:size], driver.Success
}

func (f *fakeDriver) Free(memory uint64) { delete(f.memory, memory) }

// CreateBuffer asks for whole multiples of 256 bytes, so aligned, of any type.
func (f *fakeDriver) CreateBuffer(size uint64) (driver.BufferNeeds, driver.Result) {
	if r := f.fail["CreateBuffer"]; r != driver.Success {
		return driver.BufferNeeds{}, r
	}
	h := f.handle()
	f.buffers[h] = fakeBound{}
	return driver.BufferNeeds{Buffer: h, Size: roundUp(size, 256), Align: 256, Types: 0xf}, driver.Success
}

func (f *fakeDriver) BindBuffer(buffer, memory, offset uint64) driver.Result {
	f.buffers[buffer] = fakeBound{memory, offset}
	return f.fail["BindBuffer"]
}

func (f *fakeDriver) DestroyBuffer(buffer uint64) { delete(f.buffers, buffer) }

// fakeRecorder keeps what it was given to record.
type fakeRecorder struct {
	driver.Recorder
	device   *fakeDriver
	ops      []driver.Op
	bindings []driver.Binding
	push     []byte
	canary   driver.Canary
	into     []fakePart // what RecordInto recorded
}

type fakePart struct {
	commands uint64
	ops      []driver.Op
	canary   driver.Canary
}

func (f *fakeDriver) CreateRecorder() (r driver.Recorder, result driver.Result, call string) {
	return &fakeRecorder{device: f}, driver.Success, ""
}

func (f *fakeDriver) Submit(driver.Recorder, []driver.Timeline, []driver.Timeline) driver.Result {
	return f.fail["Submit"]
}

func (r *fakeRecorder) Record(ops []driver.Op, bindings []driver.Binding, push []byte, _ int, canary driver.Canary) driver.Result {
	r.ops, r.bindings, r.push, r.canary = slices.Clone(ops), slices.Clone(bindings), slices.Clone(push), canary
	return driver.Success
}

func (r *fakeRecorder) MakeSets([]driver.Op, []driver.Binding) driver.Result { return driver.Success }

func (r *fakeRecorder) RecordInto(commands uint64, ops []driver.Op, _ []byte, canary driver.Canary) {
	r.into = append(r.into, fakePart{commands, slices.Clone(ops), canary})
}

func (r *fakeRecorder) Wait(uint64) driver.Result {
	switch f := r.device; {
	case f.fail["Wait"] != driver.Success:
		return f.fail["Wait"]
	case f.hangs:
		return driver.Timeout
	default:
		f.write(r.canary)
		return driver.Success
	}
}

// write does what the last command of a submission does.
func (f *fakeDriver) write(c driver.Canary) {
	at := f.buffers[c.Buffer]
	*(*uint32)(unsafe.Pointer(&f.memory[at.memory][at.offset+c.Offset])) = c.Value
}

func (r *fakeRecorder) FailedCall() string { return "vkQueueSubmit" }
func (r *fakeRecorder) Destroy()           {}
