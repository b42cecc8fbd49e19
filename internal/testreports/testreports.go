// Package testreports has reports of devices for tests that need none: recorded
// ones and made-up ones.
package testreports

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/anchorvk/anchorvk/vk"
)

//go:embed devices/*.json
var devices embed.FS

// Recorded are devices as `anchorvk devices --json` described them, by name, and
// GPUs made up for what those lack. The drivers of the AMD and NVIDIA ones ran
// without a card, on Mesa's drm-shim.
func Recorded() map[string]*vk.Report {
	all := map[string]*vk.Report{}
	files, err := devices.ReadDir("devices")
	if err != nil {
		panic(err)
	}
	for _, f := range files {
		text, err := devices.ReadFile("devices/" + f.Name())
		report := new(vk.Report)
		if err == nil {
			err = json.Unmarshal(text, report)
		}
		if err != nil {
			panic(fmt.Sprintf("%s: %v", f.Name(), err))
		}
		all[strings.TrimSuffix(f.Name(), ".json")] = report
	}
	gpu := Fake("discrete") // wave64, no cooperative matrices: of the kind of GCN
	gpu.VendorID, gpu.CoopMatrix, gpu.Features.CooperativeMatrix = 0x1002, nil, false
	gpu.Subgroup.Size, gpu.Subgroup.Min, gpu.Subgroup.Max = 64, 64, 64
	all["made-up-wave64"] = gpu
	nvidia := Fake("discrete")
	nvidia.VendorID, nvidia.DriverID, nvidia.Limits.SharedMemory = 0x10de, 4, 48<<10
	all["made-up-nvidia"] = nvidia
	plain := Fake("integrated")
	plain.Subgroup.Shuffle = false
	all["made-up-no-shuffle"] = plain
	return all
}

// Fake is a device that passes every tier, of the given type.
func Fake(kind string) *vk.Report {
	return &vk.Report{
		Name: "fake " + kind, Type: kind, API: "1.4.300",
		Limits: vk.Limits{
			MaxStorageBufferRange: 128 << 20, MaxAllocation: 1 << 30,
			MaxGroups: [3]uint32{65535, 65535, 65535}, MaxGroupSize: [3]uint32{1024, 1024, 64}, MaxInvocations: 1024,
			SharedMemory: 32 << 10, PushConstants: 128, MaxStorageBuffers: 16, StorageAlign: 16, TimestampPeriod: 1, TimestampBits: 64,
		},
		Features: vk.Features{Float16: true, Storage16: true, Int16: true, SubgroupSizeControl: true, BufferAddress: true, VulkanMemoryModel: true, CooperativeMatrix: true, CooperativeMatrix2: true},
		Subgroup: vk.Subgroup{Size: 32, Min: 32, Max: 32, Basic: true, Vote: true, Arithmetic: true, Ballot: true, Shuffle: true, ShuffleRelative: true, SizeControl: true, FullSubgroups: true, ComputeStage: true},
		CoopMatrix: []vk.CoopShape{
			{M: 16, N: 16, K: 16, A: "f16", B: "f16", C: "f32", Out: "f32", Scope: "subgroup"},
			{M: 16, N: 16, K: 16, A: "f16", B: "f16", C: "f16", Out: "f16", Scope: "subgroup"},
		},
		CoopMatrix2: vk.CoopMatrix2{FlexibleDimensions: true, Reductions: true, Conversions: true, PerElement: true},
	}
}

// Matrix is a GPU of the given vendor with these products of halves, of M x K
// and K x N, with sums in fp32 and in fp16, and subgroups of smallest to largest.
func Matrix(vendor, size, smallest, largest, shared uint32, products ...[3]uint32) *vk.Report {
	r := Fake("discrete")
	r.VendorID, r.Limits.SharedMemory = vendor, shared
	r.Subgroup.Size, r.Subgroup.Min, r.Subgroup.Max = size, smallest, largest
	r.CoopMatrix = nil
	for _, p := range products {
		for _, sum := range []string{"f32", "f16"} {
			r.CoopMatrix = append(r.CoopMatrix, vk.CoopShape{M: p[0], N: p[1], K: p[2], A: "f16", B: "f16", C: sum, Out: sum, Scope: "subgroup"})
		}
	}
	return r
}

// MatrixGPUs are of the kinds of GPUs whose matrix units are known, by their
// drivers' tables.
func MatrixGPUs() map[string]*vk.Report {
	square := [3]uint32{16, 16, 16}
	fixed := Matrix(0, 16, 0, 0, 32<<10, [3]uint32{8, 8, 8})
	fixed.Subgroup.SizeControl, fixed.Subgroup.FullSubgroups = false, false
	all := map[string]*vk.Report{
		"AMD RDNA3":  Matrix(0x1002, 64, 32, 64, 64<<10, square),
		"NVIDIA":     Matrix(0x10de, 32, 32, 32, 48<<10, square, [3]uint32{16, 8, 16}, [3]uint32{16, 8, 8}),
		"Intel Xe2":  Matrix(0x8086, 32, 16, 32, 48<<10, [3]uint32{8, 16, 16}),
		"Intel DG2":  Matrix(0x8086, 32, 8, 32, 48<<10, [3]uint32{8, 8, 16}),
		"unknown":    Matrix(0, 32, 32, 32, 32<<10, square),
		"no control": fixed,
	}
	all["AMD RDNA3"].Hardware = vk.Hardware{WavesPerSIMD: 16, SubgroupMin: 32, SubgroupMax: 64, MixedDot: true}
	all["Intel Xe2"].Hardware = vk.Hardware{SubgroupMin: 16, SubgroupMax: 32, MatrixTypes: []string{"f16"}}
	all["Intel DG2"].Hardware = vk.Hardware{SubgroupMin: 8, SubgroupMax: 32, MatrixTypes: []string{"f16"}}
	return all
}
