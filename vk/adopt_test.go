//go:build cgo && !windows

package vk

import (
	"bytes"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anchorvk/anchorvk/internal/fault"
	"github.com/anchorvk/anchorvk/internal/testhost"
	"github.com/stretchr/testify/require"
)

const hostUsage = testhost.UsageTransferSrc | testhost.UsageTransferDst | testhost.UsageStorage

// openHost starts an application that owns a device.
func openHost(t testing.TB, o testhost.Options) *testhost.Host {
	t.Helper()
	h, err := testhost.Open(o)
	require.NoError(t, err)
	t.Cleanup(h.Close)
	return h
}

// lend describes the host's device with all that it enabled.
func lend(h *testhost.Host) Borrowed {
	return Borrowed{
		GetInstanceProcAddr: h.GetInstanceProcAddr,
		Instance:            Handle(h.Instance), PhysicalDevice: Handle(h.PhysicalDevice), Device: Handle(h.Device), Queue: Handle(h.Queue),
		QueueFamily: h.QueueFamily, APIVersion: h.API, Extensions: h.Extensions, FeatureChain: h.Features,
		Lock: QueueLock{CLock: h.Lock, CUnlock: h.Unlock, CUser: uintptr(h.User)},
	}
}

// adopt adopts the host's device. Its allocations are counted, and gone after the test.
func adopt(t testing.TB, b Borrowed, edit func(*Options)) *Device {
	t.Helper()
	fault.Set(fault.Off)
	fault.ResetCounts()
	opt := Options{Hook: fault.Hook}
	if edit != nil {
		edit(&opt)
	}
	d, err := Adopt(b, opt)
	require.NoError(t, err)
	t.Cleanup(func() {
		fault.Set(fault.Off)
		require.NoError(t, d.Close())
		require.Zero(t, fault.Count().Live, "memory is left on the borrowed device")
	})
	return d
}

func borrow(t testing.TB, d *Device, b *testhost.Buffer) *Buffer {
	t.Helper()
	made, err := d.BorrowBuffer(BorrowedBuffer{Name: "host's", Handle: Handle(b.Handle), Size: b.Size, Usage: b.Usage, Address: b.Address})
	require.NoError(t, err)
	require.True(t, made.Borrowed())
	return made
}

func TestAdoptedRoundTrip(t *testing.T) {
	const n = 5000
	h := openHost(t, testhost.Options{Enable: testhost.All})
	for _, locked := range []bool{true, false} {
		b := lend(h)
		if !locked {
			b.Lock, b.Queue, b.GetInstanceProcAddr = QueueLock{}, 0, nil // what can be found out is left out
		}
		d := adopt(t, b, nil)
		require.True(t, d.Borrowed())
		src, dst := h.NewBuffer(4*n, hostUsage), h.NewBuffer(4*n, hostUsage)
		copy(src.Bytes, numbers(n))
		before, _ := h.Locks()
		r := newRecorder(t, d)
		r.Timestamp()
		r.Dispatch(affine(t, d, 3), []Binding{{Buffer: borrow(t, d, src)}, {Buffer: borrow(t, d, dst)}}, push(n, 7), (n+63)/64, 1, 1)
		r.Barrier()
		r.Timestamp()
		require.NoError(t, r.Run(background))
		want := words(n, func(i int) uint32 { return 3*(uint32(i)*2654435761+1) + 7 })
		require.Equal(t, want, dst.Bytes)
		after, bad := h.Locks()
		require.Zero(t, bad, "the lock is taken with family and index, and given back by the same thread")
		if locked {
			require.Equal(t, fault.Count().Submits, after-before, "each submission holds the queue's lock")
		}
		// Buffers of its own, and transfers between them and the host's.
		own := newBuffer(t, d, "own", 4*n, DeviceLocal)
		r.Reset()
		r.Copy(own, 0, borrow(t, d, dst), 0, 4*n)
		require.NoError(t, r.Run(background))
		require.Equal(t, want, download(t, d, own, 0, 4*n))
		lent := borrow(t, d, src)
		require.NoError(t, d.Upload(background, lent, 4, want[:1000]))
		require.Equal(t, want[:1000], src.Bytes[4:1004])
		require.Equal(t, want[:1000], download(t, d, lent, 4, 1000))
		require.Nil(t, lent.Mapped())
		require.False(t, lent.coherent())
		require.NoError(t, lent.Close())
		require.NoError(t, d.Close())
		// The host's objects live on.
		c := h.Begin()
		c.Fill(dst, 5)
		c.Barrier()
		c.End()
		h.Submit(testhost.Point{}, testhost.Point{}, c)
		h.Finish()
		require.Equal(t, words(n, func(int) uint32 { return 5 }), dst.Bytes)
		src.Free()
		dst.Free()
	}
}

