package attention

import (
	"strings"

	"github.com/anchorvk/anchorvk/vk"
)

// Architecture is the family of a device, told from its properties and never
// from its name, so that a card that nobody here has seen finds its family.
// The tuning table is keyed by it.
type Architecture string

// The families. What a device of a known vendor cannot be told more of is
// named by the vendor alone.
const (
	ArchLavapipeOld Architecture = "cpu-lavapipe-old" // before Vulkan 1.4 (Mesa 25)
	ArchLavapipe    Architecture = "cpu-lavapipe"
	ArchCPU         Architecture = "cpu" // other software devices, SwiftShader among them
	ArchNVIDIA      Architecture = "nvidia"
	ArchAMD         Architecture = "amd"
	ArchIntel       Architecture = "intel"
	ArchOther       Architecture = "other"
)

// architectures are all of them.
var architectures = []Architecture{ArchLavapipeOld, ArchLavapipe, ArchCPU, ArchNVIDIA, ArchAMD, ArchIntel, ArchOther}

// PCI vendor ids.
const (
	vendorAMD    = 0x1002
	vendorNVIDIA = 0x10de
	vendorIntel  = 0x8086
)

// DetectArchitecture tells the family of a device.
func DetectArchitecture(r *vk.Report) Architecture {
	switch {
	case oldLavapipe(r):
		return ArchLavapipeOld
	case r.Type == "cpu" && r.DriverID == driverLavapipe:
		return ArchLavapipe
	case r.Type == "cpu":
		return ArchCPU
	}
	switch r.VendorID {
	case vendorNVIDIA:
		return ArchNVIDIA
	case vendorAMD:
		return ArchAMD
	case vendorIntel:
		return ArchIntel
	}
	return ArchOther
}

const driverLavapipe = 13 // VK_DRIVER_ID_MESA_LLVMPIPE

// oldLavapipe: before Vulkan 1.4 (Mesa 25) lavapipe gathers lane by lane where
// later ones load once, and takes ten times as long to compile such code.
func oldLavapipe(r *vk.Report) bool {
	return r.Type == "cpu" && r.DriverID == driverLavapipe && (strings.HasPrefix(r.API, "1.3.") || strings.HasPrefix(r.API, "1.2."))
}
