//go:build cgo && (linux || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package attention

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/internal/testhost"
	"github.com/anchorvk/anchorvk/internal/tolerance"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// hostTensors runs a plan on the borrowed device with tensors on the host.
func (l *lent) hostTensors(t testing.TB, plan *Plan, in Inputs) result {
	t.Helper()
	return runPlan(t, l.engine, plan, in)
}

// The same bits come from a device of our own and from a borrowed one, and
// from every way to run, between passes of the application's that no barrier
// of its own separates from the call.
func TestEveryWayGivesTheSameBits(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles every way of every tier: left to make test")
	}
	l := openLent(t, testhost.Options{Enable: testhost.All})
	eachTier(t, func(t *testing.T, own *Engine, tier Tier) {
		problem := selective(2, 4, 2, 400, 521)
		in := selectiveInputs(problem.Shape, 90)
		for _, mode := range []Mode{ModeAnchor, ModeDense} {
			problem.Mode = mode
			want := compute(t, own, problem, PlanOptions{Tier: tier}, in)
			requireFinite(t, want)
			for _, ms := range []float64{1e6, 0.5, 1e-3} { // from one submission to many
				// Poisoning ends in a barrier, which would hide that one is missing ahead of it.
				l.engine.options.PoisonScratch = ms < 1e6
				plan, err := l.engine.Plan(problem, PlanOptions{Tier: tier, NoFallback: true, SliceMS: ms})
				require.NoError(t, err)
				require.Equal(t, tier, plan.Tier)
				requireSameBits(t, want, l.hostTensors(t, plan, in), "borrowed device")
				c := l.call(t, plan, in, lentUsage|addressUsage(l.device))
				for _, way := range lentWays {
					what := mode.String() + " " + way.name
					stats := way.run(t, c)
					got := c.result(t, what)
					got.stripes = want.stripes
					requireSameBits(t, want, got, what)
					require.Equal(t, want.stats.StripeRatio, stats.StripeRatio, what)
					require.Equal(t, want.stats.ComputedRatio, stats.ComputedRatio, what)
					require.Equal(t, tier, stats.Tier)
					if ms == 1e6 {
						require.Equal(t, 1, stats.Slices, what)
					}
					if ms == 1e-3 {
						require.Greater(t, stats.Slices, 10, what)
					}
				}
			}
		}
	})
	locks, bad := l.host.Locks()
	require.Positive(t, locks)
	require.Zero(t, bad)
}

func addressUsage(d *vk.Device) uint32 {
	if d.Report().Features.BufferAddress {
		return testhost.UsageAddress
	}
	return 0
}

