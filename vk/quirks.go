package vk

import (
	"fmt"

	"github.com/anchorvk/anchorvk/internal/drivers"
)

// quirk takes a feature away where a driver offers it and gets it wrong, or
// notes a limit that the driver has and does not report.
type quirk struct {
	driver     uint32
	when       func(*Report) bool
	feature    string // "" for a limit
	loopRounds uint32 // Limits.LoopRounds; 0 for a feature
	why        string
}

// quirks is the whole list; each entry says what was seen.
var quirks = []quirk{
	{
		driver:  drivers.Lavapipe,
		when:    func(r *Report) bool { return r.Subgroup.Size != 8 },
		feature: "coopmat",
		why:     "lavapipe lists cooperative matrices at every vector width, but pipelines that use them crash the process unless the subgroup size is 8",
	},
	{
		driver:     drivers.Lavapipe,
		when:       func(r *Report) bool { return olderMesa(r, 25) },
		loopRounds: 65535,
		why: "every subgroup of lavapipe counts the rounds of all its loops, and ends each loop once 65,535 are used up: " +
			"seen on Mesa 22.3.6, gone on 25.0.7 and 26.1.6; versions between were not tried",
	},
}

func applyQuirks(r *Report) {
	for _, q := range quirks {
		switch {
		case q.driver != r.DriverID || !q.when(r):
		case q.loopRounds > 0:
			r.Limits.LoopRounds = q.loopRounds
		case r.Why[q.feature] == "":
			switchOff(r, q.feature, q.why)
		}
	}
}

// olderMesa says whether a driver of Mesa's may be older than a version. It goes
// by the text, as "Mesa 22.3.6 (LLVM 15.0.6)": old ones give 1 as the number of
// their version. A text that it cannot read counts as old.
func olderMesa(r *Report, major int) bool {
	var found int
	_, err := fmt.Sscanf(r.DriverInfo, "Mesa %d.", &found)
	return err != nil || found < major
}

// noteMissing gives the plain reason for each feature that the driver does not offer.
func noteMissing(r *Report) {
	const plain = "not offered by the driver"
	for name, on := range map[string]bool{
		"float16": r.Features.Float16, "storage16": r.Features.Storage16,
		"subgroup":              r.Subgroup.Basic && r.Subgroup.ComputeStage,
		"subgroup-size-control": r.Subgroup.SizeControl,
		"memory-model":          r.Features.VulkanMemoryModel,
		"coopmat":               r.Features.CooperativeMatrix, "coopmat2": r.Features.CooperativeMatrix2,
		"memory-budget": r.Features.MemoryBudget, "executable-info": r.Features.PipelineExecutableInfo,
		"host-visible": r.Features.HostVisible, "buffer-address": r.Features.BufferAddress,
		"timeline-semaphore": r.Features.TimelineSemaphore,
	} {
		if !on {
			r.Why[name] = plain
		}
	}
}

// switchOff makes the report say that a feature is not there, and what builds on it neither.
func switchOff(r *Report, feature, why string) {
	r.Why[feature] = why
	f := &r.Features
	switch feature {
	case "float16":
		f.Float16 = false
	case "storage16":
		f.Storage16 = false
	case "subgroup":
		r.Subgroup = Subgroup{}
		f.SubgroupExtended, f.SubgroupSizeControl = false, false
		r.Why["subgroup-size-control"] = why
		switchOff(r, "coopmat", "needs subgroups: "+why)
	case "subgroup-size-control":
		f.SubgroupSizeControl = false
		r.Subgroup.SizeControl, r.Subgroup.FullSubgroups = false, false
		r.Subgroup.Min, r.Subgroup.Max = 0, 0
	case "memory-model":
		f.VulkanMemoryModel = false
		switchOff(r, "coopmat", "needs the Vulkan memory model: "+why)
	case "coopmat":
		f.CooperativeMatrix, r.CoopMatrix = false, nil
		switchOff(r, "coopmat2", why)
	case "coopmat2":
		f.CooperativeMatrix2, r.CoopMatrix2 = false, CoopMatrix2{}
	case "memory-budget":
		f.MemoryBudget = false
	case "executable-info":
		f.PipelineExecutableInfo = false
	case "buffer-address":
		f.BufferAddress = false
	case "timeline-semaphore":
		f.TimelineSemaphore = false
	case "host-visible":
		f.HostVisible, r.UMA = false, false
	}
}
