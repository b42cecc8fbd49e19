//go:build cgo

package vk

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func push(values ...uint32) []byte {
	return words(len(values), func(i int) uint32 { return values[i] })
}

func download(t testing.TB, d *Device, b *Buffer, off, size uint64) []byte {
	t.Helper()
	got := make([]byte, size)
	require.NoError(t, d.Download(background, got, b, off))
	return got
}

func TestBindingOffsets(t *testing.T) {
	d := open(t, nil)
	align := max(d.Report().Limits.StorageAlign, 256)
	buffer := newBuffer(t, d, "both", 4*align, DeviceLocal)
	r := newRecorder(t, d)
	r.Fill(buffer, 0, 4*align, 5)
	r.Barrier()
	n := uint32(align / 4)
	r.Dispatch(affine(t, d, 2), []Binding{{buffer, align, align}, {buffer, 3 * align, align}}, push(n, 1), (n+63)/64, 1, 1)
	require.NoError(t, r.Run(background))
	want := words(int(align), func(i int) uint32 {
		if i >= int(3*align/4) {
			return 11
		}
		return 5
	})
	require.Equal(t, want, download(t, d, buffer, 0, 4*align))
}

func TestFillAndCopy(t *testing.T) {
	d := open(t, nil)
	a, b := newBuffer(t, d, "a", 1024, DeviceLocal), newBuffer(t, d, "b", 1024, Readback)
	r := newRecorder(t, d)
	r.Fill(a, 0, 1024, 0x01020304)
	r.Barrier()
	r.Fill(a, 16, 8, 0xffffffff)
	r.Fill(b, 0, 1024, 0)
	r.Barrier()
	r.Copy(b, 100, a, 12, 20)
	require.NoError(t, r.Run(background))
	want := make([]byte, 1024)
	copy(want[100:], push(0x01020304, 0xffffffff, 0xffffffff, 0x01020304, 0x01020304))
	require.Equal(t, want, download(t, d, b, 0, 1024))
}

// A chain of dependent kernels: wrong or missing barriers break the count.
func TestBarrierChain(t *testing.T) {
	const n, steps = 4096, 50
	d := open(t, nil)
	a, b := newBuffer(t, d, "a", 4*n, DeviceLocal), newBuffer(t, d, "b", 4*n, DeviceLocal)
	p, r := affine(t, d, 1), newRecorder(t, d)
	r.Fill(a, 0, 4*n, 0)
	for range steps {
		r.Barrier()
		r.Dispatch(p, []Binding{{Buffer: a}, {Buffer: b}}, push(n, 1), n/64, 1, 1)
		r.Barrier()
		r.Copy(a, 0, b, 0, 4*n)
	}
	for range 3 { // a recording may be run again
		require.NoError(t, r.Run(background))
		require.Equal(t, words(n, func(int) uint32 { return steps }), download(t, d, a, 0, 4*n))
	}
}

// Runs of different recorders see each other's results without a barrier between them.
func TestRunsFollowEachOther(t *testing.T) {
	const n = 1 << 16
	d := open(t, nil)
	a, b := newBuffer(t, d, "a", 4*n, DeviceLocal), newBuffer(t, d, "b", 4*n, DeviceLocal)
	p := affine(t, d, 1)
	there, back := newRecorder(t, d), newRecorder(t, d)
	there.Dispatch(p, []Binding{{Buffer: a}, {Buffer: b}}, push(n, 1), n/64, 1, 1)
	back.Dispatch(p, []Binding{{Buffer: b}, {Buffer: a}}, push(n, 1), n/64, 1, 1)
	require.NoError(t, d.Upload(background, a, 0, make([]byte, 4*n)))
	for range 10 {
		require.NoError(t, there.Run(background))
		require.NoError(t, back.Run(background))
	}
	require.Equal(t, words(n, func(int) uint32 { return 20 }), download(t, d, a, 0, 4*n))
}

