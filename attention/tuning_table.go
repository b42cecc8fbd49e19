package attention

// tuningTable is every choice of tuning, with its reason. The first entry that
// fits a device, a tier and a head dimension is taken, so special ones stand
// before general ones. What the fields mean stands in tuning_entry.go and
// tuning_choice.go; go test -run Tuning says whether each entry is reachable
// and legal, and testdata/golden/tuning.txt shows what recorded devices get.
var tuningTable = []tuningEntry{
	// CPU devices. A lane is a row, so that K and V are read at the same address
	// by all lanes, which their drivers turn into one scalar load and a broadcast.
	{
		name: "cpu-matrix-large", archs: []Architecture{"cpu*"}, tiers: []Tier{TierCoop, TierCoop2, TierCoopF16}, headDim: span{129, MaxHeadDim},
		choice: TuningChoice{Attend: ShapeChoice{Subgroups: 2, Rows: 8, Keys: 16}},
		refuse: "a CPU driver takes minutes to compile them for a head_dim above 128",
		why:    "not used",
	},
	{
		name: "cpu-matrix-registers", archs: []Architecture{"cpu*"}, tiers: []Tier{TierCoop2},
		choice: TuningChoice{
			Way:      wayRows,
			Attend:   ShapeChoice{Subgroups: 2, Rows: 8, Keys: 16},
			Identify: ShapeChoice{Subgroups: 2, Rows: 16, Keys: 16},
		},
		why: "emulated matrix units, softmax in registers: little code, because each product is unrolled when it is compiled",
	},
	{
		name: "cpu-matrix", archs: []Architecture{"cpu*"}, tiers: []Tier{TierCoop, TierCoopF16},
		choice: TuningChoice{
			Attend:   ShapeChoice{Subgroups: 2, Rows: 8, Keys: 16},
			Identify: ShapeChoice{Subgroups: 2, Rows: 16, Keys: 16},
		},
		why: "emulated matrix units: little code, because each product is unrolled when it is compiled",
	},
	{
		name: "lavapipe-old-large", archs: []Architecture{ArchLavapipeOld}, headDim: span{129, MaxHeadDim},
		choice: TuningChoice{Way: wayHalf, Attend: ShapeChoice{Subgroups: 1, Rows: 1, Keys: 2}},
		why:    "CPU device, lane is row, one subgroup a workgroup; little code, because this driver takes 20 to 40 s to compile the shape of newer ones",
	},
	{
		name: "lavapipe-old", archs: []Architecture{ArchLavapipeOld},
		choice: TuningChoice{
			Way:      wayHalf,
			Attend:   ShapeChoice{Subgroups: 1, Rows: 2, Keys: 2},
			Identify: ShapeChoice{Subgroups: 1, Rows: 1, Keys: 2},
		},
		why: "CPU device, lane is row, one subgroup a workgroup; two rows (dense in 0.11 s of CPU time against 0.18 s at head_dim 64, in 0.30 s against 0.55 s at 128) compile 1.7 times as long as one, four 3.5 times",
	},
	{
		name: "cpu-large", archs: []Architecture{"cpu*"}, headDim: span{129, MaxHeadDim},
		choice: TuningChoice{Way: wayAddress, Attend: ShapeChoice{Subgroups: 1, Rows: 1, Keys: 4}},
		why:    "CPU device, lane is row, one subgroup a workgroup; loads through addresses escape the driver's bounds checks; one row for a large head_dim",
	},
	{
		name: "cpu", archs: []Architecture{"cpu*"},
		choice: TuningChoice{Way: wayAddress, Attend: ShapeChoice{Subgroups: 1, Rows: 2, Keys: 4}},
		why:    "CPU device, lane is row, one subgroup a workgroup; loads through addresses escape the driver's bounds checks (52 against 25 Gflop/s on lavapipe)",
	},

	// Matrix units.
	{
		name: "nvidia-matrix", archs: []Architecture{"nvidia*"}, tiers: []Tier{TierCoop}, headDim: span{8, 128},
		choice: TuningChoice{
			Way:      wayRows,
			Attend:   ShapeChoice{Subgroups: 8, Rows: 16, Keys: 64},
			Identify: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		why: "matrix units of NVIDIA: eight subgroups share each tile, scores stay in registers, 64 keys keep them from waiting (H100, dense at 8k, head_dim 128: 2.51 ms; 32 keys 2.80, columns 3.25, through shared memory at best 3.13)",
	},
	{
		name: "nvidia-matrix-f16", archs: []Architecture{"nvidia*"}, tiers: []Tier{TierCoopF16}, headDim: span{8, 128},
		choice: TuningChoice{
			Attend:   ShapeChoice{Subgroups: 4, Rows: 32, Keys: 16},
			Identify: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		why: "matrix units of NVIDIA: 32 rows a subgroup fill its registers up to head_dim 128 (H200, dense at 8k, head_dim 128, Tflop/s: 32 rows 120, with eight subgroups 114; 16 rows 90 and 98; 32 keys put accumulators in memory, 54)",
	},
	{
		name: "nvidia-matrix-registers", archs: []Architecture{"nvidia*"}, tiers: []Tier{TierCoop2}, headDim: span{8, 128},
		choice: TuningChoice{
			Way:      wayRows,
			Attend:   ShapeChoice{Subgroups: 8, Rows: 16, Keys: 64},
			Identify: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		why: "matrix units of NVIDIA, softmax in registers: eight subgroups share each tile, and 64 keys keep them from waiting (H100, dense at 8k, head_dim 128, Tflop/s: 267; 32 keys 223, with four subgroups 227)",
	},
	{
		name: "nvidia-matrix-registers-large", archs: []Architecture{"nvidia*"}, tiers: []Tier{TierCoop2},
		choice: TuningChoice{
			Way:      wayRows,
			Attend:   ShapeChoice{Subgroups: 8, Rows: 16, Keys: 32},
			Identify: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		why: "matrix units of NVIDIA, softmax in registers: accumulators of a large head_dim leave registers for 32 keys",
	},
	{
		name: "amd-matrix-large", archs: []Architecture{"amd*"}, tiers: []Tier{TierCoop2}, headDim: span{129, MaxHeadDim},
		choice: TuningChoice{
			Way: wayColumns, SubgroupSize: 32,
			Attend: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 16},
		},
		refuse: "AMD's registers do not hold queries and accumulators of a head_dim above 128 (RADV spills 90 to 154 of them on RDNA3 at 256); tier coop does",
		why:    "not used",
	},
	{
		name: "amd-matrix-registers", archs: []Architecture{"amd*"}, tiers: []Tier{TierCoop2, TierCoop}, headDim: span{8, 128},
		choice: TuningChoice{
			Way: wayColumns, SubgroupSize: 32,
			Attend:   ShapeChoice{Subgroups: 4, Rows: 16, Keys: 16},
			Identify: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		why: "matrix units of AMD, softmax in registers: in subgroups of 32 a column of scores lies in two lanes, where the next product wants its weights (RADV's compilers, not run: tools/isa.sh, docs/performance.md)",
	},
	{
		name: "matrix-registers", tiers: []Tier{TierCoop2},
		choice: TuningChoice{
			Attend:   ShapeChoice{Subgroups: 4, Rows: 16, Keys: 16},
			Identify: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		why: "matrix units, softmax in registers: a subgroup owns 16 rows, four share each tile of keys",
	},
	{
		name: "amd-matrix-shared-large", archs: []Architecture{"amd*"}, tiers: []Tier{TierCoop, TierCoopF16}, headDim: span{129, MaxHeadDim},
		choice: TuningChoice{
			SubgroupSize: 64,
			Attend:       ShapeChoice{Subgroups: 4, Rows: 16, Keys: 16},
			Identify:     ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64, Lean: true},
		},
		why: "matrix units of AMD: in subgroups of 64 a large head_dim spills no registers, of 32 it spills 72 to 165 (navi31); nor does the search with its queries in shared memory, which spills 88 otherwise",
	},
	{
		name: "amd-matrix-shared", archs: []Architecture{"amd*"}, tiers: []Tier{TierCoop, TierCoopF16},
		choice: TuningChoice{
			SubgroupSize: 32,
			Attend:       ShapeChoice{Subgroups: 4, Rows: 16, Keys: 16},
			Identify:     ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		why: "matrix units of AMD: subgroups of 32 have the better estimate for 16 rows (navi31, coop, head_dim 128: 7,023 against 7,717 of 64; navi33 and gfx1201 by more), if with 240 registers and 6 of them on a SIMD against 192 and 8",
	},
	// Intel. A subgroup has 4 KiB of registers on Xe-HPG and 8 KiB on Xe2 and
	// later, whatever its size: no room for the accumulators of whole rows.
	// Compilers of Mesa 26.1 on stub devices, not run: tools/isa.sh.
	{
		name: "xe-hpg-matrix", archs: []Architecture{ArchIntelXeHPG}, tiers: []Tier{TierCoop, TierCoopF16}, headDim: span{8, 64},
		choice: TuningChoice{
			SubgroupSize: 8,
			Attend:       ShapeChoice{Subgroups: 64, Rows: 8, Keys: 32, Slices: 4},
			Identify:     ShapeChoice{Subgroups: 8, Rows: 8, Keys: 64, Lean: true},
		},
		why: "matrix units of Xe-HPG: four subgroups of 8 share 8 rows, each with a slice of at most 16 elements, which spills no registers (with 2 slices 166 spills, with whole rows 351)",
	},
	{
		name: "xe-hpg-matrix-wide", archs: []Architecture{ArchIntelXeHPG}, tiers: []Tier{TierCoop, TierCoopF16}, headDim: span{65, 128},
		choice: TuningChoice{
			SubgroupSize: 8,
			Attend:       ShapeChoice{Subgroups: 64, Rows: 8, Keys: 32, Slices: 8},
			Identify:     ShapeChoice{Subgroups: 8, Rows: 8, Keys: 64, Lean: true},
		},
		why: "matrix units of Xe-HPG: eight subgroups of 8 share 8 rows, each with a slice of at most 16 elements, which spills no registers",
	},
	{
		name: "xe-hpg-matrix-widest", archs: []Architecture{ArchIntelXeHPG}, tiers: []Tier{TierCoop, TierCoopF16},
		choice: TuningChoice{
			SubgroupSize: 8,
			Attend:       ShapeChoice{Subgroups: 64, Rows: 8, Keys: 16, Slices: 16},
			Identify:     ShapeChoice{Subgroups: 8, Rows: 8, Keys: 64, Lean: true},
		},
		why: "matrix units of Xe-HPG: sixteen subgroups of 8 share 8 rows, each with a slice of at most 16 elements, which spills no registers; 16 keys at a time, for shared memory",
	},
	{
		name: "xe2-matrix", archs: []Architecture{ArchIntelXe2}, tiers: []Tier{TierCoop, TierCoopF16}, headDim: span{8, 64},
		choice: TuningChoice{
			SubgroupSize: 16,
			Attend:       ShapeChoice{Subgroups: 16, Rows: 8, Keys: 32, Slices: 2},
			Identify:     ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64, Lean: true},
		},
		why: "matrix units of Xe2: two subgroups of 16 share 8 rows, each with a slice of at most 32 elements, which spills no registers (whole rows: 22 to 115 spills)",
	},
	{
		name: "xe2-matrix-wide", archs: []Architecture{ArchIntelXe2}, tiers: []Tier{TierCoop, TierCoopF16}, headDim: span{65, 128},
		choice: TuningChoice{
			SubgroupSize: 16,
			Attend:       ShapeChoice{Subgroups: 32, Rows: 8, Keys: 32, Slices: 4},
			Identify:     ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64, Lean: true},
		},
		why: "matrix units of Xe2: four subgroups of 16 share 8 rows, each with a slice of at most 32 elements, which spills no registers (with 2 slices 128 to 160)",
	},
	{
		name: "xe2-matrix-widest", archs: []Architecture{ArchIntelXe2}, tiers: []Tier{TierCoop, TierCoopF16},
		choice: TuningChoice{
			SubgroupSize: 16,
			Attend:       ShapeChoice{Subgroups: 32, Rows: 8, Keys: 16, Slices: 8},
			Identify:     ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64, Lean: true},
		},
		why: "matrix units of Xe2: eight subgroups of 16 share 8 rows, each with a slice of at most 32 elements, which spills no registers; 16 keys at a time, for shared memory",
	},
	{
		name: "matrix", tiers: []Tier{TierCoop, TierCoopF16},
		choice: TuningChoice{
			Attend:   ShapeChoice{Subgroups: 4, Rows: 16, Keys: 16}, // a group has 16 blocks by default
			Identify: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 64},
		},
		why: "matrix units: a subgroup owns 16 rows, four share each tile of keys",
	},

	// Intel's kernels get the smallest subgroup, which leaves an invocation the
	// most registers: 128 values. Two rows of 16 elements (query and accumulator)
	// fit beside the keys; in subgroups of 16 (32) they spill.
	{
		name: "intel-8-wide-rows", archs: []Architecture{"intel*"}, tiers: []Tier{TierScalar, TierScalarF16, TierUnpack}, headDim: span{65, 95},
		choice: TuningChoice{
			Way: wayUint, SubgroupSize: 8,
			Attend:   ShapeChoice{Local: 128, Lanes: 8, Rows: 1, Keys: 2},
			Identify: ShapeChoice{Local: 64, Lanes: 8, Rows: 2, Elements: 64, Keys: 4},
		},
		why: "Intel, subgroups of 8: few lanes share a row of these lengths, so that it fills their registers and two keys at a time are what fits without spills",
	},
	{
		name: "intel-8", archs: []Architecture{"intel*"}, tiers: []Tier{TierScalar, TierScalarF16, TierUnpack},
		choice: TuningChoice{
			Way: wayUint, SubgroupSize: 8,
			Attend:   ShapeChoice{Local: 128, Lanes: 8, Rows: 2, Elements: 16, Keys: 4},
			Identify: ShapeChoice{Local: 64, Lanes: 8, Rows: 2, Elements: 64, Keys: 4},
		},
		why: "Intel, subgroups of 8: what fits their registers without spills; dense at head_dim 128 with one row needs 8,800 cycles for a key and row by the compiler's estimate for DG2, with two rows 9,700 and spills in the anchor stage",
	},
	{
		name: "intel-16-wide-rows", archs: []Architecture{"intel*"}, tiers: []Tier{TierScalar, TierScalarF16, TierUnpack}, headDim: span{65, 95},
		choice: TuningChoice{
			Way: wayUint, SubgroupSize: 16,
			Attend:   ShapeChoice{Local: 128, Lanes: 8, Rows: 1, Keys: 2},
			Identify: ShapeChoice{Local: 64, Lanes: 8, Rows: 2, Elements: 64, Keys: 4},
		},
		why: "Intel, subgroups of 16, the smallest of Xe2: few lanes share a row of these lengths, so that it fills their registers and two keys at a time are what fits without spills",
	},
	{
		name: "intel-16", archs: []Architecture{"intel*"}, tiers: []Tier{TierScalar, TierScalarF16, TierUnpack},
		choice: TuningChoice{
			Way: wayUint, SubgroupSize: 16,
			Attend:   ShapeChoice{Local: 128, Lanes: 8, Rows: 2, Elements: 16, Keys: 4},
			Identify: ShapeChoice{Local: 64, Lanes: 8, Rows: 2, Elements: 64, Keys: 4},
		},
		why: "Intel, subgroups of 16, the smallest of Xe2: what fits their registers without spills; dense at head_dim 128 with one row needs 8,800 cycles for a key and row by the compiler's estimate for DG2, with two rows 9,700 and spills in the anchor stage",
	},

	{
		name: "amd-gcn", archs: []Architecture{ArchAMDGCN}, tiers: []Tier{TierScalar, TierScalarF16, TierUnpack},
		choice: TuningChoice{
			Way:      wayUint,
			Attend:   ShapeChoice{Local: 128, Lanes: 8, Rows: 2, Elements: 56, Keys: 4},
			Identify: ShapeChoice{Local: 64, Lanes: 8, Rows: 2, Elements: 56, Keys: 4},
		},
		why: "GCN holds 256 registers for all waves of a lane: one row where two leave room for a single wave (head_dim 80 and 256)",
	},

	// GPUs without. Lanes share a row so that its query and accumulators fit in
	// registers: at most 32 elements of each an invocation where head_dim allows.
	// In the stripe search a group of 16 blocks fills a workgroup of 64.
	{
		name: "gpu-scalar", tiers: []Tier{TierScalar},
		choice: TuningChoice{
			Way:      wayUint,
			Attend:   ShapeChoice{Local: 128, Lanes: 8, Rows: 2, Elements: 128, Keys: 4},
			Identify: ShapeChoice{Local: 64, Lanes: 8, Rows: 2, Elements: 128, Keys: 4},
		},
		why: "GPU: lanes share a row to keep it in registers, where there are subgroup shuffles; loads of 16 bytes (25.1 ms against 27.6 ms with loads of 8 on an H200, dense at 8k)",
	},
	{
		name: "gpu",
		choice: TuningChoice{
			Attend:   ShapeChoice{Local: 128, Lanes: 8, Rows: 2, Elements: 128, Keys: 4},
			Identify: ShapeChoice{Local: 64, Lanes: 8, Rows: 2, Elements: 128, Keys: 4},
		},
		why: "GPU: lanes share a row to keep it in registers, where there are subgroup shuffles",
	},
}
