package attention

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/vk"
)

// tuningVariety are reports of every family, with what entries may ask for.
func tuningVariety(t *testing.T) []*vk.Report {
	t.Helper()
	var all []*vk.Report
	for _, arch := range architectures {
		require.Equal(t, arch, DetectArchitecture(reportOf(arch)))
		for _, size := range []uint32{4, 8, 16, 32, 64} {
			for _, shared := range []uint32{16 << 10, 32 << 10, 48 << 10, 64 << 10, 228 << 10} {
				for _, product := range []uint32{8, 16} {
					r := reportOf(arch)
					r.Subgroup.Size, r.Subgroup.Min, r.Subgroup.Max = size, size, size
					r.Limits.SharedMemory = shared
					for i := range r.CoopMatrix {
						r.CoopMatrix[i].M, r.CoopMatrix[i].N = product, product
					}
					all = append(all, r)
				}
			}
		}
	}
	return all
}

// hardwareOf is what tells the families.
var hardwareOf = map[Architecture]vk.Hardware{
	ArchNVIDIAVolta:  {WarpsPerSM: 64, MatrixTypes: []string{"f16"}},
	ArchNVIDIATuring: {WarpsPerSM: 32, MatrixTypes: []string{"f16", "s8"}},
	ArchNVIDIAAmpere: {WarpsPerSM: 48, MatrixTypes: []string{"f16", "s8", "bf16"}},
	ArchNVIDIAAda:    {WarpsPerSM: 48, MatrixTypes: []string{"f16", "s8", "bf16", "e4m3"}},
	ArchNVIDIAHopper: {WarpsPerSM: 64, MatrixTypes: []string{"f16", "s8", "bf16", "e4m3"}},
	ArchAMDGCN:       {WavesPerSIMD: 10, SubgroupMin: 64, SubgroupMax: 64},
	ArchAMDRDNA1:     {WavesPerSIMD: 20, SubgroupMin: 32, SubgroupMax: 64},
	ArchAMDRDNA2:     {WavesPerSIMD: 16, SubgroupMin: 32, SubgroupMax: 64},
	ArchAMDRDNA3:     {WavesPerSIMD: 16, SubgroupMin: 32, SubgroupMax: 64, MixedDot: true},
	ArchAMDRDNA4:     {WavesPerSIMD: 16, SubgroupMin: 32, SubgroupMax: 64, MixedDot: true, MatrixTypes: []string{"f16", "e4m3"}},
	ArchIntelXeLP:    {SubgroupMin: 8, SubgroupMax: 32},
	ArchIntelXeHPG:   {SubgroupMin: 8, SubgroupMax: 32, MatrixTypes: []string{"f16"}},
	ArchIntelXe2:     {SubgroupMin: 16, SubgroupMax: 32, MatrixTypes: []string{"f16"}},
}

// reportOf is a device of a family that passes every tier.
func reportOf(arch Architecture) *vk.Report {
	r := fakeReport("discrete")
	r.Hardware = hardwareOf[arch]
	vendor, _, _ := strings.Cut(string(arch), "-")
	r.VendorID = map[string]uint32{"nvidia": vendorNVIDIA, "amd": vendorAMD, "intel": vendorIntel}[vendor]
	if vendor == "cpu" {
		r.Type = "cpu"
	}
	if arch == ArchLavapipe || arch == ArchLavapipeOld {
		r.DriverID = driverLavapipe
	}
	if arch == ArchLavapipeOld {
		r.API = "1.3.230"
	}
	return r
}

