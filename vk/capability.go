package vk

import (
	"encoding/binary"
	"fmt"
)

// capability is a SPIR-V capability that a device must have enabled.
type capability struct {
	name   string
	needs  string // the Vulkan feature, by the specification's name
	report string // of FeatureNames, "" when none stands for it
	on     func(*Report) bool
}

// capabilities lists those that depend on a feature. Others, such as basic and
// subgroup operations, do not, or are of no use to kernels.
var capabilities = map[uint32]capability{
	9:    {"Float16", "shaderFloat16", "float16", func(r *Report) bool { return r.Features.Float16 }},
	11:   {"Int64", "shaderInt64", "", func(r *Report) bool { return r.Features.Int64 }},
	22:   {"Int16", "shaderInt16", "", func(r *Report) bool { return r.Features.Int16 }},
	4433: {"StorageBuffer16BitAccess", "storageBuffer16BitAccess", "storage16", func(r *Report) bool { return r.Features.Storage16 }},
	5345: {"VulkanMemoryModel", "vulkanMemoryModel", "memory-model", func(r *Report) bool { return r.Features.VulkanMemoryModel }},
	5347: {"PhysicalStorageBufferAddresses", "bufferDeviceAddress", "buffer-address", func(r *Report) bool { return r.Features.BufferAddress }},
	6022: {"CooperativeMatrixKHR", "cooperativeMatrix", "coopmat", func(r *Report) bool { return r.Features.CooperativeMatrix }},
	5430: {"CooperativeMatrixReductionsNV", "cooperativeMatrixReductions", "coopmat2", func(r *Report) bool { return r.CoopMatrix2.Reductions }},
	5431: {"CooperativeMatrixConversionsNV", "cooperativeMatrixConversions", "coopmat2", func(r *Report) bool { return r.CoopMatrix2.Conversions }},
	5432: {"CooperativeMatrixPerElementOperationsNV", "cooperativeMatrixPerElementOperations", "coopmat2", func(r *Report) bool { return r.CoopMatrix2.PerElement }},
	5433: {"CooperativeMatrixTensorAddressingNV", "cooperativeMatrixTensorAddressing", "coopmat2", func(r *Report) bool { return r.CoopMatrix2.TensorAddressing }},
	5434: {"CooperativeMatrixBlockLoadsNV", "cooperativeMatrixBlockLoads", "coopmat2", func(r *Report) bool { return r.CoopMatrix2.BlockLoads }},
}

// apiOfSPIRV is the first Vulkan version that takes a version of SPIR-V.
func apiOfSPIRV(version uint32) uint32 {
	switch {
	case version >= 0x10600:
		return 1<<22 | 3<<12
	case version >= 0x10400:
		return 1<<22 | 2<<12
	}
	return apiVersion11
}

// checkCapabilities makes sure that a kernel uses only what is enabled. A
// driver need not notice, and a validation layer is not always there.
func checkCapabilities(r *Report, api uint32, c *PipelineConfig) error {
	if version := binary.LittleEndian.Uint32(c.Code[4:]); api < apiOfSPIRV(version) {
		return &FeatureError{
			Feature: fmt.Sprintf("SPIR-V %d.%d (pipeline %s)", version>>16, version>>8&0xff, c.Name),
			Why:     fmt.Sprintf("the device, or the instance that it was lent with, is of Vulkan %d.%d", api>>22, api>>12&0x3ff), Try: "another kernel",
		}
	}
	for _, number := range moduleCapabilities(c.Code) {
		need, ok := capabilities[number]
		if !ok || need.on(r) {
			continue
		}
		why := r.WhyNot(need.report)
		if why == "" {
			why = "the device does not support it, or it was not enabled"
		}
		return &FeatureError{Feature: need.needs, Why: fmt.Sprintf("pipeline %s needs the capability %s: %s", c.Name, need.name, why), Try: "enable " + need.needs + " on your device, or another kernel"}
	}
	return nil
}

// moduleCapabilities lists the capabilities that a SPIR-V module declares, which come first in it.
func moduleCapabilities(code []byte) []uint32 {
	const header, opCapability, opMemoryModel = 20, 17, 14
	var list []uint32
	for at := header; at+8 <= len(code); {
		word := binary.LittleEndian.Uint32(code[at:])
		op, length := word&0xffff, int(word>>16)
		if op == opMemoryModel || length == 0 {
			break
		}
		if op == opCapability {
			list = append(list, binary.LittleEndian.Uint32(code[at+4:]))
		}
		at += 4 * length
	}
	return list
}
