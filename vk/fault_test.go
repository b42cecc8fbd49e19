//go:build cgo

package vk

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/anchorvk/anchorvk/internal/fault"
	"github.com/stretchr/testify/require"
)

// openFaulty opens a device whose driver can be made to fail.
func openFaulty(t *testing.T, s fault.Switches, edit func(*Options)) *Device {
	t.Helper()
	fault.Set(s)
	fault.ResetCounts()
	t.Cleanup(func() { fault.Set(fault.Off) })
	return open(t, func(o *Options) {
		o.Hook = fault.Hook
		if edit != nil {
			edit(o)
		}
	})
}

func switches(edit func(*fault.Switches)) fault.Switches {
	s := fault.Off
	edit(&s)
	return s
}

func TestOutOfMemory(t *testing.T) {
	d := openFaulty(t, fault.Off, nil)
	before := fault.Live()
	fault.Set(switches(func(s *fault.Switches) { s.Allocation = 0 }))
	_, err := d.NewBuffer("keys", 100<<20, DeviceLocal)
	require.Equal(t, before, fault.Live(), "nothing is left")
	var oom *OutOfMemoryError
	require.ErrorAs(t, err, &oom)
	require.Equal(t, "keys", oom.What)
	require.GreaterOrEqual(t, oom.Asked, uint64(100<<20))
	require.NotZero(t, oom.Available)
	require.Equal(t, "vkAllocateMemory", oom.Call)
	require.False(t, oom.Host)
	require.Regexp(t, `^heap \d+ \(`, oom.Heap)
	require.Contains(t, err.Error(), "keys")
	require.NoError(t, d.Err(), "running out of memory does not lose the device")

	fault.Set(fault.Off)
	b, err := d.NewBuffer("keys", 100<<20, DeviceLocal)
	require.NoError(t, err)
	require.NoError(t, b.Close())
}

func TestPipelineOutOfMemory(t *testing.T) {
	d := openFaulty(t, switches(func(s *fault.Switches) { s.Pipeline = 0 }), nil)
	_, err := d.NewPipeline(PipelineConfig{Name: "affine", Code: affineCode, Bindings: 2, PushBytes: 8})
	var oom *OutOfMemoryError
	require.ErrorAs(t, err, &oom)
	require.EqualError(t, err, "pipeline affine: out of host memory: vkCreateComputePipelines failed; try shorter inputs, fewer heads at a time, or to end other programs")
}

// A small buffer comes from a block, then from memory of its own, before it fails.
func TestBlockFallsBackToExactSize(t *testing.T) {
	d := openFaulty(t, fault.Off, nil)
	fault.Set(switches(func(s *fault.Switches) { s.Allocation = 1 }))
	keep := newBuffer(t, d, "first", 1<<20, DeviceLocal) // a block
	require.NoError(t, keep.Close())
	require.Equal(t, 1, fault.Count().Live, "one empty block is kept")
	for range 3 { // and used again
		require.NoError(t, newBuffer(t, d, "again", 1<<20, DeviceLocal).Close())
	}
}

func TestNothingLeaks(t *testing.T) {
	fault.Set(fault.Off)
	fault.ResetCounts()
	opt, err := OptionsFromEnv()
	require.NoError(t, err)
	opt.Hook = fault.Hook
	d, err := Open(opt)
	require.NoError(t, err)
	for i := range 20 {
		b := newBuffer(t, d, "b", uint64(10<<20+i), DeviceLocal)
		if i%3 == 0 {
			require.NoError(t, b.Close())
		}
	}
	require.NotZero(t, fault.Count().Live)
	require.NoError(t, d.Close())
	require.Zero(t, fault.Count().Live)
}

// A budget is kept to the byte, by buffers of any kind, without asking the driver.
func TestMemoryBudget(t *testing.T) {
	const budget = 10 << 20
	d := openFaulty(t, fault.Off, func(o *Options) { o.MemoryBudget = budget })
	refused := func(name string, size uint64, kind MemoryKind) {
		t.Helper()
		live, tried := fault.Count().Live, fault.Count().Tried
		used, _ := d.MemoryUsage()
		_, err := d.NewBuffer(name, size, kind)
		var over *MemoryBudgetError
		require.ErrorAs(t, err, &over)
		require.Equal(t, name, over.What)
		require.GreaterOrEqual(t, over.Need, size)
		require.Equal(t, used, over.Used)
		require.Equal(t, uint64(budget), over.Budget)
		require.ErrorContains(t, err, name)
		require.Equal(t, live, fault.Count().Live)
		require.Equal(t, tried, fault.Count().Tried, "the driver is not asked")
		require.NoError(t, d.Err())
	}
	refused("keys", 11<<20, DeviceLocal)
	require.Zero(t, fault.Count().Tried)
	keys := newBuffer(t, d, "keys", 4<<20, DeviceLocal)
	values := newBuffer(t, d, "values", 5<<20, Upload)
	used, limit := d.MemoryUsage()
	require.GreaterOrEqual(t, used, uint64(9<<20))
	require.LessOrEqual(t, used, uint64(budget))
	require.Equal(t, uint64(budget), limit)
	refused("output", 2<<20, Readback)
	require.NoError(t, keys.Close())
	output := newBuffer(t, d, "output", 2<<20, Readback)
	require.NoError(t, output.Close())
	require.NoError(t, values.Close())
	used, _ = d.MemoryUsage()
	require.Zero(t, used, "nothing is kept in reserve")

	unbounded := openFaulty(t, fault.Off, nil)
	newBuffer(t, unbounded, "keys", 11<<20, DeviceLocal)
	used, limit = unbounded.MemoryUsage()
	require.GreaterOrEqual(t, used, uint64(11<<20))
	require.Zero(t, limit)
}

