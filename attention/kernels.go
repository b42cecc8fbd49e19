package attention

import (
	"fmt"

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
}{
	kernelDense:    {"dense", 5, true, true},
	kernelAnchor:   {"anchor", 5, true, false},
	kernelPool:     {"pool", 4, false, false},
	kernelIdentify: {"identify", 4, true, false},
	kernelCompact:  {"compact", 3, false, false},
	kernelStripes:  {"stripes", 9, true, true},
}

func (k kernel) String() string { return kernelFacts[k].name }

// Specialization constants by id, as include/spec.glsl declares them.
const (
	specLocal = iota
	specLanes
	specRows
	specKeys
	specChunks
	specCount
)

// auxLocal is the workgroup size of the pool and compact kernels, whose shape
// does not depend on the device.
const auxLocal = 32

// pipelineKey is all that tells one pipeline from another.
type pipelineKey struct {
	kernel    kernel
	tier      Tier
	way       string
	constants [specCount]uint32
}

// pipelineFor returns the key of a plan's kernel.
func pipelineFor(k kernel, tier Tier, t Tuning, headDim int) pipelineKey {
	key := pipelineKey{kernel: k}
	key.constants = [specCount]uint32{auxLocal, 1, 1, 1, uint32(headDim / 8)}
	if !kernelFacts[k].variants {
		return key
	}
	key.tier, key.way = tier, t.Way
	key.constants = [specCount]uint32{uint32(t.Local), uint32(t.Lanes), uint32(t.Rows), uint32(t.Keys), uint32(headDim / 8)}
	if k == kernelIdentify {
		key.constants[specLocal] = uint32(t.IdentifyLocal)
	}
	return key
}

// module is the name of the SPIR-V module.
func (key pipelineKey) module() string {
	facts := kernelFacts[key.kernel]
	if !facts.variants {
		return facts.name
	}
	name := facts.name + "_" + key.way
	if key.tier == TierScalarF16 && facts.halfMath {
		name = facts.name + "_f16"
	}
	if key.constants[specLanes] > 1 {
		name += "_sg"
	}
	return name
}

// build compiles the pipeline.
func (key pipelineKey) build(device *vk.Device) (*vk.Pipeline, error) {
	module := key.module()
	code, err := shaders.Code(module)
	if err != nil {
		return nil, err
	}
	pipeline, err := device.NewPipeline(vk.PipelineConfig{
		Name:      module,
		Code:      code,
		Bindings:  kernelFacts[key.kernel].bindings,
		PushBytes: pushBytes,
		Constants: key.constants[:],
	})
	if err != nil {
		return nil, fmt.Errorf("attention: build kernel %s for head_dim %d: %w", module, 8*key.constants[specChunks], err)
	}
	return pipeline, nil
}
