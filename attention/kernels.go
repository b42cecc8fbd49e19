package attention

import (
	"fmt"

	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/shaders"
	"github.com/anchorvk/anchorvk/vk"
)

// kernel is one of the compute kernels.
type kernel int

const (
	kernelDense kernel = iota
	kernelAnchor
	kernelPool
	kernelIdentify
	kernelSample
	kernelPick
	kernelPickMatrix
	kernelMiss
	kernelGuard
	kernelPeaks
	kernelCompact
	kernelStripes
	kernelCount
)

// kernelFacts are what a pipeline needs to know of each kernel's GLSL.
var kernelFacts = [kernelCount]struct {
	name     string
	bindings int
	variants bool // compiled once for each way of reading K and V
	halfMath bool // has an fp16 variant
	matrix   bool // has a variant on cooperative matrices
	ranged   int  // bindings of its variants that attend keys a range at a time; 0: it has none
}{
	kernelDense:      {"dense", 5, true, true, true, 7},
	kernelAnchor:     {"anchor", 5, true, false, true, 5},
	kernelPool:       {"pool", 4, false, false, false, 0},
	kernelIdentify:   {"identify", 4, true, false, true, 0},
	kernelSample:     {"sample", 4, true, false, true, 0},
	kernelPick:       {"pick", 6, false, false, false, 0},
	kernelPickMatrix: {"pick", 6, true, false, true, 0},
	kernelMiss:       {"miss", 6, true, false, true, 0},
	kernelGuard:      {"guard", 3, false, false, false, 0},
	kernelPeaks:      {"peaks", 6, true, false, true, 0},
	kernelCompact:    {"compact", 3, false, false, false, 0},
	kernelStripes:    {"stripes", 9, true, true, true, 9},
}

func (k kernel) String() string { return kernelFacts[k].name }

// searches says whether a kernel walks keys for rows that stand for a group. Such
// kernels have the shape Tuning.Identify.
func (k kernel) searches() bool {
	return k == kernelIdentify || k == kernelSample || k == kernelPickMatrix || k == kernelMiss || k == kernelPeaks
}

// shapeOf is the shape that a tuning gives a kernel.
func shapeOf(k kernel, t tuning.Tuning) tuning.KernelShape {
	if k.searches() {
		return t.Identify
	}
	return t.Attend
}

// Specialization constants by id, as include/spec.glsl declares them.
const (
	specLocal = iota
	specLanes
	specRows
	specKeys
	specChunks
	specMatM // matrix kernels only, as the next two: the device's product
	specMatN
	specMatK
	specSlices
	specHeads // stripe search on matrices only, as the next one: slots a workgroup
	specLean
	specCount
)

// auxLocal is the workgroup size of the pool and compact kernels, whose shape
// does not depend on the device.
const auxLocal = 32

// listLocal is the workgroup size of the compact kernel on a GPU: each invocation
// walks its words of the mask one after the other, and few of them wait for memory
// for longer than the rest of a unit's search takes.
const listLocal = 256

// pipelineKey is all that tells one pipeline from another.
type pipelineKey struct {
	kernel    kernel
	tier      Tier
	way       tuning.Way
	ranged    bool   // attends keys a range at a time
	subgroup  uint32 // required size, or 0
	constants [specCount]uint32
}

// pipelineFor returns the key of a plan's kernel.
func pipelineFor(k kernel, tier Tier, t tuning.Tuning, headDim int) pipelineKey {
	if k == kernelPickMatrix && !tier.OnMatrixUnits() {
		k = kernelPick
	}
	key := pipelineKey{kernel: k}
	chunks := uint32(headDim / 8)
	key.constants = [specCount]uint32{auxLocal, 1, 1, 1, chunks}
	if k == kernelCompact && t.Compact > 0 {
		key.constants[specLocal] = uint32(t.Compact)
	}
	if !kernelFacts[k].variants {
		return key
	}
	key.tier, key.way = tier, t.Way
	key.ranged = t.Range > 0 && kernelFacts[k].ranged > 0 && !key.isMatrix()
	key.subgroup = uint32(t.Subgroup)
	shape := shapeOf(k, t)
	key.constants = [specCount]uint32{uint32(shape.Local), uint32(shape.Lanes), uint32(shape.Rows), uint32(shape.Keys), chunks}
	if key.isMatrix() {
		if k.searches() {
			key.way = tuning.Way{Load: tuning.LoadUint}
		}
		key.constants[specMatM], key.constants[specMatN], key.constants[specMatK] = uint32(t.Matrix.M), uint32(t.Matrix.N), uint32(t.Matrix.K)
		key.constants[specSlices] = uint32(max(shape.Slices, 1))
	}
	if key.isMatrix() && k.searches() {
		key.constants[specHeads] = uint32(t.SearchHeads)
		if shape.Lean {
			key.constants[specLean] = 1
		}
	}
	return key
}

// isMatrix says whether the kernel uses cooperative matrices.
func (key pipelineKey) isMatrix() bool {
	return key.tier.OnMatrixUnits() && kernelFacts[key.kernel].matrix
}

// bindings is the number of buffers.
func (key pipelineKey) bindings() int {
	if key.ranged {
		return kernelFacts[key.kernel].ranged
	}
	return kernelFacts[key.kernel].bindings
}

// module is the name of the SPIR-V module.
func (key pipelineKey) module() string {
	facts := kernelFacts[key.kernel]
	if !facts.variants {
		return facts.name
	}
	if key.isMatrix() {
		return facts.name + key.matrixVariant()
	}
	name := facts.name + "_" + string(key.way.Load)
	if key.tier == TierScalarF16 && facts.halfMath {
		name = facts.name + "_f16"
	}
	if key.ranged {
		name += "_range"
	}
	if key.constants[specLanes] > 1 {
		name += "_sg"
	}
	return name
}

// matrixVariant names the modules of kernels on matrix units: softmax in
// shared memory, or in registers one of two ways.
func (key pipelineKey) matrixVariant() string {
	switch {
	case !key.kernel.searches() && key.tier == TierCoop2:
		return "_coop2_" + string(key.way.Layout)
	case !key.kernel.searches() && key.way.Layout != "":
		return "_coop_" + string(key.way.Layout)
	case key.tier == TierCoopF16 && kernelFacts[key.kernel].halfMath:
		return "_coop_f16"
	}
	return "_coop"
}

// usedConstants leaves out those that the kernel does not have.
func (key *pipelineKey) usedConstants() []uint32 {
	switch {
	case !key.isMatrix():
		return key.constants[:specMatM]
	case !key.kernel.searches():
		return key.constants[:specHeads]
	}
	return key.constants[:]
}

// config describes the pipeline to a device.
func (key pipelineKey) config(report *vk.Report) (vk.PipelineConfig, error) {
	module := key.module()
	code, err := shaders.Code(module)
	return vk.PipelineConfig{
		Name:      module,
		Code:      code,
		Bindings:  key.bindings(),
		PushBytes: pushBytes,
		Constants: key.usedConstants(),

		SubgroupSize:  key.subgroup,
		FullSubgroups: key.isMatrix() && report.Subgroup.FullSubgroups,
	}, err
}

// build compiles the pipeline.
func (key pipelineKey) build(device *vk.Device) (*vk.Pipeline, error) {
	config, err := key.config(device.Report())
	if err != nil {
		return nil, err
	}
	pipeline, err := device.NewPipeline(config)
	if err != nil {
		return nil, fmt.Errorf("attention: build kernel %s for head_dim %d: %w", config.Name, 8*key.constants[specChunks], err)
	}
	return pipeline, nil
}