// Go functions lock the queue as well.
func TestAdoptWithGoLock(t *testing.T) {
	h := openHost(t, testhost.Options{Enable: testhost.All})
	b := lend(h)
	held, taken := 0, 0
	b.Lock = QueueLock{Lock: func() { held++; taken++ }, Unlock: func() { held-- }}
	d := adopt(t, b, nil)
	r, own := newRecorder(t, d), newBuffer(t, d, "own", 64, DeviceLocal)
	r.Fill(own, 0, 64, 1)
	for range 3 {
		require.NoError(t, r.Run(background))
	}
	require.Equal(t, 3, taken)
	require.Zero(t, held)
}

// Features count when they are enabled, however the host says so.
func TestOnlyEnabledFeatures(t *testing.T) {
	of := func(h *testhost.Host, edit func(*Borrowed)) Report {
		b := lend(h)
		edit(&b)
		d := adopt(t, b, nil)
		r := *d.Report()
		require.NoError(t, d.Close())
		return r
	}
	keep := func(*Borrowed) {}
	all := openHost(t, testhost.Options{Enable: testhost.All})
	chained := of(all, keep)
	require.True(t, chained.Features.Storage16 || chained.WhyNot("storage16") == "not offered by the driver")
	require.True(t, chained.Features.TimelineSemaphore)
	single := of(openHost(t, testhost.Options{Enable: testhost.All, SingleChain: true}), keep)
	require.Equal(t, chained.Features, single.Features, "a structure for each feature")
	require.Equal(t, chained.Why, single.Why)
	named := of(all, func(b *Borrowed) {
		b.FeatureChain = nil
		b.Features = []string{
			"storageBuffer16BitAccess", "shaderFloat16", "subgroupSizeControl", "computeFullSubgroups", "vulkanMemoryModel", "vulkanMemoryModelDeviceScope",
			"bufferDeviceAddress", "timelineSemaphore", "cooperativeMatrix", "geometryShader",
			"maintenance4", "cooperativeMatrixFlexibleDimensions", "cooperativeMatrixReductions", "cooperativeMatrixConversions", "cooperativeMatrixPerElementOperations",
		}
	})
	require.Equal(t, chained.Features, named.Features, "by name")

	scopeless := of(all, func(b *Borrowed) {
		b.FeatureChain = nil
		b.Features = []string{"shaderFloat16", "storageBuffer16BitAccess", "vulkanMemoryModel", "cooperativeMatrix"}
	})
	require.False(t, scopeless.Features.VulkanMemoryModel)
	require.False(t, scopeless.Features.CooperativeMatrix, "matrix kernels have atomics of device scope")
	nothing := of(all, func(b *Borrowed) { b.FeatureChain = nil })
	unextended := of(all, func(b *Borrowed) { b.Extensions = nil })
	require.False(t, unextended.Features.CooperativeMatrix, "a feature whose extension was not enabled")
	bare := of(openHost(t, testhost.Options{}), keep)
	old := of(openHost(t, testhost.Options{API: testhost.Vulkan11, Enable: testhost.All}), keep)
	require.Equal(t, chained.Features.Storage16, old.Features.Storage16)
	require.Equal(t, chained.API, old.API, "the report has the device's version, whatever may be used of it")
	old.Features.Storage16 = false
	for _, r := range []Report{nothing, bare, old} {
		require.Equal(t, Features{HostVisible: chained.Features.HostVisible, MemoryBudget: chained.Features.MemoryBudget}, r.Features)
		require.Empty(t, r.CoopMatrix)
		require.False(t, r.Subgroup.SizeControl)
		require.Equal(t, chained.Subgroup.Size, r.Subgroup.Size)
	}
	for _, feature := range []string{"float16", "storage16", "memory-model", "buffer-address", "timeline-semaphore"} {
		if chained.WhyNot(feature) == "" {
			require.Contains(t, bare.WhyNot(feature), "not enabled on the borrowed device: enable ", feature)
		}
	}
	require.Subset(t, BorrowedFeatures(), []string{"shaderFloat16", "timelineSemaphore", "cooperativeMatrixReductions"})
}

