package tuning

import (
	"slices"
	"strings"

	"github.com/anchorvk/anchorvk/internal/drivers"
	"github.com/anchorvk/anchorvk/vk"
)

// Architecture is the family of a device, known by its properties and never
// by its name, so that a card that nobody here has seen finds its family.
// The tuning table is keyed by it.
type Architecture string

// The families. A device that says too little is named by its vendor alone.
const (
	ArchLavapipeOld Architecture = "cpu-lavapipe-old" // before Vulkan 1.4 (Mesa 25)
	ArchLavapipe    Architecture = "cpu-lavapipe"
	ArchCPU         Architecture = "cpu" // other software devices, SwiftShader among them

	ArchNVIDIA       Architecture = "nvidia" // without matrix units, or a driver that says little
	ArchNVIDIAVolta  Architecture = "nvidia-volta"
	ArchNVIDIATuring Architecture = "nvidia-turing"
	ArchNVIDIAAmpere Architecture = "nvidia-ampere"
	ArchNVIDIAAda    Architecture = "nvidia-ada"    // and newer cards for desktops
	ArchNVIDIAHopper Architecture = "nvidia-hopper" // and newer ones for data centres

	ArchAMD      Architecture = "amd"
	ArchAMDGCN   Architecture = "amd-gcn" // and CDNA: subgroups of 64 only
	ArchAMDRDNA1 Architecture = "amd-rdna1"
	ArchAMDRDNA2 Architecture = "amd-rdna2"
	ArchAMDRDNA3 Architecture = "amd-rdna3"
	ArchAMDRDNA4 Architecture = "amd-rdna4"

	ArchIntel      Architecture = "intel"
	ArchIntelXeLP  Architecture = "intel-xe-lp"  // without matrix units
	ArchIntelXeHPG Architecture = "intel-xe-hpg" // matrix units, subgroups from 8
	ArchIntelXe2   Architecture = "intel-xe2"    // and Xe3: subgroups from 16

	ArchOther Architecture = "other"
)

// architectures are all of them.
var architectures = []Architecture{
	ArchLavapipeOld, ArchLavapipe, ArchCPU,
	ArchNVIDIA, ArchNVIDIAVolta, ArchNVIDIATuring, ArchNVIDIAAmpere, ArchNVIDIAAda, ArchNVIDIAHopper,
	ArchAMD, ArchAMDGCN, ArchAMDRDNA1, ArchAMDRDNA2, ArchAMDRDNA3, ArchAMDRDNA4,
	ArchIntel, ArchIntelXeLP, ArchIntelXeHPG, ArchIntelXe2,
	ArchOther,
}

// PCI vendor ids.
const (
	vendorAMD    = 0x1002
	vendorNVIDIA = 0x10de
	vendorIntel  = 0x8086
)

// DetectArchitecture returns the family of a device. Features that are switched
// off do not change it.
func DetectArchitecture(r *vk.Report) Architecture {
	switch {
	case oldLavapipe(r):
		return ArchLavapipeOld
	case r.Type == "cpu" && r.DriverID == drivers.Lavapipe:
		return ArchLavapipe
	case r.Type == "cpu":
		return ArchCPU
	}
	switch r.VendorID {
	case vendorNVIDIA:
		return detectNVIDIA(&r.Hardware)
	case vendorAMD:
		return detectAMD(&r.Hardware)
	case vendorIntel:
		return detectIntel(&r.Hardware)
	}
	return ArchOther
}

// detectNVIDIA goes by the warps that a multiprocessor holds (CUDA's table of
// compute capabilities: 32 on 7.5; 48 on 8.6, 8.9 and 12.0; 64 on 7.0, 8.0, 9.0
// and 10.0) and by the types that its matrix units multiply: integers since
// Turing, fp8 since Ada and Hopper. Drivers do not report all of fp8 (580 on an
// H100 does not): of the large chips the first to have more than 108
// multiprocessors in a product is Hopper.
func detectNVIDIA(h *vk.Hardware) Architecture {
	float8 := multiplies(h, "e4m3")
	switch {
	case len(h.MatrixTypes) == 0:
		return ArchNVIDIA
	case h.WarpsPerSM == 32:
		return ArchNVIDIATuring
	case h.WarpsPerSM == 48 && float8:
		return ArchNVIDIAAda
	case h.WarpsPerSM == 64 && (float8 || h.SMs > 108):
		return ArchNVIDIAHopper
	case h.WarpsPerSM == 64 && !multiplies(h, "s8"):
		return ArchNVIDIAVolta
	case h.WarpsPerSM == 48 || h.WarpsPerSM == 64:
		return ArchNVIDIAAmpere
	}
	return ArchNVIDIA
}

// detectAMD: only RDNA has subgroups of 32. A SIMD holds 20 waves on the first
// and 16 on later ones; sums of mixed bytes came with the third, fp8 with the fourth.
func detectAMD(h *vk.Hardware) Architecture {
	switch {
	case h.SubgroupMin == 64 || h.WavesPerSIMD == 10:
		return ArchAMDGCN
	case h.SubgroupMin != 32:
		return ArchAMD
	case h.WavesPerSIMD == 20:
		return ArchAMDRDNA1
	case multiplies(h, "e4m3"):
		return ArchAMDRDNA4
	case h.MixedDot:
		return ArchAMDRDNA3
	}
	return ArchAMDRDNA2
}

func detectIntel(h *vk.Hardware) Architecture {
	switch {
	case h.SubgroupMin == 16:
		return ArchIntelXe2
	case h.SubgroupMin == 8 && multiplies(h, "f16"):
		return ArchIntelXeHPG
	case h.SubgroupMin == 8:
		return ArchIntelXeLP
	}
	return ArchIntel
}

func multiplies(h *vk.Hardware, element string) bool { return slices.Contains(h.MatrixTypes, element) }

// oldLavapipe: before Vulkan 1.4 (Mesa 25) lavapipe gathers lane by lane where
// later ones load once, and takes ten times as long to compile such code.
func oldLavapipe(r *vk.Report) bool {
	return r.Type == "cpu" && r.DriverID == drivers.Lavapipe && (strings.HasPrefix(r.API, "1.3.") || strings.HasPrefix(r.API, "1.2."))
}
