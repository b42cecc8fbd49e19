package tuning

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/testreports"
	"github.com/anchorvk/anchorvk/vk"
)

func TestArchitectureOfRecordedDevices(t *testing.T) {
	reports := testreports.Recorded()
	for name, want := range map[string]Architecture{
		"lavapipe-floor": ArchLavapipeOld, "lavapipe-128": ArchLavapipe, "lavapipe-256": ArchLavapipe, "lavapipe-512": ArchLavapipe,
		"swiftshader": ArchCPU,
		"vega10":      ArchAMDGCN, "navi10": ArchAMDRDNA1, "navi21": ArchAMDRDNA2, "navi31": ArchAMDRDNA3, "gfx1201": ArchAMDRDNA4,
		"intel-tgl": ArchIntelXeLP, "intel-dg2": ArchIntelXeHPG, "intel-bmg": ArchIntelXe2,
		"nvk-turing": ArchNVIDIATuring, "nvk-ampere": ArchNVIDIAAmpere,
	} {
		require.Contains(t, reports, name)
		assert.Equal(t, want, DetectArchitecture(reports[name]), name)
	}
}

// A name says nothing, and neither does a feature that is switched off.
func TestArchitectureGoesByProperties(t *testing.T) {
	for _, arch := range architectures {
		r := reportOf(arch)
		r.Name, r.Features, r.CoopMatrix, r.Subgroup = "Radeon GeForce Arc llvmpipe", vk.Features{}, nil, vk.Subgroup{}
		assert.Equal(t, arch, DetectArchitecture(r))
	}
	h100 := reportOf(ArchNVIDIAAmpere) // what driver 580 reports of one
	h100.Hardware.SMs, h100.Hardware.WarpsPerSM = 132, 64
	assert.Equal(t, ArchNVIDIAHopper, DetectArchitecture(h100))
	h100.Hardware.SMs = 108
	assert.Equal(t, ArchNVIDIAAmpere, DetectArchitecture(h100))
	unknown := reportOf(ArchAMDRDNA3)
	unknown.VendorID = 0x1234
	assert.Equal(t, ArchOther, DetectArchitecture(unknown))
	silent := reportOf(ArchIntelXe2)
	silent.Hardware = vk.Hardware{}
	assert.Equal(t, ArchIntel, DetectArchitecture(silent))
}