// A kernel that needs what is not enabled is refused before the driver sees it.
func TestKernelsNeedEnabledFeatures(t *testing.T) {
	d := adopt(t, lend(openHost(t, testhost.Options{})), nil)
	for number, need := range map[uint32]string{9: "shaderFloat16", 4433: "storageBuffer16BitAccess", 5347: "bufferDeviceAddress", 5345: "vulkanMemoryModel", 6022: "cooperativeMatrix", 22: "shaderInt16"} {
		code := append([]byte{}, affineCode[:20]...)
		code = append(code, push(2<<16|17, number)...)
		code = append(code, affineCode[20:]...)
		_, err := d.NewPipeline(PipelineConfig{Name: "needy", Code: code, Bindings: 2, PushBytes: 8})
		var missing *FeatureError
		require.ErrorAs(t, err, &missing)
		require.Contains(t, missing.Error(), "enable "+need+" on your device")
	}
	affine(t, d, 1)
	old := adopt(t, lend(openHost(t, testhost.Options{API: testhost.Vulkan11})), nil)
	for minor, ok := range map[byte]bool{3: true, 5: false, 6: false} {
		code := append([]byte{}, affineCode...)
		code[5] = minor
		c := PipelineConfig{Name: "newer", Code: code, Bindings: 2, PushBytes: 8}
		if err := checkCapabilities(old.Report(), old.api, &c); ok {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "is of Vulkan 1.1")
		}
	}
	err := d.SubmitSync(Sync{Signal: []Timeline{{Semaphore: 1, Value: 1}}})
	require.ErrorContains(t, err, "enable timelineSemaphore on your device")
}

// A queue that the driver does not give is an error, and nothing is submitted to it.
func TestAdoptWithoutAQueue(t *testing.T) {
	b := lend(openHost(t, testhost.Options{}))
	b.Queue = 0
	faults := fault.Off
	faults.NoQueue = true
	fault.Set(faults)
	defer fault.Set(fault.Off)
	_, err := Adopt(b, Options{Hook: fault.Hook})
	var wrong *BorrowError
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, "Borrowed.Queue", wrong.Field)
}

