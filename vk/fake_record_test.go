package vk

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// fakeKernel is a pipeline of a module that does nothing, with two bindings and
// a word of push constants.
func fakeKernel(t *testing.T, d *Device) *Pipeline {
	t.Helper()
	var code []byte
	for _, word := range []uint32{0x07230203, 0x10000, 0, 1, 0} {
		code = binary.LittleEndian.AppendUint32(code, word)
	}
	p, err := d.NewPipeline(PipelineConfig{Name: "nothing", Code: code, Bindings: 2, PushBytes: 4})
	require.NoError(t, err)
	return p
}

// kinds are those of operations, in order.
func kinds(ops []driver.Op) (list []uint32) {
	for i := range ops {
		list = append(list, ops[i].Kind)
	}
	return list
}

// The driver gets what was recorded, in order, with bindings and push constants
// in lists that operations point into. A binding of size 0 reaches to the end.
func TestRecordedOperations(t *testing.T) {
	d, _ := fakeDevice(t, Options{})
	r, p := newRecorder(t, d), fakeKernel(t, d)
	a, b := newBuffer(t, d, "a", 1024, DeviceLocal), newBuffer(t, d, "b", 4096, DeviceLocal)
	r.Fill(a, 16, 32, 7)
	r.Barrier()
	r.Dispatch(p, []Binding{{Buffer: a}, {Buffer: b, Offset: 64, Size: 128}}, []byte{1, 2, 3, 4}, 3, 2, 1)
	r.Dispatch(p, []Binding{{Buffer: b, Offset: 32}, {Buffer: a}}, []byte{5, 6, 7, 8}, 0, 1, 1) // no workgroups
	r.Dispatch(p, []Binding{{Buffer: b, Offset: 32}, {Buffer: a}}, []byte{5, 6, 7, 8}, 1, 1, 1)
	r.Copy(b, 8, a, 4, 12)
	require.NoError(t, r.Run(background))
	got := r.driver.(*fakeRecorder)
	require.Equal(t, []driver.Op{
		{Kind: driver.Fill, Dst: a.handle, DstOffset: 16, Size: 32, Value: 7},
		{Kind: driver.Barrier},
		{Kind: driver.Dispatch, FirstBinding: 0, Bindings: 2, PushOffset: 0, PushSize: 4, X: 3, Y: 2, Z: 1, Pipeline: p.handle, Layout: p.layout, SetLayout: p.set},
		{Kind: driver.Dispatch, FirstBinding: 2, Bindings: 2, PushOffset: 4, PushSize: 4, X: 1, Y: 1, Z: 1, Pipeline: p.handle, Layout: p.layout, SetLayout: p.set},
		{Kind: driver.Copy, Dst: b.handle, DstOffset: 8, Src: a.handle, SrcOffset: 4, Size: 12},
	}, got.ops)
	require.Equal(t, []driver.Binding{{Buffer: a.handle, Range: 1024}, {Buffer: b.handle, Offset: 64, Range: 128}, {Buffer: b.handle, Offset: 32, Range: 4064}, {Buffer: a.handle, Range: 1024}}, got.bindings)
	require.Equal(t, []byte{1, 2, 3, 4, 5, 6, 7, 8}, got.push)
}

