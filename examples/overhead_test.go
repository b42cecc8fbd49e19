//go:build linux

package examples

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/hosttest"
)

// What a call costs outside of the run itself, in Go, C and Python: the smallest
// median of three, taken in turns. C may add 20 µs to Go.
func TestOverheadOfCalls(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time, for which the machine must be quiet: left to make test")
	}
	programs := []struct {
		name    string
		command hosttest.Command
	}{
		{"Go", hosttest.Command{Name: goProgram(t, "./examples/overhead")}},
		{"C", hosttest.Command{Name: hosttest.Compile(t, "-Iexamples/common", "examples/overhead/c/overhead.c", "examples/common/sample.c")}},
		{"Python", hosttest.Command{Name: installed(t), Args: []string{"examples/overhead/python/overhead.py"}}},
	}
	best := map[string]float64{"Go": math.Inf(1), "C": math.Inf(1), "Python": math.Inf(1)}
	for range 3 {
		for _, p := range programs {
			out, _ := hosttest.Run(t, hosttest.OnDevice(p.command))
			var wall, outside float64
			_, err := fmt.Sscanf(out, "wall %f outside %f", &wall, &outside)
			require.NoError(t, err, out)
			best[p.name] = min(best[p.name], outside)
			t.Logf("%-6s %7.2f µs a call, %.2f µs of it outside of the run", p.name, wall, outside)
		}
	}
	assert.Less(t, best["C"]-best["Go"], 20.0, "µs that C adds to a call")
	assert.Less(t, best["Python"]-best["Go"], 200.0, "µs that Python adds to a call")
}
