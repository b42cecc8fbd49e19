//go:build cgo && (linux || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package attention

import (
	"context"
	"math"
	"os"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/internal/testhost"
	"github.com/anchorvk/anchorvk/vk"
)

// lent is an engine on the device of another application.
type lent struct {
	host   *testhost.Host
	device *vk.Device
	engine *Engine
}

const lentUsage = testhost.UsageTransferSrc | testhost.UsageTransferDst | testhost.UsageStorage

func lendDevice(h *testhost.Host) vk.Borrowed {
	return vk.Borrowed{
		GetInstanceProcAddr: h.GetInstanceProcAddr,
		Instance:            vk.Handle(h.Instance), PhysicalDevice: vk.Handle(h.PhysicalDevice), Device: vk.Handle(h.Device), Queue: vk.Handle(h.Queue),
		QueueFamily: h.QueueFamily, APIVersion: h.API, Extensions: h.Extensions, FeatureChain: h.Features,
		Lock: vk.QueueLock{CLock: h.Lock, CUnlock: h.Unlock, CUser: uintptr(h.User)},
	}
}

// openLent starts an application, adopts its device and makes an engine on it.
// What the environment disables is disabled here too, as on the shared device.
func openLent(t testing.TB, o testhost.Options) *lent {
	t.Helper()
	host, err := testhost.Open(o)
	require.NoError(t, err)
	t.Cleanup(host.Close)
	code, err := os.ReadFile("../vk/testdata/affine.spv")
	require.NoError(t, err)
	host.MakePass(code)
	options, err := vk.OptionsFromEnv()
	require.NoError(t, err)
	device, err := vk.Adopt(lendDevice(host), vk.Options{Disable: options.Disable})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, device.Close()) })
	engine, err := NewEngine(device, Options{PoisonScratch: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	return &lent{host, device, engine}
}

// buffer makes a buffer of the application's, and lends it.
func (l *lent) buffer(t testing.TB, size uint64, usage uint32) (*testhost.Buffer, *vk.Buffer) {
	t.Helper()
	b := l.host.NewBuffer(size, usage)
	t.Cleanup(b.Free)
	made, err := l.device.BorrowBuffer(vk.BorrowedBuffer{Name: "tensor", Handle: vk.Handle(b.Handle), Size: b.Size, Usage: b.Usage, Address: b.Address})
	require.NoError(t, err)
	return b, made
}

// lentCall is a call on buffers of the application's: inputs come from and
// outputs go to other buffers through passes of its own.
type lentCall struct {
	lent               *lent
	plan               *Plan
	staged, used       [3]*testhost.Buffer // Q, K, V
	o, lse, outO, outL *testhost.Buffer
	in                 Inputs
	out                Outputs
}

// call puts inputs into buffers with gaps at offsets. All but the staged copy
// of the inputs is filled with what no kernel writes.
func (l *lent) call(t testing.TB, plan *Plan, in Inputs, usage uint32) *lentCall {
	t.Helper()
	c := &lentCall{lent: l, plan: plan}
	s := plan.Shape
	tensors := [3]*Tensor{&c.in.Q, &c.in.K, &c.in.V}
	const offset = 4096 + 48
	for i, x := range []Tensor{in.Q, in.K, in.V} {
		x = gapped(x, i == 1)
		size := offset + halfBytes*uint64(x.Elements()) + 64
		c.staged[i] = l.host.NewBuffer(size, lentUsage)
		t.Cleanup(c.staged[i].Free)
		fillBytes(c.staged[i])
		copy(c.staged[i].Bytes[offset:], bytesOf(x.Host[:x.Elements()]))
		used, buffer := l.buffer(t, size, usage)
		c.used[i] = used
		x.Host, x.Buffer, x.Offset = nil, buffer, offset
		*tensors[i] = x
	}
	o := gappedLayout(s.Batch, s.Heads, s.QLen, s.HeadDim)
	o.Offset = offset
	c.o, o.Buffer = l.buffer(t, offset+halfBytes*uint64(o.Elements())+64, usage)
	c.out.O = o
	c.lse, c.out.LSEBuffer = l.buffer(t, 4*uint64(s.Batch*s.Heads*s.QLen)+24, usage)
	c.out.LSEOffset = 20
	c.outO, _ = l.buffer(t, c.o.Size, usage)
	c.outL, _ = l.buffer(t, c.lse.Size, usage)
	return c
}

func fillBytes(b *testhost.Buffer) {
	half := unsafe.Slice((*float16.Float16)(unsafe.Pointer(&b.Bytes[0])), b.Size/halfBytes)
	for i := range half {
		half[i] = gapFill
	}
}

// before records the application's passes ahead of the call: fills, copies and
// a kernel that bring the inputs, with barriers between them and none behind.
func (c *lentCall) before(commands testhost.Commands) {
	const nothing = uint32(gapFill)<<16 | uint32(gapFill)
	for _, b := range []*testhost.Buffer{c.used[0], c.used[1], c.used[2], c.o, c.lse, c.outO, c.outL} {
		commands.Fill(b, nothing)
	}
	commands.Barrier()
	commands.Pass(c.used[0], c.staged[0])
	commands.Copy(c.used[1], c.staged[1])
	commands.Pass(c.used[2], c.staged[2])
}

// after records the passes behind the call: a kernel and a copy that read what
// it wrote, with no barrier ahead.
func (c *lentCall) after(commands testhost.Commands) {
	commands.Pass(c.outO, c.o)
	commands.Copy(c.outL, c.lse)
	commands.Barrier()
}

// result is what the application finds in its buffers. Gaps must be untouched.
func (c *lentCall) result(t testing.TB, what string) result {
	t.Helper()
	s := c.plan.Shape
	halves := unsafe.Slice((*float16.Float16)(unsafe.Pointer(&c.outO.Bytes[0])), c.outO.Size/halfBytes)
	whole := append([]float16.Float16(nil), halves...)
	view := c.out.O
	view.Buffer, view.Host, view.Offset = nil, whole[c.out.O.Offset/halfBytes:], 0
	r := result{o: outputFor(s).O, lse: make([]float32, s.Batch*s.Heads*s.QLen)}
	eachRow(view.Shape, func(b, h, i int) { copy(r.o.At(b, h, i), view.At(b, h, i)) })
	requireGapsUntouched(t, view, whole, what)
	all := unsafe.Slice((*float32)(unsafe.Pointer(&c.outL.Bytes[0])), c.outL.Size/4)
	copy(r.lse, all[c.out.LSEOffset/4:])
	for _, i := range []int{0, 4, len(all) - 1} { // around the log-sum-exps
		require.Equal(t, uint32(gapFill)<<16|uint32(gapFill), math.Float32bits(all[i]), "%s: word %d, which is no log-sum-exp", what, i)
	}
	return r
}

// prepare makes a prepared call that is closed after the test.
func (c *lentCall) prepare(t testing.TB, scratch *Scratch) *Call {
	t.Helper()
	r, err := prepare(c.lent.engine, c.plan, c.in, c.out, scratch)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// lentWays are the ways to run a call between passes of the application's.
var lentWays = []struct {
	name string
	run  func(t testing.TB, c *lentCall) Stats
}{
	{"run", func(t testing.TB, c *lentCall) Stats {
		commands := c.lent.host.Begin()
		c.before(commands)
		commands.End()
		c.lent.host.Submit(testhost.Point{}, testhost.Point{}, commands) // not waited for: the call's barriers do
		stats, err := c.lent.engine.Run(context.Background(), c.plan, c.in, c.out)
		require.NoError(t, err)
		c.finish()
		return stats
	}},
	{"record", func(t testing.TB, c *lentCall) Stats {
		r := c.prepare(t, nil)
		commands := c.lent.host.Begin()
		c.before(commands)
		require.NoError(t, r.Record(vk.Handle(commands.Handle), AllParts))
		c.after(commands)
		commands.End()
		c.lent.host.Submit(testhost.Point{}, testhost.Point{}, commands)
		c.lent.host.Finish()
		stats, err := r.Recorded()
		require.NoError(t, err)
		return stats
	}},
	{"record parts", func(t testing.TB, c *lentCall) Stats {
		r := c.prepare(t, nil)
		commands := c.lent.host.Begin()
		c.before(commands)
		commands.End()
		c.lent.host.Submit(testhost.Point{}, testhost.Point{}, commands)
		for part := range r.Parts() {
			commands := c.lent.host.Begin()
			require.NoError(t, r.Record(vk.Handle(commands.Handle), part))
			commands.End()
			c.lent.host.Submit(testhost.Point{}, testhost.Point{}, commands)
		}
		c.finish()
		stats, err := r.Recorded()
		require.NoError(t, err)
		require.Equal(t, r.Parts(), stats.Slices)
		return stats
	}},
	{"submit", func(t testing.TB, c *lentCall) Stats {
		h := c.lent.host
		semaphore := h.NewTimeline()
		defer h.FreeTimeline(semaphore)
		first, second := h.Begin(), h.Begin()
		c.before(first)
		first.End()
		c.after(second)
		second.End()
		h.Submit(testhost.Point{}, testhost.Point{Semaphore: semaphore, Value: 1}, first)
		job, err := submit(context.Background(), c.lent.engine, c.plan, c.in, c.out, vk.Sync{
			Wait: []vk.Timeline{{Semaphore: vk.Handle(semaphore), Value: 1}}, Signal: []vk.Timeline{{Semaphore: vk.Handle(semaphore), Value: 2}},
		})
		require.NoError(t, err)
		<-job.Submitted()
		h.Submit(testhost.Point{Semaphore: semaphore, Value: 2}, testhost.Point{Semaphore: semaphore, Value: 3}, second)
		require.True(t, h.Await(testhost.Point{Semaphore: semaphore, Value: 3}, 60e9))
		stats, err := job.Wait(context.Background())
		require.NoError(t, err)
		return stats
	}},
}

// finish runs the passes behind the call.
func (c *lentCall) finish() {
	commands := c.lent.host.Begin()
	c.after(commands)
	commands.End()
	c.lent.host.Submit(testhost.Point{}, testhost.Point{}, commands)
	c.lent.host.Finish()
}