func TestTimestamps(t *testing.T) {
	d := open(t, nil)
	buffer := newBuffer(t, d, "data", 1<<16, DeviceLocal)
	p, err := d.NewPipeline(PipelineConfig{Name: "spin", Code: spinCode, Bindings: 1, PushBytes: 4})
	require.NoError(t, err)
	r := newRecorder(t, d)
	require.Nil(t, r.TimestampsMS(nil))
	record := func(rounds uint32) []float64 {
		r.Reset()
		require.Equal(t, 0, r.Timestamp())
		r.Dispatch(p, []Binding{{Buffer: buffer}}, push(rounds), 256, 1, 1)
		r.Barrier()
		require.Equal(t, 1, r.Timestamp())
		require.NoError(t, r.Run(background))
		return r.TimestampsMS(nil)
	}
	record(1) // compiles
	little, much := record(10), record(20_000)
	if d.Report().Limits.TimestampBits == 0 {
		require.Nil(t, much)
		return
	}
	require.Len(t, much, 2)
	require.Zero(t, much[0])
	require.Greater(t, much[1], 4*little[1], "2000 times the work takes longer: %v, %v", little, much)
	require.Less(t, much[1], 60_000.0)
}

func TestRecordingErrors(t *testing.T) {
	d := open(t, nil)
	limits := &d.Report().Limits
	b := newBuffer(t, d, "b", 4096, DeviceLocal)
	p, r := affine(t, d, 1), newRecorder(t, d)
	two := []Binding{{Buffer: b}, {Buffer: b}}
	for _, c := range []struct {
		name, message string
		record        func()
	}{
		{"too few bindings", "takes 2 bindings", func() { r.Dispatch(p, two[:1], push(1, 1), 1, 1, 1) }},
		{"push size", "8 bytes of push constants", func() { r.Dispatch(p, two, push(1), 1, 1, 1) }},
		{"no pipeline", "nil or of another device", func() { r.Dispatch(nil, nil, nil, 1, 1, 1) }},
		{"no buffer", "binding 1 of affine", func() { r.Dispatch(p, []Binding{{Buffer: b}, {}}, push(1, 1), 1, 1, 1) }},
		{"binding outside", "lie outside buffer", func() { r.Dispatch(p, []Binding{{b, 4096, 4}, {Buffer: b}}, push(1, 1), 1, 1, 1) }},
		{"offset at the end", "lies outside buffer", func() { r.Dispatch(p, []Binding{{b, 4096, 0}, {Buffer: b}}, push(1, 1), 1, 1, 1) }},
		{"size overflows", "lie outside buffer", func() { r.Dispatch(p, []Binding{{b, 256, ^uint64(0)}, {Buffer: b}}, push(1, 1), 1, 1, 1) }},
		{"fill outside", "lie outside buffer", func() { r.Fill(b, 4092, 8, 0) }},
		{"fill not a multiple", "multiples of 4", func() { r.Fill(b, 2, 4, 0) }},
		{"copy outside", "lie outside buffer", func() { r.Copy(b, 0, b, 4000, 97) }},
		{"copy overlaps", "overlap", func() { r.Copy(b, 0, b, 4, 8) }},
		{"copy from nothing", "nil or of another device", func() { r.Copy(b, 0, nil, 4, 8) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.Reset()
			c.record()
			r.Barrier() // later calls do not hide the first error
			require.ErrorContains(t, r.Run(background), c.message)
		})
	}
	t.Run("limits", func(t *testing.T) {
		var limit *LimitError
		if limits.MaxGroups[1] < ^uint32(0) {
			r.Reset()
			r.Dispatch(p, two, push(1, 1), 1, limits.MaxGroups[1]+1, 1)
			require.ErrorAs(t, r.Run(background), &limit)
			require.Equal(t, uint64(limits.MaxGroups[1]), limit.Max)
		}
		if limits.StorageAlign > 1 {
			r.Reset()
			r.Dispatch(p, []Binding{{b, limits.StorageAlign / 2, 4}, {Buffer: b}}, push(1, 1), 1, 1, 1)
			require.ErrorAs(t, r.Run(background), &limit)
			require.Contains(t, limit.Limit, "minStorageBufferOffsetAlignment")
		}
		_, err := d.NewBuffer("huge", limits.MaxAllocation+1, DeviceLocal)
		require.ErrorAs(t, err, &limit)
		require.Equal(t, limits.MaxAllocation, limit.Max)
	})
	r.Reset()
	require.NoError(t, r.Run(background), "Reset clears the error")
}

