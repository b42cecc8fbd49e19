package vk

import (
	"slices"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// feature is something that a device may have and a user may switch off.
type feature struct {
	name string // of FeatureNames
	// enable is what the owner of a borrowed device switches on to have it, ""
	// where there is no switch.
	enable string
	on     func(*Report) bool
	clear  func(*Report)
	// fields ask for it when a device is made, nil where nothing does.
	fields     func(*driver.Caps) []*uint32
	dependents []dependent
}

// dependent is a feature that is off with another one.
type dependent struct{ name, because string }

// features are all of them, in the order of FeatureNames. Of those that build on
// one another, what is needed comes first.
var features = []feature{
	{
		name: "float16", enable: "shaderFloat16",
		on:     func(r *Report) bool { return r.Features.Float16 },
		clear:  func(r *Report) { r.Features.Float16 = false },
		fields: func(c *driver.Caps) []*uint32 { return []*uint32{&c.Float16} },
	},
	{
		name: "storage16", enable: "storageBuffer16BitAccess",
		on:     func(r *Report) bool { return r.Features.Storage16 },
		clear:  func(r *Report) { r.Features.Storage16 = false },
		fields: func(c *driver.Caps) []*uint32 { return []*uint32{&c.Storage16} },
	},
	{
		name: "subgroup",
		on:   func(r *Report) bool { return r.Subgroup.Basic && r.Subgroup.ComputeStage },
		clear: func(r *Report) {
			r.Subgroup, r.Features.SubgroupExtended = Subgroup{}, false
		},
		dependents: []dependent{{"subgroup-size-control", ""}, {"coopmat", "needs subgroups: "}},
	},
	{
		name: "subgroup-size-control", enable: "subgroupSizeControl and computeFullSubgroups",
		on: func(r *Report) bool { return r.Subgroup.SizeControl },
		clear: func(r *Report) {
			r.Features.SubgroupSizeControl, r.Subgroup.SizeControl, r.Subgroup.FullSubgroups = false, false, false
			r.Subgroup.Min, r.Subgroup.Max = 0, 0
		},
		fields: func(c *driver.Caps) []*uint32 { return []*uint32{&c.SizeControl} },
	},
	{
		name: "memory-model", enable: "vulkanMemoryModel and vulkanMemoryModelDeviceScope",
		on:         func(r *Report) bool { return r.Features.VulkanMemoryModel },
		clear:      func(r *Report) { r.Features.VulkanMemoryModel = false },
		fields:     func(c *driver.Caps) []*uint32 { return []*uint32{&c.MemoryModel} },
		dependents: []dependent{{"coopmat", "needs the Vulkan memory model: "}},
	},
	{
		name:       "coopmat",
		enable:     "cooperativeMatrix, vulkanMemoryModel and vulkanMemoryModelDeviceScope (with VK_KHR_cooperative_matrix and an instance of Vulkan 1.2 or newer)",
		on:         func(r *Report) bool { return r.Features.CooperativeMatrix },
		clear:      func(r *Report) { r.Features.CooperativeMatrix, r.CoopMatrix = false, nil },
		fields:     func(c *driver.Caps) []*uint32 { return []*uint32{&c.Coopmat} },
		dependents: []dependent{{"coopmat2", ""}},
	},
	{
		name:   "coopmat2",
		enable: "the features of VK_NV_cooperative_matrix2, maintenance4 and those of coopmat (with an instance of Vulkan 1.3 or newer)",
		on:     func(r *Report) bool { return r.Features.CooperativeMatrix2 },
		clear:  func(r *Report) { r.Features.CooperativeMatrix2, r.CoopMatrix2 = false, CoopMatrix2{} },
		fields: func(c *driver.Caps) []*uint32 {
			return []*uint32{&c.NV2Workgroup, &c.NV2Flexible, &c.NV2Reductions, &c.NV2Conversions, &c.NV2PerElement, &c.NV2Tensor, &c.NV2Block}
		},
	},
	{
		name:   "memory-budget",
		on:     func(r *Report) bool { return r.Features.MemoryBudget },
		clear:  func(r *Report) { r.Features.MemoryBudget = false },
		fields: func(c *driver.Caps) []*uint32 { return []*uint32{&c.MemoryBudget} },
	},
	{
		name: "executable-info", enable: "pipelineExecutableInfo (with VK_KHR_pipeline_executable_properties)",
		on:     func(r *Report) bool { return r.Features.PipelineExecutableInfo },
		clear:  func(r *Report) { r.Features.PipelineExecutableInfo = false },
		fields: func(c *driver.Caps) []*uint32 { return []*uint32{&c.ExecutableInfo} },
	},
	{
		name:  "host-visible",
		on:    func(r *Report) bool { return r.Features.HostVisible },
		clear: func(r *Report) { r.Features.HostVisible, r.UMA = false, false },
	},
	{
		name: "buffer-address", enable: "bufferDeviceAddress (with an instance of Vulkan 1.2 or newer)",
		on:     func(r *Report) bool { return r.Features.BufferAddress },
		clear:  func(r *Report) { r.Features.BufferAddress = false },
		fields: func(c *driver.Caps) []*uint32 { return []*uint32{&c.BufferAddress} },
	},
	{
		name: "timeline-semaphore", enable: "timelineSemaphore",
		on:     func(r *Report) bool { return r.Features.TimelineSemaphore },
		clear:  func(r *Report) { r.Features.TimelineSemaphore = false },
		fields: func(c *driver.Caps) []*uint32 { return []*uint32{&c.Timeline} },
	},
}

// FeatureNames lists the names that Options.Disable accepts.
func FeatureNames() []string {
	var list []string
	for i := range features {
		list = append(list, features[i].name)
	}
	return list
}

// noteMissing gives the plain reason for each feature that the driver does not offer.
func noteMissing(r *Report) {
	for i := range features {
		if !features[i].on(r) {
			r.Why[features[i].name] = "not offered by the driver"
		}
	}
}

// switchOff makes the report say that a feature is not there, and what builds on it neither.
func switchOff(r *Report, name, why string) {
	r.Why[name] = why
	i := slices.IndexFunc(features, func(f feature) bool { return f.name == name })
	features[i].clear(r)
	for _, d := range features[i].dependents {
		switchOff(r, d.name, d.because+why)
	}
}
