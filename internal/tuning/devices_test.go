package tuning

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/anchorvk/anchorvk/internal/testreports"
)

var update = flag.Bool("update", false, "write the golden file instead of comparing with it")

// What the table gives the recorded devices, so that a change of it shows.
func TestTuningOfRecordedDevices(t *testing.T) {
	var text strings.Builder
	reports := testreports.Recorded()
	for _, name := range slices.Sorted(maps.Keys(reports)) {
		report := reports[name]
		for _, tier := range tierOrder {
			if missing(report, tier.needs) != "" {
				continue
			}
			var order []string
			dims := map[string][]int{}
			for dim := 8; dim <= problem.MaxHeadDim; dim += 8 {
				line := "refused"
				if chosen, err := Choose(report, Request{Tier: tier.tier, HeadDim: dim}); err == nil {
					tuned := chosen.Tuning
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
	path := filepath.Join("testdata", "golden", "tuning.txt")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), text.String(), "%s; go test -update rewrites it", path)
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