// loseDevice checks all that must hold after a loss.
func loseDevice(t *testing.T, d *Device, r *Recorder, during string) {
	b := newBuffer(t, d, "b", 4096, DeviceLocal)
	r.Fill(b, 0, 4096, 1)
	var lost *DeviceLostError
	require.ErrorAs(t, r.Run(background), &lost)
	require.Equal(t, during, lost.During)
	fault.Set(fault.Off)

	require.ErrorAs(t, d.Err(), &lost, "the loss is latched")
	_, err := d.NewBuffer("c", 16, DeviceLocal)
	require.ErrorAs(t, err, &lost)
	_, err = d.NewRecorder("c")
	require.ErrorAs(t, err, &lost)
	_, err = d.NewPipeline(PipelineConfig{Name: "affine", Code: affineCode, Bindings: 2, PushBytes: 8})
	require.ErrorAs(t, err, &lost)
	require.ErrorAs(t, d.Upload(background, b, 0, make([]byte, 16)), &lost)
	require.ErrorAs(t, d.Download(background, make([]byte, 16), b, 0), &lost)
	submits := fault.Count().Submits
	require.ErrorAs(t, r.Run(background), &lost)
	require.Equal(t, submits, fault.Count().Submits, "nothing is submitted any more")
	require.NoError(t, b.Close())
	require.NoError(t, r.Close())
	closes := make(chan error, 1)
	go func() { closes <- d.Close() }()
	select {
	case err := <-closes:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("Close hangs on a lost device")
	}
	require.Zero(t, fault.Count().Live, "memory is freed after a loss too")
	require.ErrorAs(t, d.Err(), &lost)

	TestRoundTrip(t) // a fresh device works
}

func TestDeviceLostOnSubmit(t *testing.T) {
	d := openFaulty(t, switches(func(s *fault.Switches) { s.Submit = 0 }), nil)
	loseDevice(t, d, newRecorder(t, d), "vkQueueSubmit")
}

func TestDeviceLostOnWait(t *testing.T) {
	d := openFaulty(t, switches(func(s *fault.Switches) { s.Wait = 0 }), nil)
	loseDevice(t, d, newRecorder(t, d), "vkWaitForFences")
}

func TestTimeout(t *testing.T) {
	d := openFaulty(t, switches(func(s *fault.Switches) { s.Hang = 0 }), func(o *Options) { o.Timeout = 50 * time.Millisecond })
	r, b := newRecorder(t, d), newBuffer(t, d, "b", 4096, DeviceLocal)
	r.Fill(b, 0, 4096, 1)
	var timeout *TimeoutError
	require.ErrorAs(t, r.Run(background), &timeout)
	require.GreaterOrEqual(t, timeout.Waited, 50*time.Millisecond)
	require.ErrorAs(t, d.Err(), &timeout)
	require.NoError(t, b.Close(), "the buffer stays until the device closes")
	_, err := d.NewRecorder("again")
	require.ErrorAs(t, err, &timeout)
	fault.Set(fault.Off) // the work ends after all
	require.NoError(t, d.Close())
	require.Zero(t, fault.Count().Live)
}

// A submission that never ends, or of which nothing is known, must not make
// Close hang, nor free memory under it.
func TestTimeoutForever(t *testing.T) {
	for during, s := range map[string]fault.Switches{
		"vkWaitForFences": switches(func(s *fault.Switches) { s.Hang = 0 }),
		"vkWaitForFences (VK_ERROR_OUT_OF_HOST_MEMORY)": switches(func(s *fault.Switches) { s.FailWait = 0 }),
	} {
		t.Run(during, func(t *testing.T) { timeoutForever(t, s, during) })
	}
}

func timeoutForever(t *testing.T, s fault.Switches, during string) {
	fault.Set(s)
	fault.ResetCounts()
	defer fault.Set(fault.Off)
	opt, err := OptionsFromEnv()
	require.NoError(t, err)
	opt.Hook, opt.Timeout = fault.Hook, 20*time.Millisecond
	d, err := Open(opt)
	require.NoError(t, err)
	r, b := newRecorder(t, d), newBuffer(t, d, "b", 4096, DeviceLocal)
	r.Fill(b, 0, 4096, 1)
	var timeout *TimeoutError
	require.ErrorAs(t, r.Run(background), &timeout)
	require.Equal(t, during, timeout.During)
	start := time.Now()
	require.ErrorIs(t, d.Close(), ErrAbandoned)
	require.Less(t, time.Since(start), 10*time.Second)
	require.NotZero(t, fault.Count().Live)
}

