package isa

import "github.com/anchorvk/anchorvk/vk"

// newRow finds the figures among a driver's statistics. The names are those of
// Mesa's drivers for AMD (RADV), Intel (ANV) and NVIDIA (NVK), in this order.
func newRow(list []vk.Statistic) Row {
	s := map[string]float64{}
	for _, v := range list {
		s[v.Name] = v.Value
	}
	row := Row{
		Subgroup:     figure(s, "Subgroup Size"),
		Registers:    figure(s, "VGPRs", "Max live registers", "Number of GPRs"),
		Spills:       figure(s, "Spilled VGPRs", "Spills", "Spills to memory"),
		Fills:        figure(s, "Fills", "Fills from memory"),
		ScalarSpills: figure(s, "Spilled SGPRs", "Spills to reg"),
		Scratch:      figure(s, "Scratch size", "Scratch Memory Size", "SLM size"),
		Shared:       figure(s, "LDS size", "Workgroup Memory Size"),
		Waves:        figure(s, "Subgroups per SIMD", "Max warps/SM"),
		Instructions: figure(s, "Instructions", "Instruction count"),
		Cost:         figure(s, "Inverse Throughput", "Cycles", "Static cycle count"),
		Latency:      figure(s, "Latency"),
		Messages:     figure(s, "SENDs"),
		Vector:       Unknown, Matrix: Unknown, LoopInstructions: Unknown, LoopVector: Unknown, LoopMatrix: Unknown,
	}
	return row
}