// Buffers without a device address are read through their bindings.
func TestBorrowedBuffersWithoutAddress(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	problem := selective(1, 4, 2, 400, 521)
	in := selectiveInputs(problem.Shape, 91)
	want := compute(t, sharedEngine(t), problem, PlanOptions{}, in)
	plan, err := l.engine.Plan(problem, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	c := l.call(t, plan, in, testhost.UsageStorage|testhost.UsageTransferSrc|testhost.UsageTransferDst)
	for _, way := range lentWays {
		way.run(t, c)
		got := c.result(t, way.name)
		got.stripes = want.stripes
		requireSameBits(t, want, got, way.name)
	}
}

// What was not enabled is not used, and a tier that needs it says what to enable.
func TestTiersNeedEnabledFeatures(t *testing.T) {
	own := sharedEngine(t)
	problem := selective(1, 4, 2, 200, 300)
	in := selectiveInputs(problem.Shape, 92)
	reference, err := own.Plan(problem, PlanOptions{Tier: TierUnpack, NoFallback: true})
	require.NoError(t, err)
	want := runPlan(t, own, reference, in)

	bare := openLent(t, testhost.Options{})
	plan, err := bare.engine.Plan(problem, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	require.Equal(t, TierUnpack, plan.Tier, "the only tier that needs no feature")
	got := bare.hostTensors(t, plan, in)
	requireFinite(t, got)
	if plan.Tuning == reference.Tuning {
		requireSameBits(t, want, got, "no features")
	}
	require.Less(t, nmse(wide(got.o), wide(want.o)), tolerance.Tier(TierUnpack).NMSE)
	for tier, enable := range map[Tier]string{TierScalar: "enable storageBuffer16BitAccess", TierScalarF16: "enable storageBuffer16BitAccess", TierCoop: "enable cooperativeMatrix"} {
		if owned := tierStatus(own, tier); !owned.OK {
			continue // the device does not offer it, whatever is enabled
		}
		_, err := bare.engine.Plan(problem, PlanOptions{Tier: tier})
		var missing *vk.FeatureError
		require.ErrorAs(t, err, &missing)
		require.ErrorContains(t, err, enable)
		require.ErrorContains(t, err, "on your device")
	}
	if tierStatus(own, TierScalar).OK {
		partly := openLent(t, testhost.Options{Enable: testhost.Storage16})
		plan, err := partly.engine.Plan(problem, PlanOptions{Tier: TierScalar, NoFallback: true})
		require.NoError(t, err)
		require.NotEqual(t, tuning.LoadAddress, plan.Tuning.Way.Load)
		scalar := compute(t, own, problem, PlanOptions{Tier: TierScalar}, in)
		requireSameBits(t, scalar, partly.hostTensors(t, plan, in), "loads through bindings")
		// Without timeline semaphores jobs work with fences.
		c := partly.call(t, plan, in, lentUsage)
		commands := partly.host.Begin()
		c.before(commands)
		commands.End()
		partly.host.Submit(testhost.Point{}, testhost.Point{}, commands)
		job, err := submit(context.Background(), partly.engine, plan, c.in, c.out, vk.Sync{})
		require.NoError(t, err)
		_, err = job.Wait(context.Background())
		require.NoError(t, err)
		c.finish()
		got := c.result(t, "fences")
		got.stripes = scalar.stripes
		requireSameBits(t, scalar, got, "fences")
		_, err = submit(context.Background(), partly.engine, plan, c.in, c.out, vk.Sync{Signal: []vk.Timeline{{Semaphore: 1, Value: 1}}})
		require.ErrorContains(t, err, "enable timelineSemaphore on your device")
	}
}

func tierStatus(e *Engine, tier Tier) TierStatus {
	for _, s := range Tiers(e.device.Report()) {
		if s.Name == tier {
			return s
		}
	}
	return TierStatus{}
}

func nmse(got, want []float64) float64 {
	var difference, size float64
	for i := range want {
		difference += (got[i] - want[i]) * (got[i] - want[i])
		size += want[i] * want[i]
	}
	return difference / size
}

func TestBorrowedArgumentErrors(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	problem := selective(1, 4, 2, 100, 300)
	in := selectiveInputs(problem.Shape, 93)
	plan, err := l.engine.Plan(problem, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	good := l.call(t, plan, in, lentUsage)
	small, err := l.engine.Plan(selective(1, 1, 1, 100, 300), PlanOptions{NoFallback: true, ScratchBytes: 1})
	require.NoError(t, err)
	little, err := l.engine.NewScratch(small)
	require.NoError(t, err)
	require.Equal(t, small.ScratchBytes, little.Bytes())
	_, tiny := l.buffer(t, 64, lentUsage)
	for _, c := range []struct {
		field string
		edit  func(*Inputs, *Outputs, **Scratch)
	}{
		{"Q", func(i *Inputs, _ *Outputs, _ **Scratch) { i.Q = in.Q }},
		{"K", func(i *Inputs, _ *Outputs, _ **Scratch) { i.K = in.K }},
		{"V", func(i *Inputs, _ *Outputs, _ **Scratch) { i.V = in.V }},
		{"O", func(_ *Inputs, o *Outputs, _ **Scratch) { o.O = outputFor(problem.Shape).O }},
		{"K.Buffer", func(i *Inputs, _ *Outputs, _ **Scratch) { i.K.Buffer = tiny }},
		{"LSE", func(_ *Inputs, o *Outputs, _ **Scratch) { *o = Outputs{O: o.O, LSE: make([]float32, 400)} }},
		{"LSEBuffer", func(_ *Inputs, o *Outputs, _ **Scratch) { o.LSE = make([]float32, 400) }},
		{"LSEBuffer", func(_ *Inputs, o *Outputs, _ **Scratch) { o.LSEBuffer = tiny }},
		{"LSEBuffer", func(_ *Inputs, o *Outputs, _ **Scratch) { o.LSEOffset += 8 }},
		{"LSEBuffer", func(_ *Inputs, o *Outputs, _ **Scratch) { o.LSEOffset = 1 << 40 }},
		{"LSEOffset", func(_ *Inputs, o *Outputs, _ **Scratch) { o.LSEOffset = 2 }},
		{"LSEOffset", func(_ *Inputs, o *Outputs, _ **Scratch) { o.LSEBuffer = nil }},
		{"Stripes", func(_ *Inputs, o *Outputs, _ **Scratch) { o.Stripes = make([]byte, 4*ceil.Div(300, 64)*300) }},
		{"scratch", func(_ *Inputs, _ *Outputs, s **Scratch) { *s = little }},
	} {
		i, o, scratch := good.in, good.out, (*Scratch)(nil)
		c.edit(&i, &o, &scratch)
		_, err := prepare(l.engine, plan, i, o, scratch)
		attentest.RequireArgument(t, err, c.field)
		if scratch == nil {
			job, err := submit(context.Background(), l.engine, plan, i, o, vk.Sync{})
			attentest.RequireArgument(t, err, c.field)
			require.Nil(t, job)
		}
	}
	require.NoError(t, little.Close())
	_, err = l.engine.NewScratch(nil)
	attentest.RequireArgument(t, err, "plan")

	own := sharedEngine(t)
	ownPlan, device, out := resident(t, own, problem, PlanOptions{NoFallback: true})
	_, err = prepare(own, plan, device, out, nil)
	attentest.RequireArgument(t, err, "plan")
	require.ErrorContains(t, err, "or for this one with other features")
	_, err = prepare(own, ownPlan, device, out, nil)
	attentest.RequireArgument(t, err, "engine")
	// A buffer of another device.
	_, err = prepare(l.engine, plan, device, good.out, nil)
	attentest.RequireArgument(t, err, "Q.Buffer")
	_, err = submit(context.Background(), l.engine, plan, device, good.out, vk.Sync{})
	attentest.RequireArgument(t, err, "Q.Buffer")
	_, err = l.engine.Run(context.Background(), plan, good.in, out)
	attentest.RequireArgument(t, err, "O.Buffer")
	require.ErrorContains(t, err, "of another device")
	_, err = submit(context.Background(), l.engine, plan, good.in, good.out, vk.Sync{Wait: []vk.Timeline{{}}})
	require.ErrorContains(t, err, "Sync.Wait[0].Semaphore is a null handle")

	r := good.prepare(t, nil)
	require.ErrorContains(t, r.Record(0, AllParts), "null handle")
	for _, part := range []int{-2, r.Parts(), 1 << 40} {
		require.ErrorContains(t, r.Record(1, part), "use parts from 0")
	}
	require.ErrorContains(t, l.device.Close(), "recordings of the device are open")
	require.NoError(t, l.device.Err())
	require.NoError(t, r.Close())
	require.NoError(t, r.Close())
	require.ErrorIs(t, r.Record(1, AllParts), vk.ErrClosed)
	_, err = r.Recorded()
	require.ErrorIs(t, err, vk.ErrClosed)
	require.NoError(t, l.engine.Close())
	_, err = prepare(l.engine, plan, good.in, good.out, nil)
	require.ErrorIs(t, err, vk.ErrClosed)
	_, err = submit(context.Background(), l.engine, plan, good.in, good.out, vk.Sync{})
	require.ErrorIs(t, err, vk.ErrClosed)
}

// One VkBuffer that was lent twice is one memory, and so are two VkBuffers
// whose device addresses say so.
func TestBorrowedBuffersShareMemory(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	problem := Problem{Shape: Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 16, KVLen: 16, HeadDim: 8}, Mode: ModeDense}
	plan, err := l.engine.Plan(problem, PlanOptions{})
	require.NoError(t, err)
	lend := func(b *testhost.Buffer, address uint64) *vk.Buffer {
		made, err := l.device.BorrowBuffer(vk.BorrowedBuffer{Name: "again", Handle: vk.Handle(b.Handle), Size: b.Size, Usage: b.Usage, Address: address})
		require.NoError(t, err)
		return made
	}
	own, first := l.buffer(t, 4096, lentUsage|addressUsage(l.device))
	other, second := l.buffer(t, 4096, lentUsage|addressUsage(l.device))
	at := func(b *vk.Buffer, offset uint64) Tensor { return DeviceBHSD(b, offset, 1, 1, 16, 8) }
	in := Inputs{Q: at(first, 0), K: at(first, 256), V: at(first, 512)}
	require.NoError(t, l.engine.check(plan, in, Outputs{O: at(second, 256)}))
	again := lend(own, 0)
	require.NoError(t, l.engine.check(plan, in, Outputs{O: at(again, 768), LSEBuffer: again, LSEOffset: 1024}))
	require.NoError(t, l.engine.check(plan, in, Outputs{O: at(again, 0)}), "exactly Q")
	require.ErrorContains(t, l.engine.check(plan, in, Outputs{O: at(again, 256)}), "O shares memory with K")
	require.ErrorContains(t, l.engine.check(plan, in, Outputs{O: at(second, 0), LSEBuffer: again, LSEOffset: 764}), "LSEBuffer shares memory with V")
	if first.Address() == 0 {
		return
	}
	alias := lend(other, first.Address()+128) // as if bound to the same memory
	require.ErrorContains(t, l.engine.check(plan, in, Outputs{O: at(alias, 0)}), "O shares memory with Q")
	require.ErrorContains(t, l.engine.check(plan, in, Outputs{O: at(alias, 384)}), "O shares memory with V")
	require.NoError(t, l.engine.check(plan, in, Outputs{O: at(alias, 640)}))
	alias = lend(other, first.Address()-256)
	require.NoError(t, l.engine.check(plan, in, Outputs{O: at(alias, 0)}))
	require.NoError(t, l.engine.check(plan, in, Outputs{O: at(alias, 256)}), "exactly Q")
	require.ErrorContains(t, l.engine.check(plan, in, Outputs{O: at(alias, 16)}), "O shares memory with Q")
}