// Each entry of the table is taken by some device, is legal there as it
// stands, has a reason of its own, and stands but once.
func TestTuningTable(t *testing.T) {
	type use struct{ taken, legal int }
	uses := map[string]*use{}
	for _, e := range tuningTable {
		require.Nil(t, uses[e.name], "two entries are named %s", e.name)
		uses[e.name] = &use{}
		assert.NotEmpty(t, e.why, "%s has no reason", e.name)
		for _, c := range []ShapeChoice{e.choice.Attend, e.choice.Identify} {
			assert.False(t, c.Local > 0 && c.Subgroups > 0, "%s gives a workgroup in invocations and in subgroups", e.name)
		}
		for _, pattern := range e.archs {
			only := tuningEntry{archs: []Architecture{pattern}}
			assert.True(t, slices.ContainsFunc(architectures, only.isFor), "%s is for %s, which no device is", e.name, pattern)
		}
	}
	for _, r := range tuningVariety(t) {
		for _, tier := range tierOrder {
			if missing(r, tier.needs) != "" {
				continue
			}
			for dim := 8; dim <= MaxHeadDim; dim += 8 {
				e := lookUp(r, tier.tier, dim)
				uses[e.name].taken++
				why := untakable(r, tier.tier, dim)
				if why == "" {
					uses[e.name].legal++
				}
				if e.refuse == "" && !strings.Contains(why, "shared memory") {
					require.Empty(t, why, "%s, tier %s, head_dim %d, subgroup %d", e.name, tier.tier, dim, r.Subgroup.Size)
				}
			}
		}
	}
	for _, e := range tuningTable {
		assert.Positive(t, uses[e.name].taken, "%s is never taken: an entry before it takes all", e.name)
		if e.refuse == "" {
			assert.Positive(t, uses[e.name].legal, "%s fits no device", e.name)
		}
	}
	for i, e := range tuningTable {
		for _, before := range tuningTable[:i] {
			same := fmt.Sprint(e.archs, e.tiers, e.headDim, e.subgroup, e.shared, e.choice.SubgroupSize) ==
				fmt.Sprint(before.archs, before.tiers, before.headDim, before.subgroup, before.shared, before.choice.SubgroupSize)
			assert.False(t, same, "%s and %s are for the same devices", before.name, e.name)
		}
	}
}

// The table has an entry for whatever passes a tier.
func TestTuningTableEndsWithAnEntryForAll(t *testing.T) {
	for _, tier := range tierOrder {
		last := slices.ContainsFunc(tuningTable, func(e tuningEntry) bool {
			return len(e.archs) == 0 && (len(e.tiers) == 0 || slices.Contains(e.tiers, tier.tier)) &&
				e.headDim == span{} && e.subgroup == span{} && e.shared == 0 && e.choice.SubgroupSize == 0
		})
		assert.True(t, last, "tier %s has no entry without conditions", tier.tier)
	}
}

// What a tuning may not be is told apart from what it may.
func TestIllegalTuningsAreTold(t *testing.T) {
	r := fakeReport("discrete")
	for _, c := range []struct {
		tier Tier
		edit func(*Tuning)
		why  string
	}{
		{TierScalar, func(t *Tuning) { t.Attend.Keys = 3 }, "powers of two"},
		{TierScalar, func(t *Tuning) { t.Identify.Keys = 32 }, "at most 16"},
		{TierScalar, func(t *Tuning) { t.Attend.Lanes, t.Attend.Local = 64, 128 }, "a subgroup has 32"},
		{TierScalar, func(t *Tuning) { t.Attend.Lanes = 32 }, "do not divide head_dim"},
		{TierScalar, func(t *Tuning) { t.Attend.Local = 2048 }, "takes 1024"},
		{TierScalar, func(t *Tuning) { t.Attend.Rows = 0 }, "do not divide into"},
		{TierScalar, func(t *Tuning) { t.Way = wayAddress }, "loads by address"},
		{TierScalar, func(t *Tuning) { t.Subgroup = 64 }, "no subgroups of 64"},
		{TierUnpack, func(t *Tuning) { t.Way = wayHalf }, "does not know the way"},
		{TierCoop, func(t *Tuning) { t.Attend.Rows = 24 }, "no multiples"},
		{TierCoop, func(t *Tuning) { t.Attend.Keys = 8 }, "no multiples"},
		{TierCoop, func(t *Tuning) { t.Attend.Local = 512 }, "bytes of shared memory"},
		{TierCoop, func(t *Tuning) { t.Identify.Rows = 128 }, "pass through"},
		{TierCoop, func(t *Tuning) { t.Attend.Lanes = 16 }, "in a subgroup of 32"},
	} {
		tuned, err := tune(r, c.tier, 128, nil)
		require.NoError(t, err)
		require.Empty(t, illegal(r, c.tier, 128, tuned))
		c.edit(&tuned)
		assert.Contains(t, illegal(r, c.tier, 128, tuned), c.why)
	}
}
