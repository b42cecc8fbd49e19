//go:build cgo

package vk

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/anchorvk/anchorvk/internal/fault"
	"github.com/stretchr/testify/require"
)

// A device that is refused with some features is made without those, and no
// others; the report and the log say which, and why.
func TestFeaturesAreGivenUp(t *testing.T) {
	full := open(t, nil).Report()
	for name, c := range map[string]struct {
		refuse func()
		code   string
		lost   []string // features of the report
		named  []string // by the specification
	}{
		"feature":              {func() { fault.RefuseFeatures(fault.BufferDeviceAddress) }, "VK_ERROR_FEATURE_NOT_PRESENT", []string{"buffer-address"}, []string{"bufferDeviceAddress"}},
		"two features":         {func() { fault.RefuseFeatures(fault.BufferDeviceAddress, fault.TimelineSemaphore) }, "VK_ERROR_FEATURE_NOT_PRESENT", []string{"buffer-address", "timeline-semaphore"}, []string{"bufferDeviceAddress", "timelineSemaphore"}},
		"one that others need": {func() { fault.RefuseFeatures(fault.VulkanMemoryModel) }, "VK_ERROR_FEATURE_NOT_PRESENT", []string{"memory-model", "coopmat", "coopmat2"}, []string{"vulkanMemoryModel"}},
		"extension":            {func() { fault.RefuseExtension("VK_EXT_memory_budget") }, "VK_ERROR_EXTENSION_NOT_PRESENT", []string{"memory-budget"}, []string{"VK_EXT_memory_budget"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { fault.RefuseFeatures(); fault.RefuseExtension("") })
			c.refuse()
			var log bytes.Buffer
			d := openFaulty(t, fault.Off, func(o *Options) {
				o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
			})
			r := d.Report()
			lost := false
			for _, feature := range FeatureNames() {
				switch given := contains(c.lost, feature); {
				case full.WhyNot(feature) != "":
					require.Equal(t, full.WhyNot(feature), r.WhyNot(feature), feature)
				case given:
					lost = true
					require.Contains(t, r.WhyNot(feature), "the driver offers it, but makes no device with it (vk: vkCreateDevice: "+c.code+")", feature)
				default:
					require.Empty(t, r.WhyNot(feature), feature)
				}
			}
			if !lost { // the driver has none of them, so that nothing was refused
				require.Empty(t, log.String())
				return
			}
			require.Contains(t, log.String(), "made without features that its driver offers")
			require.Contains(t, strings.ReplaceAll(log.String(), `"`, ""), "without="+strings.Join(c.named, ", ")+" why=")
			require.Contains(t, log.String(), c.code)
			require.Equal(t, full.Name, r.Name)
			require.True(t, r.Default)
			stage, err := work(d)
			require.NoError(t, err, stage)
			if contains(c.lost, "buffer-address") {
				require.Zero(t, newBuffer(t, d, "b", 64, DeviceLocal).Address())
			}
		})
	}
}

// What is needed, or fails for another reason, is an error that names the layers.
func TestDeviceIsRefused(t *testing.T) {
	dir := t.TempDir()
	writeManifest(t, dir, "capture", `{"layer": {"name": "VK_LAYER_TEST_capture"}}`)
	t.Setenv("VK_ADD_IMPLICIT_LAYER_PATH", dir)
	t.Setenv("VK_LOADER_LAYERS_DISABLE", "")
	t.Cleanup(func() { fault.Fail("vkCreateDevice", 0, 0) })
	opt, err := OptionsFromEnv()
	require.NoError(t, err)
	opt.Hook = fault.Hook
	fault.Set(fault.Off)
	fault.Fail("vkCreateDevice", 1, int32(fault.InitializationFails))
	_, err = Open(opt)
	require.ErrorContains(t, err, "vkCreateDevice: VK_ERROR_INITIALIZATION_FAILED; Vulkan layers in this process, which may be to blame: ")
	require.ErrorContains(t, err, "VK_LAYER_TEST_capture (installed)")

	fault.RefuseFeatures(fault.Features2) // which is always there
	t.Cleanup(func() { fault.RefuseFeatures() })
	before := fault.Live()
	_, err = Open(opt)
	require.ErrorContains(t, err, "vkCreateDevice: VK_ERROR_FEATURE_NOT_PRESENT, even without any optional feature; Vulkan layers")
	require.Equal(t, before, fault.Live())
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
