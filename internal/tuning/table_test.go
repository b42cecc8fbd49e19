package tuning

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/anchorvk/anchorvk/internal/drivers"
	"github.com/anchorvk/anchorvk/internal/testreports"
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

// hardwareOf is what the families are known by.
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
	r := testreports.Fake("discrete")
	r.Hardware = hardwareOf[arch]
	vendor, _, _ := strings.Cut(string(arch), "-")
	r.VendorID = map[string]uint32{"nvidia": vendorNVIDIA, "amd": vendorAMD, "intel": vendorIntel}[vendor]
	if vendor == "cpu" {
		r.Type = "cpu"
	}
	if arch == ArchLavapipe || arch == ArchLavapipeOld {
		r.DriverID = drivers.Lavapipe
	}
	if arch == ArchLavapipeOld {
		r.API = "1.3.230"
	}
	return r
}

// Each rule of the table is taken by some device, is legal there as it stands,
// has a reason of its own, and stands but once.
func TestTable(t *testing.T) {
	type use struct{ taken, legal int }
	uses := map[string]*use{}
	for _, u := range table {
		require.Nil(t, uses[u.From], "two rules are named %s", u.From)
		require.True(t, strings.HasPrefix(u.From, "table "), u.From)
		uses[u.From] = &use{}
		assert.NotEmpty(t, u.Why, "%s has no reason", u.From)
		for _, c := range []ShapeChoice{u.Choice.Attend, u.Choice.Identify} {
			assert.False(t, c.Local > 0 && c.Subgroups > 0, "%s gives a workgroup in invocations and in subgroups", u.From)
		}
		requireFamilies(t, u.From, u.When)
	}
	for _, refusal := range refusals {
		uses[refusal.why] = &use{}
		requireFamilies(t, refusal.why, refusal.When)
	}
	for _, r := range tuningVariety(t) {
		for _, tier := range tierOrder {
			if missing(r, tier.needs) != "" {
				continue
			}
			for dim := 8; dim <= problem.MaxHeadDim; dim += 8 {
				rule, _, why := fromTable(r, tier.tier, dim)
				if rule == nil {
					uses[why].taken++
					continue
				}
				uses[rule.From].taken++
				if why == "" {
					uses[rule.From].legal++
				}
				if !strings.Contains(why, "shared memory") {
					require.Empty(t, why, "%s, tier %s, head_dim %d, subgroup %d", rule.From, tier.tier, dim, r.Subgroup.Size)
				}
			}
		}
	}
	for name, u := range uses {
		assert.Positive(t, u.taken, "%s is never taken: a rule before it takes all", name)
	}
	for i, u := range table {
		assert.Positive(t, uses[u.From].legal, "%s fits no device", u.From)
		for _, before := range table[:i] {
			same := fmt.Sprint(u.When, u.Choice.SubgroupSize) == fmt.Sprint(before.When, before.Choice.SubgroupSize)
			assert.False(t, same, "%s and %s are for the same devices", before.From, u.From)
		}
	}
}

// requireFamilies demands devices of each family that conditions name.
func requireFamilies(t *testing.T, name string, when When) {
	t.Helper()
	for _, pattern := range when.Architectures {
		only := When{Architectures: []Architecture{pattern}}
		assert.True(t, slices.ContainsFunc(architectures, only.isFor), "%s is for %s, which no device is", name, pattern)
	}
}

// The table has a rule for whatever passes a tier.
func TestTableEndsWithARuleForAll(t *testing.T) {
	for _, tier := range tierOrder {
		last := slices.ContainsFunc(table, func(u Rule) bool {
			w := u.When
			return len(w.Architectures) == 0 && (len(w.Tiers) == 0 || slices.Contains(w.Tiers, tier.tier)) &&
				w.HeadDim == Span{} && w.Subgroup == Span{} && w.Offers == 0 && u.Choice.SubgroupSize == 0
		})
		assert.True(t, last, "tier %s has no rule without conditions", tier.tier)
	}
}

// What a tuning may not be has its reason.
func TestIllegalTuningsAreTold(t *testing.T) {
	r := testreports.Fake("discrete")
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
		chosen, err := Choose(r, Request{Tier: c.tier, HeadDim: 128})
		require.NoError(t, err)
		tuned := chosen.Tuning
		require.Empty(t, tuned.illegal(r, c.tier, 128))
		c.edit(&tuned)
		assert.Contains(t, tuned.illegal(r, c.tier, 128), c.why)
	}
}
