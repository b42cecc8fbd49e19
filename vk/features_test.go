package vk

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// A device that offers everything has all features; each can be switched off,
// alone except for those that build on it, and is then not asked for when a device
// is made.
func TestSwitchingOffEachFeature(t *testing.T) {
	caps := driver.Caps{
		API: 1<<22 | 3<<12, MemoryModelDevice: 1, FullSubgroups: 1, SubgroupExtended: 1, Maintenance4: 1, HasCoopmat2Ext: 1,
		SubgroupSize: 32, SubgroupMin: 32, SubgroupMax: 32, SubgroupOps: 0x7f, SubgroupStages: driver.StageCompute, RequiredStages: driver.StageCompute,
		Shapes: 1, Types: 1, Heaps: 1,
	}
	caps.TypeFlags[0], caps.HeapFlags[0] = driver.MemoryDeviceLocal|driver.MemoryHostVisible, driver.HeapDeviceLocal
	for _, f := range features {
		if f.fields != nil {
			for _, field := range f.fields(&caps) {
				require.Zero(t, *field, "%s: the field is that of two features", f.name)
				*field = 1
			}
		}
	}
	full := newReport(&caps, &Options{})
	require.Empty(t, full.Why)
	require.Equal(t, caps, enabled(&full, &caps))

	builtOn := map[string][]string{
		"subgroup": {"subgroup-size-control", "coopmat", "coopmat2"}, "memory-model": {"coopmat", "coopmat2"}, "coopmat": {"coopmat2"},
	}
	for _, f := range features {
		r := newReport(&caps, &Options{Disable: []string{f.name}})
		enable := enabled(&r, &caps)
		off := append([]string{f.name}, builtOn[f.name]...)
		for _, other := range features {
			gone := slices.Contains(off, other.name)
			require.Equal(t, gone, !other.on(&r), "%s without %s", other.name, f.name)
			if gone {
				require.Contains(t, r.WhyNot(other.name), "switched off by Options.Disable")
			} else {
				require.Empty(t, r.WhyNot(other.name), other.name)
			}
			if other.fields != nil {
				for _, field := range other.fields(&enable) {
					require.Equal(t, gone, *field == 0, "%s without %s", other.name, f.name)
				}
			}
		}
	}
}