// Cuts split a recording into parts, each with a word of its own to write when
// it has ended; cuts at the ends, or twice in one place, make no part.
func TestRecordingIsSplitAtCuts(t *testing.T) {
	d, f := fakeDevice(t, Options{})
	d.lent = &Borrowed{}
	r, b := newRecorder(t, d), newBuffer(t, d, "b", 1024, DeviceLocal)
	r.Cut()
	r.Fill(b, 0, 4, 1)
	r.Barrier()
	r.Cut()
	r.Cut()
	r.Copy(b, 0, b, 512, 4)
	r.Cut()
	r.Fill(b, 4, 4, 2)
	r.Cut()
	recording, err := r.Hold()
	require.NoError(t, err)
	require.Equal(t, 3, recording.Parts())

	require.NoError(t, recording.Record(99, 0, 2))
	require.NoError(t, recording.Record(98, 2, 3))
	parts := r.driver.(*fakeRecorder).into
	require.Len(t, parts, 3)
	for i, want := range [][]uint32{{driver.Fill, driver.Barrier}, {driver.Copy}, {driver.Fill}} {
		require.Equal(t, want, kinds(parts[i].ops), "part %d", i)
		require.Equal(t, []uint64{99, 99, 98}[i], parts[i].commands)
		require.Equal(t, parts[0].canary.Offset+4*uint64(i), parts[i].canary.Offset)
	}
	var problem *BorrowError
	require.ErrorAs(t, recording.Record(99, 1, 4), &problem)

	require.ErrorIs(t, recording.CheckRun(), ErrNotRun)
	for i := range parts {
		f.write(parts[i].canary)
	}
	require.NoError(t, recording.CheckRun())
	require.ErrorIs(t, recording.CheckRun(), ErrNotRun, "since the last look")
	require.ErrorIs(t, d.Close(), ErrRecordings)
	require.NoError(t, b.Close())
	require.Contains(t, f.buffers, b.handle, "the recording uses it")
	require.NoError(t, recording.Close())
	require.NotContains(t, f.buffers, b.handle)
}

// A buffer that is closed under work keeps its memory until the work has ended.
func TestClosedBufferOutlivesItsWork(t *testing.T) {
	d, f := fakeDevice(t, Options{})
	r, b := newRecorder(t, d), newBuffer(t, d, "b", 20<<20, DeviceLocal)
	memory := f.buffers[b.handle].memory
	r.Fill(b, 0, 4, 1)
	f.hangs = true
	require.NoError(t, r.Submit(Sync{}))
	require.NoError(t, b.Close())
	require.Nil(t, b.Mapped(), "it is closed for its user")
	require.False(t, r.ended())
	require.Contains(t, f.buffers, b.handle)
	require.Contains(t, f.memory, memory)
	f.hangs = false
	require.NoError(t, r.Wait(background))
	require.NotContains(t, f.buffers, b.handle)
	require.NotContains(t, f.memory, memory)
	require.ErrorIs(t, r.Run(background), ErrClosed, "it cannot be used again")
}

// What a lost or hanging device may still use stays until the device is closed.
func TestGivenUpWorkKeepsItsBuffers(t *testing.T) {
	t.Run("lost", func(t *testing.T) {
		d, f := fakeDevice(t, Options{})
		r, b := newRecorder(t, d), newBuffer(t, d, "b", 1024, DeviceLocal)
		r.Fill(b, 0, 4, 1)
		f.fail["Wait"] = driver.ErrorDeviceLost
		var lost *DeviceLostError
		require.ErrorAs(t, r.Run(background), &lost)
		require.NoError(t, b.Close())
		require.Contains(t, f.buffers, b.handle)
		_, err := d.NewBuffer("c", 1, DeviceLocal)
		require.ErrorAs(t, err, &lost, "the loss is latched")
	})
	t.Run("hanging", func(t *testing.T) {
		d, f := fakeDevice(t, Options{Timeout: time.Millisecond})
		r, b := newRecorder(t, d), newBuffer(t, d, "b", 1024, DeviceLocal)
		r.Fill(b, 0, 4, 1)
		f.hangs = true
		var timeout *TimeoutError
		require.ErrorAs(t, r.Run(background), &timeout)
		require.NoError(t, b.Close())
		require.Contains(t, f.buffers, b.handle)
		f.hangs = false // closing waits for it
	})
}

// A canary that the work did not write is a lost device, though its fence has signalled.
func TestDroppedWorkIsNoticed(t *testing.T) {
	d, f := fakeDevice(t, Options{})
	r, b := newRecorder(t, d), newBuffer(t, d, "b", 1024, DeviceLocal)
	r.Fill(b, 0, 4, 1)
	require.NoError(t, r.Run(background))
	require.NoError(t, r.Submit(Sync{}))
	r.driver.(*fakeRecorder).canary.Value-- // the word stays as the run before left it
	var lost *DeviceLostError
	require.ErrorAs(t, r.Wait(background), &lost)
	require.NotEmpty(t, f.buffers)
}