func TestBorrowErrors(t *testing.T) {
	h := openHost(t, testhost.Options{Enable: testhost.All})
	nop := func() {}
	for _, c := range []struct {
		field string
		edit  func(*Borrowed, *Options)
	}{
		{"Borrowed.Instance", func(b *Borrowed, _ *Options) { b.Instance = 0 }},
		{"Borrowed.PhysicalDevice", func(b *Borrowed, _ *Options) { b.PhysicalDevice = 0 }},
		{"Borrowed.PhysicalDevice", func(b *Borrowed, _ *Options) { b.PhysicalDevice++ }},
		{"Borrowed.PhysicalDevice", func(b *Borrowed, _ *Options) { b.PhysicalDevice = b.Device }},
		{"Borrowed.Device", func(b *Borrowed, _ *Options) { b.Device = 0 }},
		{"Borrowed.QueueFamily", func(b *Borrowed, _ *Options) { b.QueueFamily = 77 }},
		{"Borrowed.QueueFamily", func(b *Borrowed, _ *Options) { b.QueueFamily = ^uint32(0) }},
		{"Borrowed.QueueIndex", func(b *Borrowed, _ *Options) { b.QueueIndex = 1000 }},
		{"Borrowed.APIVersion", func(b *Borrowed, _ *Options) { b.APIVersion = 0 }},
		{"Borrowed.APIVersion", func(b *Borrowed, _ *Options) { b.APIVersion = 1 << 22 }},
		{"Borrowed.Lock", func(b *Borrowed, _ *Options) { b.Lock.CUnlock = nil }},
		{"Borrowed.Lock", func(b *Borrowed, _ *Options) { b.Lock = QueueLock{Lock: nop} }},
		{"Borrowed.Lock", func(b *Borrowed, _ *Options) { b.Lock = QueueLock{Unlock: nop} }},
		{"Borrowed.Lock", func(b *Borrowed, _ *Options) { b.Lock.Lock, b.Lock.Unlock = nop, nop }},
		{"Options", func(_ *Borrowed, o *Options) { o.Device = "0" }},
		{"Options", func(_ *Borrowed, o *Options) { o.Validate = true }},
		{"Options.Priority", func(_ *Borrowed, o *Options) { o.Priority = PriorityLow }},
	} {
		b, o := lend(h), Options{}
		c.edit(&b, &o)
		d, err := Adopt(b, o)
		var wrong *BorrowError
		require.ErrorAs(t, err, &wrong, c.field)
		require.Nil(t, d)
		require.Equal(t, c.field, wrong.Field)
		require.NotEmpty(t, wrong.Try)
	}
	d := adopt(t, lend(h), nil)
	good := BorrowedBuffer{Name: "kept", Handle: 1, Size: 64, Usage: hostUsage}
	for _, c := range []struct {
		field string
		edit  func(*BorrowedBuffer)
	}{
		{".Handle", func(b *BorrowedBuffer) { b.Handle = 0 }},
		{".Size", func(b *BorrowedBuffer) { b.Size = 0 }},
		{".Usage", func(b *BorrowedBuffer) { b.Usage = testhost.UsageTransferDst }},
		{".Address", func(b *BorrowedBuffer) { b.Address = 64 }},
		{".Address", func(b *BorrowedBuffer) { b.Usage |= testhost.UsageAddress; b.Address = 65 }},
	} {
		b := good
		c.edit(&b)
		_, err := d.BorrowBuffer(b)
		var wrong *BorrowError
		require.ErrorAs(t, err, &wrong)
		require.Contains(t, wrong.Field, c.field)
		require.ErrorContains(t, err, "kept")
	}
	_, err := open(t, nil).BorrowBuffer(good)
	require.ErrorContains(t, err, "not adopted")

	storage := h.NewBuffer(256, testhost.UsageStorage)
	defer storage.Free()
	plain, own, r := borrow(t, d, storage), newBuffer(t, d, "own", 256, DeviceLocal), newRecorder(t, d)
	for name, record := range map[string]func(){
		"TRANSFER_DST_BIT": func() { r.Fill(plain, 0, 256, 0) }, "VK_BUFFER_USAGE_TRANSFER_DST_BIT": func() { r.Copy(plain, 0, own, 0, 4) },
		"TRANSFER_SRC_BIT": func() { r.Copy(own, 0, plain, 0, 4) },
	} {
		r.Reset()
		record()
		require.ErrorContains(t, r.Run(background), name)
	}
	require.ErrorContains(t, d.Upload(background, plain, 0, make([]byte, 8)), "TRANSFER_DST_BIT")
	require.ErrorContains(t, d.Download(background, make([]byte, 8), plain, 0), "TRANSFER_SRC_BIT")
	require.ErrorContains(t, d.Upload(background, plain, 250, make([]byte, 8)), "lie outside buffer")
	require.NoError(t, d.Err())
	require.Panics(t, func() { HandleOf(uint32(1)) })
	require.Equal(t, Handle(uintptr(h.User)), HandleOf(h.User), "a handle that is a pointer")
}

// Two devices on one queue serialise their submissions.
func TestAdoptTwice(t *testing.T) {
	h := openHost(t, testhost.Options{Enable: testhost.All})
	b := lend(h)
	b.Lock = QueueLock{}
	one, err := Adopt(b, Options{})
	require.NoError(t, err)
	two, err := Adopt(b, Options{})
	require.NoError(t, err)
	require.Same(t, one.queue, two.queue)
	failed := make(chan error, 4)
	end := time.Now().Add(200 * time.Millisecond)
	for i, d := range []*Device{one, two, one, two} {
		p := affine(t, d, 3)
		go func() { failed <- churn(d, p, uint64(i), func() bool { return time.Now().After(end) }) }()
	}
	for range 4 {
		require.NoError(t, <-failed)
	}
	require.NoError(t, one.Close())
	require.NoError(t, churn(two, affine(t, two, 3), 9, countTo(3)), "one device's Close leaves the other alone")
	require.NoError(t, two.Close())
	require.NotContains(t, queues.open, Handle(h.Queue))
}

