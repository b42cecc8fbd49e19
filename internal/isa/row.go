// Package isa reads what a driver's compiler made of every pipeline that
// attention can pick on a device, keeps it as a table, and compares two tables.
//
// Nothing is executed, so the device may be a stub that only compiles:
// tools/with-device.sh --list-stubs names some, docs/isa.md says how to read
// the table.
package isa

import "fmt"

// Key tells one pipeline of a device from another.
type Key struct {
	Tier    string // a name of attention.Tiers, or AllTiers
	HeadDim int
	Kernel  string // dense, anchor, pool, identify, compact or stripes
	// Size is the subgroup size that the pipeline was forced to, or "plan" for
	// what a plan takes by itself.
	Size string
}

// AllTiers stands for the tier of kernels that are the same in every tier.
const AllTiers = "all"

// PlanSize marks the pipelines that a plan takes by itself.
const PlanSize = "plan"

func (k Key) String() string {
	size := "as planned"
	if k.Size != PlanSize {
		size = "forced to subgroups of " + k.Size
	}
	return fmt.Sprintf("%s, tier %s, head_dim %d, %s", k.Kernel, k.Tier, k.HeadDim, size)
}

// Row is what the compiler says of one pipeline. Figures that a driver does
// not give are Unknown.
type Row struct {
	Key
	Module string // of package shaders
	// Shape is the specialization: invocations of a workgroup, lanes, rows and
	// keys, then the matrix product in matrix kernels.
	Shape string

	Subgroup     int // granted size
	Registers    int // of an invocation: VGPRs, GPRs; on Intel the most that live at a time, in 32 bytes
	Spills       int // vector registers written to memory: the count that the driver gives
	Fills        int
	ScalarSpills int // AMD: scalar registers moved to vector registers
	Scratch      int // bytes of memory, of a subgroup (AMD) or an invocation (NVIDIA, Intel)
	Shared       int // bytes of a workgroup
	Waves        int // subgroups that fit on a SIMD (AMD) or SM (NVIDIA)
	Instructions int
	// Cost is the driver's estimate of the time: AMD's inverse throughput,
	// Intel's and NVIDIA's cycles.
	Cost    int
	Latency int
	// Messages is what Intel's kernels send: loads, stores, barriers.
	Messages int
	Vector   int // instructions on vector registers, matrix products apart
	Matrix   int // matrix products
	// The same of the main loop: the innermost one that holds the most matrix
	// products or, where there are none, multiply-adds.
	LoopInstructions int
	LoopVector       int
	LoopMatrix       int
}

// Unknown is the value of a figure that the driver does not give.
const Unknown = -1

// column is a figure by its name in files and tables.
type column struct {
	name  string
	value func(*Row) *int
}

var columns = []column{
	{"subgroup", func(r *Row) *int { return &r.Subgroup }},
	{"registers", func(r *Row) *int { return &r.Registers }},
	{"spills", func(r *Row) *int { return &r.Spills }},
	{"fills", func(r *Row) *int { return &r.Fills }},
	{"scalar_spills", func(r *Row) *int { return &r.ScalarSpills }},
	{"scratch", func(r *Row) *int { return &r.Scratch }},
	{"shared", func(r *Row) *int { return &r.Shared }},
	{"waves", func(r *Row) *int { return &r.Waves }},
	{"instructions", func(r *Row) *int { return &r.Instructions }},
	{"cost", func(r *Row) *int { return &r.Cost }},
	{"latency", func(r *Row) *int { return &r.Latency }},
	{"messages", func(r *Row) *int { return &r.Messages }},
	{"vector", func(r *Row) *int { return &r.Vector }},
	{"matrix", func(r *Row) *int { return &r.Matrix }},
	{"loop_instructions", func(r *Row) *int { return &r.LoopInstructions }},
	{"loop_vector", func(r *Row) *int { return &r.LoopVector }},
	{"loop_matrix", func(r *Row) *int { return &r.LoopMatrix }},
}

// figure is the value of the driver's statistic of that name among several, or Unknown.
func figure(statistics map[string]float64, names ...string) int {
	for _, name := range names {
		if v, ok := statistics[name]; ok {
			return int(v)
		}
	}
	return Unknown
}
