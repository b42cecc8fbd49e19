package attention

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/vk"
)

// recordedReports are devices as `anchorvk devices --json` told of them, by
// name, and GPUs made up for what those lack. The drivers of the AMD and NVIDIA
// ones ran without a card, on Mesa's drm-shim.
func recordedReports(t testing.TB) map[string]*vk.Report {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "devices", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	all := map[string]*vk.Report{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		report := new(vk.Report)
		require.NoError(t, json.Unmarshal(text, report), path)
		all[strings.TrimSuffix(filepath.Base(path), ".json")] = report
	}
	gpu := fakeReport("discrete") // wave64, no cooperative matrices: of the kind of GCN
	gpu.VendorID, gpu.CoopMatrix, gpu.Features.CooperativeMatrix = 0x1002, nil, false
	gpu.Subgroup.Size, gpu.Subgroup.Min, gpu.Subgroup.Max = 64, 64, 64
	all["made-up-wave64"] = gpu
	nvidia := fakeReport("discrete")
	nvidia.VendorID, nvidia.DriverID, nvidia.Limits.SharedMemory = 0x10de, 4, 48<<10
	all["made-up-nvidia"] = nvidia
	plain := fakeReport("integrated")
	plain.Subgroup.Shuffle = false
	all["made-up-no-shuffle"] = plain
	return all
}

// What the table gives the recorded devices, so that a change of it shows.
func TestTuningOfRecordedDevices(t *testing.T) {
	var text strings.Builder
	reports := recordedReports(t)
	for _, name := range slices.Sorted(maps.Keys(reports)) {
		report := reports[name]
		for _, tier := range tierOrder {
			if missing(report, tier.needs) != "" {
				continue
			}
			var order []string
			dims := map[string][]int{}
			for dim := 8; dim <= MaxHeadDim; dim += 8 {
				line := "refused"
				if _, err := chooseTier(report, tier.tier, dim, nil); err == nil {
					tuned, err := tune(report, tier.tier, dim, nil)
					require.NoError(t, err)
					line = fmt.Sprintf("%s, attend %v, identify %v, matrix %v, subgroup %d", tuned.Way, tuned.Attend, tuned.Identify, tuned.Matrix, tuned.Subgroup)
				}
				if dims[line] == nil {
					order = append(order, line)
				}
				dims[line] = append(dims[line], dim)
			}
			for _, line := range order {
				fmt.Fprintf(&text, "%s, %s: %s: head_dim %s\n", name, tier.tier, line, ranges(dims[line]))
			}
		}
	}
	requireGolden(t, "tuning.txt", text.String())
}

// ranges shortens ascending multiples of 8: 8-64 72 88.
func ranges(dims []int) string {
	var parts []string
	for i := 0; i < len(dims); {
		end := i
		for end+1 < len(dims) && dims[end+1] == dims[end]+8 {
			end++
		}
		part := strconv.Itoa(dims[i])
		if end > i {
			part += "-" + strconv.Itoa(dims[end])
		}
		parts = append(parts, part)
		i = end + 1
	}
	return strings.Join(parts, " ")
}
