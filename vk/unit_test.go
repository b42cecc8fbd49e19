package vk

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/drivers"
	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

func TestChoose(t *testing.T) {
	list := []*Report{{Index: 0, Name: "Big GPU 9000"}, {Index: 1, Name: "Big GPU 9000"}, {Index: 2, Name: "Small GPU"}, {Index: 3, Name: "llvmpipe (LLVM 15)"}}
	for want, index := range map[string]int{"": 0, "0": 0, "3": 3, "BIG": 0, "small": 2, "llvm": 3, "9000": 0} {
		r, err := choose(list, want)
		require.NoError(t, err, want)
		require.Equal(t, index, r.Index, want)
	}
	r, err := choose(list, " 2 ")
	require.NoError(t, err)
	require.Equal(t, 2, r.Index, "spaces around do not matter")
	for want, message := range map[string]string{"4": `"4"`, "-1": `"-1"`, "gpu": "several different", "radeon": `"radeon"`} {
		_, err := choose(list, want)
		var none *NoDeviceError
		require.ErrorAs(t, err, &none, want)
		require.ErrorContains(t, err, message)
		require.ErrorContains(t, err, "2: Small GPU", "the devices are listed")
	}
}

func TestPreference(t *testing.T) {
	const other, integrated, discrete, virtual, cpu = 0, 1, 2, 3, 4
	require.Less(t, rank(discrete), rank(integrated))
	require.Less(t, rank(integrated), rank(virtual))
	require.Less(t, rank(virtual), rank(cpu))
	require.Less(t, rank(cpu), rank(other))
}

func TestQuirks(t *testing.T) {
	report := func(driver, subgroup uint32) *Report {
		r := &Report{DriverID: driver, Subgroup: Subgroup{Size: subgroup}, CoopMatrix: []CoopShape{{M: 8}}, Why: map[string]string{}}
		r.Features.CooperativeMatrix, r.Features.CooperativeMatrix2 = true, true
		applyQuirks(r)
		return r
	}
	for _, size := range []uint32{4, 16} {
		r := report(drivers.Lavapipe, size)
		require.False(t, r.Features.CooperativeMatrix)
		require.False(t, r.Features.CooperativeMatrix2)
		require.Empty(t, r.CoopMatrix)
		require.Contains(t, r.WhyNot("coopmat"), "subgroup size is 8")
	}
	require.True(t, report(drivers.Lavapipe, 8).Features.CooperativeMatrix)
	require.True(t, report(3, 4).Features.CooperativeMatrix, "other drivers are left alone")
}

func TestLoopRoundsByVersion(t *testing.T) {
	for info, want := range map[string]uint32{
		"Mesa 22.3.6 (LLVM 15.0.6)": 65535, "Mesa 24.3.4-1": 65535, "Mesa 9.1.0": 65535, "": 65535, "git-1234": 65535,
		"Mesa 25.0.7-2+deb13u1 (LLVM 19.1.7)": 0, "Mesa 26.1.6-1 (LLVM 21.1.8)": 0, "Mesa 100.0.0": 0,
	} {
		r := &Report{DriverID: drivers.Lavapipe, DriverInfo: info, Subgroup: Subgroup{Size: 8}, Why: map[string]string{}}
		applyQuirks(r)
		require.Equal(t, want, r.Limits.LoopRounds, info)
		require.Empty(t, r.Why, "a limit switches nothing off")
		r.DriverID, r.Limits = 3, Limits{}
		applyQuirks(r)
		require.Zero(t, r.Limits.LoopRounds, "other drivers are left alone")
	}
}

func TestMemoryTypeOrder(t *testing.T) {
	const vram, ram, window = 8 << 30, 16 << 30, 256 << 20
	const local, visible, coherent, cached = driver.MemoryDeviceLocal, driver.MemoryHostVisible, driver.MemoryHostCoherent, driver.MemoryHostCached
	order := func(types []memoryType, kind MemoryKind, hostVisible bool) (list []uint32) {
		for _, m := range typeOrder(types, kind, hostVisible) {
			list = append(list, m.index)
		}
		return list
	}
	classic := []memoryType{
		{0, local, 0, vram},
		{1, visible | coherent, 1, ram},
		{2, visible | coherent | cached, 1, ram},
		{3, local | visible | coherent, 2, window},
		{4, local | 0x20, 0, vram},
	}
	require.Equal(t, []uint32{0, 3, 2, 1}, order(classic, DeviceLocal, true), "not the small window first")
	require.Equal(t, []uint32{1, 2, 3}, order(classic, Upload, true))
	require.Equal(t, []uint32{2, 1, 3}, order(classic, Readback, true))
	rebar := []memoryType{{0, local, 0, vram}, {1, visible | coherent, 1, ram}, {2, local | visible | coherent, 0, vram}}
	require.Equal(t, []uint32{2, 0, 1}, order(rebar, DeviceLocal, true))
	require.Equal(t, []uint32{0, 2, 1}, order(rebar, DeviceLocal, false))
	unified := []memoryType{{0, local | visible, 0, ram}, {1, local | visible | coherent | cached, 0, ram}}
	require.Equal(t, []uint32{1, 0}, order(unified, DeviceLocal, true))
}

// Random takes and gives: ranges never overlap, and all comes back as one.
func TestBlock(t *testing.T) {
	const size = 1 << 16
	random := rand.New(rand.NewPCG(1, 2))
	b := &block{size: size, free: []span{{0, size}}}
	owner := make([]int, size)
	type piece struct {
		span
		id int
	}
	var held []piece
	refused := 0
	for id := 1; id <= 20_000; id++ {
		if len(held) > 0 && random.IntN(2) == 0 {
			i := random.IntN(len(held))
			p := held[i]
			for k := p.offset; k < p.offset+p.size; k++ {
				if owner[k] != p.id {
					t.Fatalf("byte %d belongs to %d, not %d", k, owner[k], p.id)
				}
				owner[k] = 0
			}
			b.give(p.span)
			held = append(held[:i], held[i+1:]...)
			continue
		}
		align := uint64(1) << random.IntN(9)
		s, ok := b.take(uint64(1+random.IntN(4000)), align)
		if !ok {
			refused++
			continue
		}
		require.Zero(t, s.offset%align)
		require.LessOrEqual(t, s.offset+s.size, uint64(size))
		for k := s.offset; k < s.offset+s.size; k++ {
			if owner[k] != 0 {
				t.Fatalf("byte %d was given out twice", k)
			}
			owner[k] = id
		}
		held = append(held, piece{s, id})
	}
	require.NotZero(t, refused, "the block was never full")
	for _, p := range held {
		b.give(p.span)
	}
	require.True(t, b.empty())
	_, ok := b.take(size+1, 1)
	require.False(t, ok)
}