// A buffer may be larger than one binding; a binding may not.
func TestBufferLargerThanBinding(t *testing.T) {
	d := open(t, nil)
	limits := &d.Report().Limits
	size := limits.MaxStorageBufferRange + 4096
	if size > 1<<30 || size > limits.MaxAllocation {
		// The allocation alone would be over a gigabyte: lower the limit instead.
		limits.MaxStorageBufferRange = 1 << 20
		size = 1<<20 + 4096
	}
	big, out := newBuffer(t, d, "big", size, DeviceLocal), newBuffer(t, d, "out", 4096, DeviceLocal)
	p, r := affine(t, d, 1), newRecorder(t, d)
	r.Dispatch(p, []Binding{{Buffer: big}, {Buffer: out}}, push(1, 0), 1, 1, 1)
	var limit *LimitError
	require.ErrorAs(t, r.Run(background), &limit)
	require.Equal(t, "maxStorageBufferRange", limit.Limit)
	require.Contains(t, limit.Error(), "Offset and Size")

	tail := size - 4096
	require.NoError(t, d.Upload(background, big, tail, bytes.Repeat([]byte{1, 0, 0, 0}, 1024)))
	r.Reset()
	r.Dispatch(p, []Binding{{Buffer: big, Offset: tail}, {Buffer: out}}, push(1024, 1), 16, 1, 1)
	require.NoError(t, r.Run(background))
	require.Equal(t, bytes.Repeat([]byte{2, 0, 0, 0}, 1024), download(t, d, out, 0, 4096))
}

func TestNoAllocations(t *testing.T) {
	d := open(t, nil)
	a, b := newBuffer(t, d, "a", 4096, DeviceLocal), newBuffer(t, d, "b", 4096, DeviceLocal)
	p, r := affine(t, d, 1), newRecorder(t, d)
	bindings, constants := []Binding{{Buffer: a}, {Buffer: b}}, push(1024, 1)
	var times []float64
	work := func() {
		r.Reset()
		r.Timestamp()
		r.Fill(a, 0, 4096, 1)
		for range 20 {
			r.Barrier()
			r.Dispatch(p, bindings, constants, 16, 1, 1)
		}
		r.Barrier()
		r.Copy(a, 0, b, 0, 16)
		r.Timestamp()
		if err := r.Run(background); err != nil {
			t.Fatal(err)
		}
		times = r.TimestampsMS(times)
	}
	require.Zero(t, testing.AllocsPerRun(20, work))
}

func BenchmarkRecordDispatch(b *testing.B) {
	d := open(b, nil)
	x, y := newBuffer(b, d, "x", 4096, DeviceLocal), newBuffer(b, d, "y", 4096, DeviceLocal)
	p, r := affine(b, d, 1), newRecorder(b, d)
	forth, back, constants := []Binding{{Buffer: x}, {Buffer: y}}, []Binding{{Buffer: y}, {Buffer: x}}, push(0, 1)
	for b.Loop() {
		r.Reset()
		for range 50 {
			r.Dispatch(p, forth, constants, 1, 1, 1)
			r.Barrier()
			r.Dispatch(p, back, constants, 1, 1, 1)
			r.Barrier()
		}
		if err := r.Submit(Sync{}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer() // the device's time is not the host's
		if err := r.Wait(background); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/dispatch")
}
