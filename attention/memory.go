package attention

import (
	"fmt"

	"github.com/anchorvk/anchorvk/vk"
)

// Memory is the device memory that a run of a plan takes, in bytes, known
// before any is allocated.
type Memory struct {
	Tensors uint64 `json:"tensors"` // Q, K, V and O, contiguous; 0 with PlanOptions.DeviceTensors
	Staging uint64 `json:"staging"` // at most, for copies between host and device where they cannot be made in place
	Scratch uint64 `json:"scratch"` // Plan.ScratchBytes
	Counts  uint64 `json:"counts"`  // stripes of every (head, group) pair, and what the guard measured there, for the statistics
	LSE     uint64 `json:"lse"`     // log-sum-exps, whether they are wanted or not
	Total   uint64 `json:"total"`
	// Stripes is what Outputs.Stripes takes on top of Total.
	Stripes uint64 `json:"stripes"`
}

// memoryAlign is what the size of each allocation is rounded up to.
const memoryAlign = 256

func alignUp(size uint64) uint64 { return (size + memoryAlign - 1) / memoryAlign * memoryAlign }

// estimate fills in the plan's Memory.
func (p *Plan) estimate(report *vk.Report, deviceTensors bool) {
	s := p.Shape
	rows := uint64(s.Batch) * uint64(s.Heads) * uint64(s.QLen)
	keys := uint64(s.Batch) * uint64(s.KVHeads) * uint64(s.KVLen)
	m := Memory{Scratch: p.ScratchBytes, LSE: alignUp(4 * rows)}
	if p.ScratchBytes > 0 {
		m.Counts = alignUp(p.countBytes())
		m.Stripes = alignUp(uint64(p.Units) * p.scratch.maskBytes)
	}
	if !deviceTensors {
		m.Tensors = 2 * (alignUp(halfBytes*rows*uint64(s.HeadDim)) + alignUp(halfBytes*keys*uint64(s.HeadDim)))
	}
	switch {
	case !report.UMA:
		m.Staging = vk.StagingBytes
	case report.Type != "cpu": // what the host can write it may read slowly, and then downloads are staged
		m.Staging = vk.StagingBytes / 2
	}
	m.Total = m.Tensors + m.Staging + m.Scratch + m.Counts + m.LSE
	p.Memory = m
}

// fitScratch lays out scratch memory within PlanOptions.ScratchBytes and the
// memory budget: with fewer slots where the budget has no room for more.
func (p *Plan) fitScratch(report *vk.Report, o *PlanOptions) error {
	if err := p.layOutScratch(report, o.ScratchBytes); err != nil {
		return err
	}
	p.estimate(report, o.DeviceTensors)
	if o.MemoryBudget == 0 || p.Memory.Total <= o.MemoryBudget {
		return nil
	}
	rest := p.Memory.Total - p.Memory.Scratch
	if p.ScratchBytes > 0 && rest < o.MemoryBudget {
		if err := p.layOutScratch(report, o.MemoryBudget-rest); err != nil {
			return err
		}
		p.estimate(report, o.DeviceTensors)
		if p.Memory.Total <= o.MemoryBudget {
			return nil
		}
	}
	try := "shorter inputs, fewer heads at a time, or a larger budget"
	if p.ScratchBytes > 0 {
		if err := p.layOutScratch(report, 1); err != nil { // the least there is
			return err
		}
		p.estimate(report, o.DeviceTensors)
		if p.Units > 0 {
			try = "shorter inputs, fewer heads at a time, smaller groups (step, block), or a larger budget"
		}
	}
	return &vk.MemoryBudgetError{
		What: fmt.Sprintf("the plan (tensors %d, staging %d, scratch %d, counts and log-sum-exps %d)",
			p.Memory.Tensors, p.Memory.Staging, p.Memory.Scratch, p.Memory.Counts+p.Memory.LSE),
		Need: p.Memory.Total, Budget: o.MemoryBudget, Try: try,
	}
}

// withinBudget refuses a call that would grow the engine's buffers past the
// device's budget, before any of them does.
func (r *run) withinBudget(in Inputs, out Outputs) error {
	used, budget := r.engine.device.MemoryUsage()
	if budget == 0 {
		return nil
	}
	var more, less uint64
	for _, n := range r.needs(&in, &out) {
		switch held := *n.buffer; {
		case held == nil:
			more += alignUp(n.size)
		case held.Size() < n.size:
			more += alignUp(n.size)
			less += held.Size()
		}
	}
	staged := out.LSE != nil || in.Q.Host != nil || in.K.Host != nil || in.V.Host != nil || out.O.Host != nil
	if held := r.engine.device.StagingUsage(); staged && held < r.plan.Memory.Staging {
		more += r.plan.Memory.Staging - held
	}
	if more == 0 || used-min(used, less)+more <= budget {
		return nil
	}
	return &vk.MemoryBudgetError{
		What: "the call", Need: more, Used: used - min(used, less), Budget: budget,
		Try: "a plan made by Engine.Plan, which takes less scratch memory; shorter inputs, fewer heads at a time, or a larger budget",
	}
}
