package problem

import (
	"sort"
	"strings"
)

// presets are the named choices of parameters.
var presets = map[string]func() Params{
	"paper": DefaultParams,
	"safe":  func() Params { return sampledParams(0.15, 2, 128) },
	"lean":  func() Params { return sampledParams(0.2, 4, 32) },
}

// sampledParams keeps what real models need: groups smaller than the paper's,
// stripes that single rows choose, a second look at heads that copy, and a dense
// tail for the rows that answer. docs/quality.md has what led to the numbers.
func sampledParams(weight float64, look, tail int) Params {
	return Params{
		Theta: 12, // which sampled rows do not use
		Step:  16, Block: 16, SinkBlocks: 1, WindowBlocks: 1, Tail: tail,
		Sample: Sample{Stride: 16, Weight: weight, Part: 8},
		Guard:  Guard{Stride: 16, Peak: 0.01, Limit: 0.02, Look: look},
	}
}

// Preset returns parameters by name:
//
//	paper  the published definition: theta 12, groups of 16 blocks of 128 rows, no tail, no guard ([DefaultParams])
//	safe   groups of 16 blocks of 16 rows; every 16th row chooses the keys of at least 0.15 times the mean probability; a guard that looks again at every 2nd row; 128 dense rows at the end
//	lean   the same with 0.2 times, every 4th row, and 32 dense rows
//
// An unknown name is an [*ArgumentError].
func Preset(name string) (Params, error) {
	if params, ok := presets[name]; ok {
		return params(), nil
	}
	return Params{}, Errorf("preset", "use one of "+strings.Join(Presets(), ", "), "is %q, which is none", name)
}

// Presets returns the names that [Preset] knows, in alphabetical order.
func Presets() []string {
	names := make([]string, 0, len(presets))
	for name := range presets {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