func countTo(n int) func() bool { return func() bool { n--; return n < 0 } }

func TestAdoptedDeviceLost(t *testing.T) {
	h := openHost(t, testhost.Options{Enable: testhost.All})
	for _, c := range []struct {
		during string
		edit   func(*fault.Switches)
	}{{"vkQueueSubmit", func(s *fault.Switches) { s.Submit = 0 }}, {"vkWaitForFences", func(s *fault.Switches) { s.Wait = 0 }}} {
		d := adopt(t, lend(h), nil)
		r := newRecorder(t, d)
		fault.Set(switches(c.edit))
		loseDevice(t, d, r, c.during)
		locks, bad := h.Locks()
		require.Positive(t, locks)
		require.Zero(t, bad)
	}
}

// Adopting and closing over and over leaves nothing behind: not in this
// process, not on the device.
func TestAdoptManyTimes(t *testing.T) {
	if testing.Short() {
		t.Skip("repeats for seconds: left to make test")
	}
	const cycles = 1000
	h := openHost(t, testhost.Options{Enable: testhost.All})
	lent := h.NewBuffer(4096, hostUsage)
	defer lent.Free()
	cycle := func() {
		d, err := Adopt(lend(h), Options{Hook: fault.Hook})
		require.NoError(t, err)
		b, err := d.BorrowBuffer(BorrowedBuffer{Handle: Handle(lent.Handle), Size: lent.Size, Usage: lent.Usage})
		require.NoError(t, err)
		own := newBuffer(t, d, "own", 4096, DeviceLocal)
		r := newRecorder(t, d)
		r.Dispatch(affine(t, d, 1), []Binding{{Buffer: b}, {Buffer: own}}, push(1024, 1), 16, 1, 1)
		require.NoError(t, r.Run(background))
		require.NoError(t, d.Close())
	}
	fault.Set(fault.Off)
	fault.ResetCounts()
	for range cycles / 5 { // caches of the driver fill
		cycle()
	}
	before := resident(t)
	for range cycles {
		cycle()
	}
	after := resident(t)
	t.Logf("resident memory before and after %d cycles: %d and %d KiB", cycles, before>>10, after>>10)
	require.Zero(t, fault.Count().Live)
	require.Less(t, after, before+16<<20, "resident memory grew over %d cycles", cycles)
}

// resident is the memory of this process, after a garbage collection.
func resident(t *testing.T) int {
	t.Helper()
	runtime.GC()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("this system has no /proc/self/statm")
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	require.NoError(t, err)
	return pages * os.Getpagesize()
}

// A borrowed device keeps a budget for what is allocated on it, and the
// pipeline cache as a blob and as a file.
func TestAdoptedBudgetAndCache(t *testing.T) {
	dir := t.TempDir()
	h := openHost(t, testhost.Options{Enable: testhost.All})
	d := adopt(t, lend(h), func(o *Options) { o.MemoryBudget, o.CacheDir = 1<<20, dir })
	_, err := d.NewBuffer("keys", 2<<20, DeviceLocal)
	var over *MemoryBudgetError
	require.ErrorAs(t, err, &over)
	require.Zero(t, fault.Count().Tried, "the driver is not asked")
	newBuffer(t, d, "keys", 1<<19, DeviceLocal)
	affine(t, d, 3)
	blob, err := d.PipelineCacheData()
	require.NoError(t, err)
	require.NoError(t, d.SavePipelineCache())
	only(t, dir)
	require.NoError(t, d.Close())

	var log bytes.Buffer
	again := adopt(t, lend(h), func(o *Options) { o.PipelineCache, o.Log = blob, slog.New(slog.NewTextHandler(&log, nil)) })
	affine(t, again, 3)
	require.NotContains(t, log.String(), "pipeline cache")
}
