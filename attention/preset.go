package attention

import (
	"sort"
	"strings"
)

// presets are the named choices of parameters.
var presets = map[string]func() Params{
	"paper": DefaultParams,
	"safe":  safeParams,
}

// safeParams keeps what real models need: smaller groups than the paper's, a
// dense tail for the rows that answer, and the guard for heads that copy.
func safeParams() Params {
	return Params{
		Theta: 10, Step: 2, Block: 128, SinkBlocks: 1, WindowBlocks: 1,
		Tail: 128, Guard: Guard{Stride: 32, Peak: 0.01, Limit: 0.02},
	}
}

// Preset returns parameters by name:
//
//	paper  the published definition: theta 12, groups of 16 blocks of 128 rows, no tail, no guard ([DefaultParams])
//	safe   theta 10, groups of 2 blocks, 128 dense rows at the end, guard 32 / 0.01 / 0.02
//
// An unknown name is an [*ArgumentError].
func Preset(name string) (Params, error) {
	if params, ok := presets[name]; ok {
		return params(), nil
	}
	return Params{}, argument("preset", "use one of "+strings.Join(Presets(), ", "), "is %q, which is none", name)
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
