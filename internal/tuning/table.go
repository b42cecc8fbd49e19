package tuning

import "github.com/anchorvk/anchorvk/attention/problem"

// table is every choice of tuning, with its reason. The first rule for a
// device, a tier and a head dimension is taken, so special ones stand before
// general ones. What the fields mean stands in rule.go and choice.go; go test
// says whether each rule is reachable and legal, and testdata/golden/tuning.txt
// shows what recorded devices get.
var table = []Rule{
	// CPU devices. A lane is a row, so that K and V are read at the same address
	// by all lanes, which their drivers turn into one scalar load and a broadcast.
	{
		From: "table cpu-matrix-registers",
		When: When{Architectures: []Architecture{"cpu*"}, Tiers: []Tier{TierCoop2}},
		Choice: Choice{
			Way:      wayRows,
			Attend:   ShapeChoice{Subgroups: 2, Rows: 8, Keys: 16},
			Identify: ShapeChoice{Subgroups: 2, Rows: 16, Keys: 16},
		},
		Why: "emulated matrix units, softmax in registers: little code, because each product is unrolled when it is compiled",
	},
	{
		From: "table cpu-matrix",
		When: When{Architectures: []Architecture{"cpu*"}, Tiers: []Tier{TierCoop, TierCoopF16}},
		Choice: Choice{
			Attend:   ShapeChoice{Subgroups: 2, Rows: 8, Keys: 16},
			Identify: ShapeChoice{Subgroups: 2, Rows: 16, Keys: 16},
		},
		Why: "emulated matrix units: little code, because each product is unrolled when it is compiled",
	},
	{
		From:   "table lavapipe-old-large",
		When:   When{Architectures: []Architecture{ArchLavapipeOld}, HeadDim: Span{129, problem.MaxHeadDim}},
		Choice: Choice{Way: wayHalf, Attend: ShapeChoice{Subgroups: 1, Rows: 1, Keys: 2}},
		Why:    "CPU device, lane is row, one subgroup a workgroup; little code, because this driver takes 20 to 40 s to compile the shape of newer ones",
	},
	{
		From: "table lavapipe-old",
		When: When{Architectures: []Architecture{ArchLavapipeOld}},
		Choice: Choice{
			Way:      wayHalf,
			Attend:   ShapeChoice{Subgroups: 1, Rows: 2, Keys: 2},
			Identify: ShapeChoice{Subgroups: 1, Rows: 1, Keys: 2},
		},
		Why: "CPU device, lane is row, one subgroup a workgroup; two rows (dense in 0.11 s of CPU time against 0.18 s at head_dim 64, in 0.30 s against 0.55 s at 128) compile 1.7 times as long as one, four 3.5 times",
	},
	{
		From:   "table cpu-large",
		When:   When{Architectures: []Architecture{"cpu*"}, HeadDim: Span{129, problem.MaxHeadDim}},
		Choice: Choice{Way: wayAddress, Attend: ShapeChoice{Subgroups: 1, Rows: 1, Keys: 4}},
		Why:    "CPU device, lane is row, one subgroup a workgroup; loads through addresses escape the driver's bounds checks; one row for a large head_dim",
	},
	{
		From:   "table cpu",
		When:   When{Architectures: []Architecture{"cpu*"}},
		Choice: Choice{Way: wayAddress, Attend: ShapeChoice{Subgroups: 1, Rows: 2, Keys: 4}},
		Why:    "CPU device, lane is row, one subgroup a workgroup; loads through addresses escape the driver's bounds checks (52 against 25 Gflop/s on lavapipe)",
	},

	// Matrix units.
	{
		From: "table nvidia-matrix",
		When: When{Architectures: []Architecture{"nvidia*"}, Tiers: []Tier{TierCoop}, HeadDim: Span{8, 128}},
		Choice: Choice{
			Way:      wayRows,
			Attend:   ShapeChoice{Subgroups: 8, Rows: 16, Keys: 64},
			Identify: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		Why: "matrix units of NVIDIA: eight subgroups share each tile, scores stay in registers, 64 keys keep them from waiting (H100, dense at 8k, head_dim 128: 2.51 ms; 32 keys 2.80, columns 3.25, through shared memory at best 3.13)",
	},
	{
		From: "table nvidia-matrix-f16",
		When: When{Architectures: []Architecture{"nvidia*"}, Tiers: []Tier{TierCoopF16}, HeadDim: Span{8, 128}},
		Choice: Choice{
			Attend:   ShapeChoice{Subgroups: 4, Rows: 32, Keys: 16},
			Identify: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		Why: "matrix units of NVIDIA: 32 rows a subgroup fill its registers up to head_dim 128 (H200, dense at 8k, head_dim 128, Tflop/s: 32 rows 120, with eight subgroups 114; 16 rows 90 and 98; 32 keys put accumulators in memory, 54)",
	},
	{
		From: "table nvidia-matrix-registers",
		When: When{Architectures: []Architecture{"nvidia*"}, Tiers: []Tier{TierCoop2}, HeadDim: Span{8, 128}},
		Choice: Choice{
			Way:      wayRows,
			Attend:   ShapeChoice{Subgroups: 8, Rows: 16, Keys: 64},
			Identify: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		Why: "matrix units of NVIDIA, softmax in registers: eight subgroups share each tile, and 64 keys keep them from waiting (H100, dense at 8k, head_dim 128, Tflop/s: 267; 32 keys 223, with four subgroups 227)",
	},
	{
		From: "table nvidia-matrix-registers-large",
		When: When{Architectures: []Architecture{"nvidia*"}, Tiers: []Tier{TierCoop2}},
		Choice: Choice{
			Way:      wayRows,
			Attend:   ShapeChoice{Subgroups: 8, Rows: 16, Keys: 32},
			Identify: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		Why: "matrix units of NVIDIA, softmax in registers: accumulators of a large head_dim leave registers for 32 keys",
	},
	{
		From: "table amd-matrix-registers",
		When: When{Architectures: []Architecture{"amd*"}, Tiers: []Tier{TierCoop2, TierCoop}, HeadDim: Span{8, 128}},
		Choice: Choice{
			Way: wayColumns, SubgroupSize: 32,
			Attend:   ShapeChoice{Subgroups: 4, Rows: 16, Keys: 16},
			Identify: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		Why: "matrix units of AMD, softmax in registers: in subgroups of 32 a column of scores lies in two lanes, where the next product wants its weights (RADV's compilers, not run: tools/isa.sh, docs/performance.md)",
	},
	{
		From: "table matrix-registers",
		When: When{Tiers: []Tier{TierCoop2}},
		Choice: Choice{
			Attend:   ShapeChoice{Subgroups: 4, Rows: 16, Keys: 16},
			Identify: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		Why: "matrix units, softmax in registers: a subgroup owns 16 rows, four share each tile of keys",
	},
	{
		From: "table amd-matrix-shared-large",
		When: When{Architectures: []Architecture{"amd*"}, Tiers: []Tier{TierCoop, TierCoopF16}, HeadDim: Span{129, problem.MaxHeadDim}},
		Choice: Choice{
			SubgroupSize: 64,
			Attend:       ShapeChoice{Subgroups: 4, Rows: 16, Keys: 16},
			Identify:     ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64, Lean: true},
		},
		Why: "matrix units of AMD: in subgroups of 64 a large head_dim spills no registers, of 32 it spills 72 to 165 (navi31); nor does the search with its queries in shared memory, which spills 88 otherwise",
	},
	{
		From: "table amd-matrix-shared",
		When: When{Architectures: []Architecture{"amd*"}, Tiers: []Tier{TierCoop, TierCoopF16}},
		Choice: Choice{
			SubgroupSize: 32,
			Attend:       ShapeChoice{Subgroups: 4, Rows: 16, Keys: 16},
			Identify:     ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		Why: "matrix units of AMD: subgroups of 32 have the better estimate for 16 rows (navi31, coop, head_dim 128: 7,023 against 7,717 of 64; navi33 and gfx1201 by more), if with 240 registers and 6 of them on a SIMD against 192 and 8",
	},
	// Intel. A subgroup has 4 KiB of registers on Xe-HPG and 8 KiB on Xe2 and
	// later, whatever its size: no room for the accumulators of whole rows.
	// Compilers of Mesa 26.1 on stub devices, not run: tools/isa.sh.
	{
		From: "table xe-hpg-matrix",
		When: When{Architectures: []Architecture{ArchIntelXeHPG}, Tiers: []Tier{TierCoop, TierCoopF16}},
		Choice: Choice{
			SubgroupSize: 8,
			Attend:       ShapeChoice{Subgroups: 64, Rows: 8, Keys: 32, KeyElements: 32 * 128, Slices: 4, SliceElements: 16},
			Identify:     ShapeChoice{Subgroups: 8, Rows: 8, Keys: 64, Lean: true},
		},
		Why: "matrix units of Xe-HPG: four subgroups of 8 share 8 rows, above head_dim 64 eight, above 128 sixteen, each with a slice of at most 16 elements, which spills no registers (at 64, with 2 slices 166 spills, with whole rows 351); above 128 16 keys at a time, for shared memory",
	},
	{
		From: "table xe2-matrix",
		When: When{Architectures: []Architecture{ArchIntelXe2}, Tiers: []Tier{TierCoop, TierCoopF16}, HeadDim: Span{8, 64}},
		Choice: Choice{
			SubgroupSize: 16,
			Attend:       ShapeChoice{Subgroups: 16, Rows: 8, Keys: 32, Slices: 2},
			Identify:     ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64, Lean: true},
		},
		Why: "matrix units of Xe2: two subgroups of 16 share 8 rows, each with a slice of at most 32 elements, which spills no registers (whole rows: 22 to 115 spills)",
	},
	{
		From: "table xe2-matrix-wide",
		When: When{Architectures: []Architecture{ArchIntelXe2}, Tiers: []Tier{TierCoop, TierCoopF16}},
		Choice: Choice{
			SubgroupSize: 16,
			Attend:       ShapeChoice{Subgroups: 32, Rows: 8, Keys: 32, KeyElements: 32 * 128, Slices: 4, SliceElements: 32},
			Identify:     ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64, Lean: true},
		},
		Why: "matrix units of Xe2: four subgroups of 16 share 8 rows, above head_dim 128 eight, each with a slice of at most 32 elements, which spills no registers (with 2 slices 128 to 160); above 128 16 keys at a time, for shared memory",
	},
	{
		From: "table matrix",
		When: When{Tiers: []Tier{TierCoop, TierCoopF16}},
		Choice: Choice{
			Attend:   ShapeChoice{Subgroups: 4, Rows: 16, Keys: 16}, // a group has 16 blocks by default
			Identify: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		Why: "matrix units: a subgroup owns 16 rows, four share each tile of keys",
	},

	// Intel's kernels get the smallest subgroup, which leaves an invocation the
	// most registers: 128 values. Two rows of 16 elements (query and accumulator)
	// fit beside the keys; in larger subgroups they spill.
	{
		From: "table intel-wide-rows",
		When: When{Architectures: []Architecture{"intel*"}, Tiers: []Tier{TierScalar, TierScalarF16, TierUnpack}, HeadDim: Span{65, 95}, Subgroup: Span{8, 16}},
		Choice: Choice{
			Way: wayUint, SubgroupSize: SmallestSubgroup,
			Attend:   ShapeChoice{Local: 128, Lanes: 8, Rows: 1, Keys: 2},
			Identify: ShapeChoice{Local: 64, Lanes: 8, Rows: 2, Elements: 64, Keys: 4},
		},
		Why: "Intel, the smallest subgroups, of 8 or on Xe2 of 16: few lanes share a row of these lengths, so that it fills their registers and two keys at a time are what fits without spills",
	},
	{
		From: "table intel",
		When: When{Architectures: []Architecture{"intel*"}, Tiers: []Tier{TierScalar, TierScalarF16, TierUnpack}, Subgroup: Span{8, 16}},
		Choice: Choice{
			Way: wayUint, SubgroupSize: SmallestSubgroup,
			Attend:   ShapeChoice{Local: 128, Lanes: 8, Rows: 2, Elements: 16, Keys: 4},
			Identify: ShapeChoice{Local: 64, Lanes: 8, Rows: 2, Elements: 64, Keys: 4},
		},
		Why: "Intel, the smallest subgroups, of 8 or on Xe2 of 16: what fits their registers without spills; dense at head_dim 128 with one row needs 8,800 cycles for a key and row by the compiler's estimate for DG2, with two rows 9,700 and spills in the anchor stage",
	},

	{
		From: "table amd-gcn",
		When: When{Architectures: []Architecture{ArchAMDGCN}, Tiers: []Tier{TierScalar, TierScalarF16, TierUnpack}},
		Choice: Choice{
			Way:      wayUint,
			Attend:   ShapeChoice{Local: 128, Lanes: 8, Rows: 2, Elements: 56, Keys: 4},
			Identify: ShapeChoice{Local: 64, Lanes: 8, Rows: 2, Elements: 56, Keys: 4},
		},
		Why: "GCN holds 256 registers for all waves of a lane: one row where two leave room for a single wave (head_dim 80 and 256)",
	},

	// GPUs without. Lanes share a row so that its query and accumulators fit in
	// registers: at most 32 elements of each an invocation where head_dim allows.
	// In the stripe search a group of 16 blocks fills a workgroup of 64.
	{
		From: "table gpu-scalar",
		When: When{Tiers: []Tier{TierScalar}},
		Choice: Choice{
			Way:      wayUint,
			Attend:   ShapeChoice{Local: 128, Lanes: 8, Rows: 2, Elements: 128, Keys: 4},
			Identify: ShapeChoice{Local: 64, Lanes: 8, Rows: 2, Elements: 128, Keys: 4},
		},
		Why: "GPU: lanes share a row to keep it in registers, where there are subgroup shuffles; loads of 16 bytes (25.1 ms against 27.6 ms with loads of 8 on an H200, dense at 8k)",
	},
	{
		From: "table gpu",
		Choice: Choice{
			Attend:   ShapeChoice{Local: 128, Lanes: 8, Rows: 2, Elements: 128, Keys: 4},
			Identify: ShapeChoice{Local: 64, Lanes: 8, Rows: 2, Elements: 128, Keys: 4},
		},
		Why: "GPU: lanes share a row to keep it in registers, where there are subgroup shuffles",
	},
}

// refusals are tiers that are not for some devices and head dimensions, with
// what the user reads.
var refusals = []struct {
	When When
	why  string
}{
	{
		When{Architectures: []Architecture{"cpu*"}, Tiers: []Tier{TierCoop, TierCoop2, TierCoopF16}, HeadDim: Span{129, problem.MaxHeadDim}},
		"a CPU driver takes minutes to compile them for a head_dim above 128",
	},
	{
		When{Architectures: []Architecture{"amd*"}, Tiers: []Tier{TierCoop2}, HeadDim: Span{129, problem.MaxHeadDim}, Offers: 32},
		"AMD's registers do not hold queries and accumulators of a head_dim above 128 (RADV spills 90 to 154 of them on RDNA3 at 256); tier coop does",
	},
}
