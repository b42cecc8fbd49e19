package tuning

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/internal/testreports"
)

// The sums of shared memory are what compilers make of the kernels' GLSL, by
// the baseline of tools/isa. Of the stripe search the largest kernel counts.
// Intel's compiler says it to the byte, RADV in units of 1,024.
func TestSharedMemoryIsWhatCompilersSay(t *testing.T) {
	compared := 0
	for device, stub := range map[string]struct {
		name string
		unit int
	}{"intel-dg2": {"intel-dg2", 1}, "intel-bmg": {"intel-bmg", 1}, "navi31": {"amd-navi31", 1024}, "gfx1201": {"amd-gfx1201", 1024}} {
		type of struct{ tier, headDim, kernels string }
		most := map[of]int{}
		for _, row := range baseline(t, stub.name) {
			if row["size"] != "plan" || !Tier(row["tier"]).OnMatrixUnits() {
				continue
			}
			kernels := Identify
			switch row["kernel"] {
			case "dense", "anchor", "stripes":
				kernels = Attend
			}
			bytes, err := strconv.Atoi(row["shared"])
			require.NoError(t, err)
			key := of{row["tier"], row["head_dim"], kernels}
			most[key] = max(most[key], bytes)
		}
		for key, said := range most {
			dim, err := strconv.Atoi(key.headDim)
			require.NoError(t, err)
			chosen, err := Choose(testreports.Recorded()[device], Request{Tier: Tier(key.tier), HeadDim: dim})
			if err != nil {
				continue // the stub's driver offers more than the recorded one
			}
			ours := sharedBytes(chosen.Tier, key.kernels, chosen.Tuning.shapeOf(key.kernels), chosen.Tuning, dim)
			require.Equal(t, said, ceil.Div(ours, stub.unit)*stub.unit, "%s %+v", device, key)
			compared++
		}
	}
	require.Greater(t, compared, 30)
}

// baseline are the rows of a stub device in tools/isa, by column.
func baseline(t *testing.T, stub string) (rows []map[string]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "tools", "isa", "baseline", stub+".csv"))
	require.NoError(t, err)
	_, table, _ := strings.Cut(string(text), "\n")
	all, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	require.NoError(t, err)
	for _, fields := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = fields[i]
		}
		rows = append(rows, row)
	}
	return rows
}
