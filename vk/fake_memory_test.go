package vk

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// Small buffers lie side by side in one block, of an eighth of the heap; a large
// one has memory of its own, which goes with it, while an empty block stays for
// the next buffers.
func TestBuffersShareABlock(t *testing.T) {
	d, f := fakeDevice(t, Options{})
	const blockBytes = 10 << 20
	small := []*Buffer{newBuffer(t, d, "a", 100, DeviceLocal), newBuffer(t, d, "b", 1<<20, DeviceLocal), newBuffer(t, d, "c", 4<<20, DeviceLocal)}
	require.Len(t, f.memory, 1)
	end := uint64(0)
	for _, b := range small {
		at := f.buffers[b.handle]
		require.Len(t, f.memory[at.memory], blockBytes)
		require.Equal(t, end, at.offset, b.Name())
		end = at.offset + roundUp(b.Size(), 256)
	}
	large := newBuffer(t, d, "d", blockBytes/2+1, DeviceLocal)
	own := f.buffers[large.handle].memory
	require.Len(t, f.memory[own], blockBytes/2+256)
	used, _ := d.MemoryUsage()
	require.Equal(t, uint64(blockBytes+blockBytes/2+256), used)

	require.NoError(t, large.Close())
	require.NotContains(t, f.memory, own)
	require.NoError(t, small[1].Close())
	again := newBuffer(t, d, "e", 1<<20, DeviceLocal)
	require.Equal(t, fakeBound{f.buffers[small[0].handle].memory, 256}, f.buffers[again.handle], "the gap is taken first")
	for _, b := range []*Buffer{small[0], again, small[2]} {
		require.NoError(t, b.Close())
	}
	require.Empty(t, f.buffers)
	require.Len(t, f.memory, 1, "the empty block")
	newBuffer(t, d, "f", 1, DeviceLocal)
	require.Len(t, f.memory, 1)
}

// Memory that is not coherent is handed out in whole atoms, so that a flush
// touches no other buffer; the host sees as much as was asked for.
func TestReadbackTakesWholeAtoms(t *testing.T) {
	d, f := fakeDevice(t, Options{})
	b := newBuffer(t, d, "b", 10, Readback)
	at := f.buffers[b.handle]
	require.Equal(t, uint32(2), f.types[at.memory], "cached memory is the best to read")
	require.Len(t, b.Mapped(), 10)
	require.Equal(t, 10, cap(b.Mapped()), "no view into its neighbour")
	require.False(t, b.coherent())
	require.Zero(t, b.memory.offset%64)
	require.Zero(t, b.memory.size%64)
}

// Each memory type is tried, the best first; the error is that of the heap that
// has the most left. A type that is full costs nothing but the attempt.
func TestMemoryTypesAreTriedInOrder(t *testing.T) {
	d, f := fakeDevice(t, Options{})
	f.full = []uint32{1}
	b := newBuffer(t, d, "b", 20<<20, DeviceLocal)
	require.Equal(t, []uint32{1, 0}, f.asked)
	require.Nil(t, b.Mapped())

	f.full, f.asked = []uint32{0, 1, 2, 3}, nil
	_, err := d.NewBuffer("c", 20<<20, DeviceLocal)
	var oom *OutOfMemoryError
	require.ErrorAs(t, err, &oom)
	require.Equal(t, []uint32{1, 0, 3, 2}, f.asked)
	require.Equal(t, "c", oom.What)
	require.Equal(t, "vkAllocateMemory", oom.Call)
	require.Equal(t, uint64(160<<20), oom.Available)
	require.Equal(t, "heap 1 (the host's, 167772160 bytes)", oom.Heap)
	require.NoError(t, d.Err())
}

// A buffer that cannot be made leaves neither memory nor an object, at whichever
// call it fails.
func TestFailedBufferLeavesNothing(t *testing.T) {
	for call, result := range map[string]driver.Result{
		"CreateBuffer": driver.ErrorOutOfHostMemory, "Allocate": driver.ErrorOutOfDeviceMemory,
		"Map": driver.ErrorMemoryMapFailed, "BindBuffer": driver.ErrorOutOfDeviceMemory,
	} {
		t.Run(call, func(t *testing.T) {
			d, f := fakeDevice(t, Options{})
			f.fail[call] = result
			_, err := d.NewBuffer("b", 20<<20, Upload)
			var oom *OutOfMemoryError
			require.ErrorAs(t, err, &oom)
			require.Equal(t, "vk"+map[string]string{"CreateBuffer": "CreateBuffer", "Allocate": "AllocateMemory", "Map": "MapMemory", "BindBuffer": "BindBufferMemory"}[call], oom.Call)
			require.Empty(t, f.memory)
			require.Empty(t, f.buffers)
			used, _ := d.MemoryUsage()
			require.Zero(t, used)
			require.NoError(t, d.Err(), "the device is not lost")
			f.fail = map[string]driver.Result{}
			newBuffer(t, d, "b", 20<<20, Upload)
		})
	}
}
