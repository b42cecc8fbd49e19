package vk

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// Pipeline is a compiled kernel.
type Pipeline struct {
	device   *Device
	config   PipelineConfig // without Code and Constants
	handle   uint64         // VkPipeline
	layout   uint64         // VkPipelineLayout
	set      uint64         // VkDescriptorSetLayout
	bindings int
	push     int
	pins     pins
}

// NewPipeline compiles a kernel. Errors are *FeatureError when the subgroup
// size cannot be had, *LimitError for bindings and push constants, or what the
// driver says.
func (d *Device) NewPipeline(c PipelineConfig) (*Pipeline, error) {
	if err := d.lifetime.enter(); err != nil {
		return nil, err
	}
	defer d.lifetime.leave()
	if err := d.checkPipeline(&c); err != nil {
		return nil, err
	}
	set, err := d.layouts.get(d, c.Bindings)
	if err != nil {
		return nil, err
	}
	required := c.SubgroupSize
	if !d.physical.report.Subgroup.SizeControl {
		required = 0 // checked: it is the size that every pipeline has
	}
	flags := uint32(0)
	if c.Statistics && d.physical.report.Features.PipelineExecutableInfo {
		flags |= driver.CaptureStatistics
	}
	if c.Listings && d.physical.report.Features.PipelineExecutableInfo {
		flags |= driver.CaptureRepresentations
	}
	pipeline, layout, r, call := d.driver.CreatePipeline(&driver.Kernel{
		Code: c.Code, Constants: c.Constants, SetLayout: set, Cache: d.cache.handle,
		PushBytes: c.PushBytes, SubgroupSize: required, FullSubgroups: c.FullSubgroups, Flags: flags,
	})
	if r != driver.Success {
		return nil, d.fail(fmt.Errorf("pipeline %s: %w", c.Name, callError(call, r)))
	}
	d.cache.made.Store(true)
	c.Code, c.Constants = nil, nil
	p := &Pipeline{device: d, config: c, handle: pipeline, layout: layout, set: set, bindings: c.Bindings, push: c.PushBytes}
	d.name(driver.ObjectPipeline, pipeline, c.Name)
	d.lifetime.add(p)
	return p, nil
}

func (d *Device) checkPipeline(c *PipelineConfig) error {
	report := d.Report()
	what := "pipeline " + c.Name
	if len(c.Code) < 20 || len(c.Code)%4 != 0 || binary.LittleEndian.Uint32(c.Code) != 0x07230203 {
		return fmt.Errorf("vk: %s: its code is not little-endian SPIR-V (%d bytes)", what, len(c.Code))
	}
	if c.Bindings < 0 || c.Bindings > int(report.Limits.MaxStorageBuffers) {
		return &LimitError{What: what, Limit: "maxPerStageDescriptorStorageBuffers", Asked: uint64(max(c.Bindings, 0)), Max: uint64(report.Limits.MaxStorageBuffers)}
	}
	if c.PushBytes < 0 || c.PushBytes%4 != 0 {
		return fmt.Errorf("vk: %s: PushBytes is %d; it takes a multiple of 4", what, c.PushBytes)
	}
	if c.PushBytes > int(report.Limits.PushConstants) {
		return &LimitError{What: what, Limit: "maxPushConstantsSize", Asked: uint64(c.PushBytes), Max: uint64(report.Limits.PushConstants)}
	}
	if len(c.Constants) > driver.MaxConstants {
		return &LimitError{What: what, Limit: "number of specialization constants", Asked: uint64(len(c.Constants)), Max: driver.MaxConstants}
	}
	if err := checkCapabilities(report, d.api, c); err != nil {
		return err
	}
	return checkSubgroup(report, c)
}

// checkSubgroup makes sure that the size asked for is the size that is granted.
func checkSubgroup(r *Report, c *PipelineConfig) error {
	s, want := &r.Subgroup, c.SubgroupSize
	feature := fmt.Sprintf("subgroup size %d (pipeline %s)", want, c.Name)
	switch {
	case want == 0:
	case want&(want-1) != 0:
		return &FeatureError{Feature: feature, Why: "it is not a power of two"}
	case s.SizeControl && (want < s.Min || want > s.Max):
		return &FeatureError{Feature: feature, Why: fmt.Sprintf("the device grants %d to %d", s.Min, s.Max), Try: "SubgroupSize 0"}
	case !s.SizeControl && want != s.Size:
		why := fmt.Sprintf("the device always gives %d", s.Size)
		if s.Size == 0 {
			why = "subgroups are off: " + r.WhyNot("subgroup")
		}
		return &FeatureError{Feature: feature, Why: why, Try: "SubgroupSize 0"}
	}
	if c.FullSubgroups && !s.FullSubgroups {
		why := r.WhyNot("subgroup-size-control")
		if why == "" {
			why = "the driver does not offer computeFullSubgroups"
		}
		return &FeatureError{Feature: fmt.Sprintf("full subgroups (pipeline %s)", c.Name), Why: why, Try: "FullSubgroups false"}
	}
	return nil
}

// Name is that of the PipelineConfig.
func (p *Pipeline) Name() string { return p.config.Name }

// Close frees the pipeline, once the submitted work that uses it has ended. It
// may be called more than once, and after Device.Close.
func (p *Pipeline) Close() error { return p.device.lifetime.closeChild(&p.pins, p) }

func (p *Pipeline) destroy() {
	p.device.driver.DestroyPipeline(p.handle, p.layout)
}

// layouts keeps one descriptor set layout for each number of bindings.
type layouts struct {
	mu   sync.Mutex
	made [driver.MaxBindings + 1]uint64
}

func (l *layouts) get(d *Device, bindings int) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made[bindings] == 0 {
		made, r := d.driver.CreateSetLayout(bindings)
		if r != driver.Success {
			return 0, d.fail(callError("vkCreateDescriptorSetLayout", r))
		}
		l.made[bindings] = made
	}
	return l.made[bindings], nil
}

func (l *layouts) destroy(d *Device) {
	for _, h := range l.made {
		if h != 0 {
			d.driver.DestroySetLayout(h)
		}
	}
}