// A wait that fails says nothing of the work: it is tried again.
func TestWaitOutOfHostMemory(t *testing.T) {
	d := openFaulty(t, switches(func(s *fault.Switches) { s.FailWait = 0 }), nil)
	r, b := newRecorder(t, d), newBuffer(t, d, "b", 4096, DeviceLocal)
	r.Fill(b, 0, 4096, 1)
	require.NoError(t, r.Submit(Sync{}))
	require.False(t, r.ended(), "nobody can know")
	memory := time.AfterFunc(3*waitSlice, func() { fault.Set(fault.Off) })
	defer memory.Stop()
	require.NoError(t, r.Wait(background))
	require.NoError(t, d.Err())
	require.NoError(t, r.Run(background), "the recorder is good for more")
}

// Every fitting memory type is tried; a type that fails gives way to the next.
func TestEveryMemoryType(t *testing.T) {
	d := openFaulty(t, fault.Off, nil)
	fault.Set(switches(func(s *fault.Switches) { s.Allocation = 0 }))
	_, err := d.NewBuffer("b", 1<<20, DeviceLocal)
	require.Error(t, err)
	tried := fault.Count().Tried
	for _, m := range d.memory.order[DeviceLocal] {
		require.NotZero(t, tried&(1<<m.index), "memory type %d was not tried", m.index)
	}
	first := d.memory.order[DeviceLocal][0]
	fault.Set(switches(func(s *fault.Switches) { s.Type = int(first.index) }))
	b, err := d.NewBuffer("b", 1<<20, DeviceLocal)
	if len(d.memory.order[DeviceLocal]) == 1 {
		var oom *OutOfMemoryError
		require.ErrorAs(t, err, &oom, "there is no other type")
		return
	}
	require.NoError(t, err)
	require.NotEqual(t, first.index, b.memory.block.kind.index)
}

func TestIncoherentMemory(t *testing.T) {
	d := openFaulty(t, switches(func(s *fault.Switches) { s.Incoherent = true }), nil)
	var buffers []*Buffer
	for i, size := range []uint64{1, 255, 256, 257, 5000} {
		b := newBuffer(t, d, "b", size, MemoryKind(i%3))
		require.False(t, b.coherent())
		buffers = append(buffers, b)
	}
	require.Zero(t, fault.Count().Flushes)
	for i, b := range buffers {
		data := make([]byte, b.Size())
		for k := range data {
			data[k] = byte(k + i)
		}
		require.NoError(t, d.Upload(background, b, 0, data))
		half := b.Size() / 2
		require.Equal(t, data[half:], download(t, d, b, half, b.Size()-half))
	}
	c := fault.Count()
	require.GreaterOrEqual(t, c.Flushes, len(buffers))
	require.GreaterOrEqual(t, c.Invalidates, len(buffers))
	require.Zero(t, c.Misaligned)
}

// Without memory that the host can map, everything goes through the staging rings.
func TestStaging(t *testing.T) {
	for _, incoherent := range []bool{false, true} {
		d := openFaulty(t, switches(func(s *fault.Switches) { s.Incoherent = incoherent }), func(o *Options) { o.Disable = append(o.Disable, "host-visible") })
		const size = 3*stagingSize + 12345
		b := newBuffer(t, d, "b", size+100, DeviceLocal)
		require.Nil(t, b.Mapped())
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i * 7 >> 3)
		}
		require.NoError(t, d.Upload(background, b, 100, data))
		require.GreaterOrEqual(t, fault.Count().Submits, 4)
		require.True(t, bytes.Equal(data, download(t, d, b, 100, size)), "bytes differ after the round trip")
		require.Zero(t, fault.Count().Misaligned)

		ctx, cancel := context.WithCancel(background)
		cancel()
		require.ErrorIs(t, d.Upload(ctx, b, 0, data), context.Canceled)
		require.ErrorContains(t, d.Upload(background, b, 101, data), "lie outside buffer")
		require.True(t, bytes.Equal(data, download(t, d, b, 100, size)), "a refused upload changed the buffer")
	}
}

// The device is lost while a transfer has pieces in flight.
func TestDeviceLostInTransfer(t *testing.T) {
	d := openFaulty(t, fault.Off, func(o *Options) { o.Disable = append(o.Disable, "host-visible") })
	b := newBuffer(t, d, "b", 4*stagingSize, DeviceLocal)
	fault.Set(switches(func(s *fault.Switches) { s.Submit = 1 }))
	var lost *DeviceLostError
	require.ErrorAs(t, d.Upload(background, b, 0, make([]byte, 4*stagingSize)), &lost)
	fault.Set(fault.Off)
	require.NoError(t, d.Close())
	require.Zero(t, fault.Count().Live)
}
