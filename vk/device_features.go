//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	vulkan "github.com/vulkan-go/vulkan"
)

// optional is something that a device can be made without.
type optional struct {
	feature string // of FeatureNames, "" when none stands for it
	name    string // by the specification
	clear   func(*C.vks_caps)
}

// optionals are all that create asks for, what matters most first. What builds
// on another comes after it.
var optionals = []optional{
	{"", "VK_KHR_portability_subset", func(c *C.vks_caps) { c.portability = 0 }},
	{"storage16", "storageBuffer16BitAccess", func(c *C.vks_caps) { c.storage16, c.uniform16 = 0, 0 }},
	{"float16", "shaderFloat16", func(c *C.vks_caps) { c.float16 = 0 }},
	{"subgroup-size-control", "subgroupSizeControl", func(c *C.vks_caps) { c.size_control, c.full_subgroups = 0, 0 }},
	{"", "shaderSubgroupExtendedTypes", func(c *C.vks_caps) { c.subgroup_extended = 0 }},
	{"memory-model", "vulkanMemoryModel", func(c *C.vks_caps) { c.memory_model, c.memory_model_device = 0, 0 }},
	{"coopmat", "cooperativeMatrix", func(c *C.vks_caps) { c.coopmat, c.shapes, c.flexible_shapes = 0, 0, 0 }},
	{"", "maintenance4", func(c *C.vks_caps) { c.maintenance4 = 0 }},
	{"coopmat2", "VK_NV_cooperative_matrix2", func(c *C.vks_caps) {
		c.nv2_workgroup, c.nv2_flexible, c.nv2_reductions, c.nv2_conversions, c.nv2_per_element, c.nv2_tensor, c.nv2_block = 0, 0, 0, 0, 0, 0, 0
		c.has_coopmat2_ext, c.flexible_shapes = 0, 0
	}},
	{"", "shaderInt16", func(c *C.vks_caps) { c.int16 = 0 }},
	{"", "shaderInt64", func(c *C.vks_caps) { c.int64 = 0 }},
	{"", "shaderInt8", func(c *C.vks_caps) { c.int8 = 0 }},
	{"buffer-address", "bufferDeviceAddress", func(c *C.vks_caps) { c.buffer_address = 0 }},
	{"timeline-semaphore", "timelineSemaphore", func(c *C.vks_caps) { c.timeline = 0 }},
	{"memory-budget", "VK_EXT_memory_budget", func(c *C.vks_caps) { c.memory_budget = 0 }},
	{"executable-info", "pipelineExecutableInfo", func(c *C.vks_caps) { c.executable_info = 0 }},
}

// enabled is what of caps the report says is on.
func enabled(report *Report, caps *C.vks_caps) C.vks_caps {
	enable := *caps
	set := func(field *C.uint32_t, on bool) {
		if !on {
			*field = 0
		}
	}
	f := &report.Features
	set(&enable.storage16, f.Storage16)
	set(&enable.float16, f.Float16)
	set(&enable.subgroup_extended, f.SubgroupExtended)
	set(&enable.size_control, f.SubgroupSizeControl)
	set(&enable.full_subgroups, report.Subgroup.FullSubgroups)
	set(&enable.memory_model, f.VulkanMemoryModel)
	set(&enable.coopmat, f.CooperativeMatrix)
	set(&enable.executable_info, f.PipelineExecutableInfo)
	set(&enable.memory_budget, f.MemoryBudget)
	set(&enable.buffer_address, f.BufferAddress)
	set(&enable.timeline, f.TimelineSemaphore)
	for _, field := range []*C.uint32_t{
		&enable.nv2_workgroup, &enable.nv2_flexible, &enable.nv2_reductions,
		&enable.nv2_conversions, &enable.nv2_per_element, &enable.nv2_tensor, &enable.nv2_block,
	} {
		set(field, f.CooperativeMatrix2)
	}
	return enable
}

// refusesFeatures tells whether a VkDevice was refused for what was asked of it.
func refusesFeatures(err error) bool {
	var call *CallError
	return errors.As(err, &call) &&
		(vulkan.Result(call.Result) == vulkan.ErrorFeatureNotPresent || vulkan.Result(call.Result) == vulkan.ErrorExtensionNotPresent)
}

// without is the device with some optionals, by their index, cleared.
func (d *Device) without(given []int) physical {
	p := d.physical
	p.caps = new(C.vks_caps)
	*p.caps = *d.physical.caps
	for _, i := range given {
		optionals[i].clear(p.caps)
	}
	p.report = newReport(p.caps, &d.opt)
	p.report.Index, p.report.Default = d.physical.report.Index, d.physical.report.Default
	return p
}

// createWithout makes the VkDevice after it was refused for a feature that the
// driver lists: a layer may hide some from its creation. Everything optional is
// given up, then what the device can have is taken back one by one, so that
// only what is at fault is lost.
func (d *Device) createWithout(refused error) error {
	var given []int
	for i := range optionals {
		given = append(given, i)
	}
	try := func(given []int) error {
		p := d.without(given)
		enable := enabled(&p.report, p.caps)
		err := d.createOnce(&enable, 0)
		if err == nil {
			C.vks_device_destroy(d.shim)
			C.vks_device_close(d.shim)
		}
		return err
	}
	if err := try(given); err != nil {
		return fmt.Errorf("%w, even without any optional feature%s", err, layersText())
	}
	had := enabled(&d.physical.report, d.physical.caps)
	for i, o := range optionals {
		had := had
		if o.clear(&had); had == enabled(&d.physical.report, d.physical.caps) {
			given = remove(given, i) // it was not asked for
			continue
		}
		less := remove(given, i)
		switch err := try(less); {
		case err == nil:
			given = less
		case !refusesFeatures(err):
			return err
		}
	}
	before := d.physical.report
	d.physical = d.without(given)
	enable := enabled(&d.physical.report, d.physical.caps)
	if err := d.createWithPriority(&enable); err != nil {
		return err
	}
	d.noteGiven(given, &before, refused)
	return nil
}

// noteGiven says in the report and the log what is missing, and why.
func (d *Device) noteGiven(given []int, before *Report, refused error) {
	why := fmt.Sprintf("the driver offers it, but makes no device with it (%v)%s", refused, layersText())
	report := &d.physical.report
	var names []string
	for _, i := range given {
		o := optionals[i]
		names = append(names, o.name)
		if o.feature != "" {
			report.Why[o.feature] = why
		}
	}
	for feature := range maps.Clone(report.Why) { // and what builds on it
		if before.Why[feature] == "" && !strings.Contains(report.Why[feature], why) {
			report.Why[feature] = "needs " + strings.Join(names, ", ") + ": " + why
		}
	}
	d.log.Warn("the device is made without features that its driver offers", "device", report.Name, "without", strings.Join(names, ", "), "why", refused, "layers", layerNames())
}

// remove is the list without one element.
func remove(list []int, element int) []int {
	return slices.DeleteFunc(slices.Clone(list), func(i int) bool { return i == element })
}
