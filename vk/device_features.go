package vk

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// optional is something that a device can be made without.
type optional struct {
	feature string // of FeatureNames, "" when none stands for it
	name    string // by the specification
	clear   func(*driver.Caps)
}

// optionals are all that create asks for, what matters most first. What builds
// on another comes after it.
var optionals = []optional{
	{"", "VK_KHR_portability_subset", func(c *driver.Caps) { c.Portability = 0 }},
	{"storage16", "storageBuffer16BitAccess", func(c *driver.Caps) { c.Storage16, c.Uniform16 = 0, 0 }},
	{"float16", "shaderFloat16", func(c *driver.Caps) { c.Float16 = 0 }},
	{"subgroup-size-control", "subgroupSizeControl", func(c *driver.Caps) { c.SizeControl, c.FullSubgroups = 0, 0 }},
	{"", "shaderSubgroupExtendedTypes", func(c *driver.Caps) { c.SubgroupExtended = 0 }},
	{"memory-model", "vulkanMemoryModel", func(c *driver.Caps) { c.MemoryModel, c.MemoryModelDevice = 0, 0 }},
	{"coopmat", "cooperativeMatrix", func(c *driver.Caps) { c.Coopmat, c.Shapes, c.FlexibleShapes = 0, 0, 0 }},
	{"", "maintenance4", func(c *driver.Caps) { c.Maintenance4 = 0 }},
	{"coopmat2", "VK_NV_cooperative_matrix2", func(c *driver.Caps) {
		c.NV2Workgroup, c.NV2Flexible, c.NV2Reductions, c.NV2Conversions, c.NV2PerElement, c.NV2Tensor, c.NV2Block = 0, 0, 0, 0, 0, 0, 0
		c.HasCoopmat2Ext, c.FlexibleShapes = 0, 0
	}},
	{"", "shaderInt16", func(c *driver.Caps) { c.Int16 = 0 }},
	{"", "shaderInt64", func(c *driver.Caps) { c.Int64 = 0 }},
	{"", "shaderInt8", func(c *driver.Caps) { c.Int8 = 0 }},
	{"buffer-address", "bufferDeviceAddress", func(c *driver.Caps) { c.BufferAddress = 0 }},
	{"timeline-semaphore", "timelineSemaphore", func(c *driver.Caps) { c.Timeline = 0 }},
	{"memory-budget", "VK_EXT_memory_budget", func(c *driver.Caps) { c.MemoryBudget = 0 }},
	{"executable-info", "pipelineExecutableInfo", func(c *driver.Caps) { c.ExecutableInfo = 0 }},
}

// enabled is what of caps the report says is on.
func enabled(report *Report, caps *driver.Caps) driver.Caps {
	enable := *caps
	for _, f := range features {
		if f.fields == nil || f.on(report) {
			continue
		}
		for _, field := range f.fields(&enable) {
			*field = 0
		}
	}
	if !report.Features.SubgroupExtended {
		enable.SubgroupExtended = 0
	}
	if !report.Subgroup.FullSubgroups {
		enable.FullSubgroups = 0
	}
	return enable
}

// refusesFeatures says whether a VkDevice was refused for what was asked of it.
func refusesFeatures(err error) bool {
	var call *CallError
	return errors.As(err, &call) &&
		(driver.Result(call.Result) == driver.ErrorFeatureNotPresent || driver.Result(call.Result) == driver.ErrorExtensionNotPresent)
}

// without is the device with some optionals, by their index, cleared.
func (d *Device) without(given []int) physical {
	p := d.physical
	p.caps = new(driver.Caps)
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
			d.driver.Destroy()
			d.driver.Close()
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
