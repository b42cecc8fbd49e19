package tune

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/anchorvk/anchorvk/internal/tuning"
)

// Trial is one choice that a sweep tried.
type Trial struct {
	Kernels string // tuning.Attend or tuning.Identify
	Round   int    // 0 for the final comparison with the table's choice
	Change  string // against the round's best so far, in round 0 against the table
	Choice  tuning.Choice
	// Ratios are how many times faster it is than what it is compared with,
	// pair by pair; nil when it was not measured.
	Ratios []float64
	// Lead is the same of the shortest times of both.
	Lead float64
	// FirstRun is how many seconds building it and running it once in each mode
	// took: mostly compilation.
	FirstRun float64
	Verdict  string
	Why      string // of verdicts that need one, or ""
}

// Verdicts on a trial.
const (
	Slower  = "no faster"
	Faster  = "faster"
	Wrong   = "wrong"     // computes something else
	Failed  = "failed"    // cannot be built or run
	Skipped = "not tried" // no time was left
	Stored  = "stored"
	Kept    = "not stored" // what wins too little
)

// changeText says in which fields a choice differs from another, by their JSON
// names; those of the attention kernels stand without a word before them.
func changeText(from, to tuning.Choice) string {
	before, after := fields(from), fields(to)
	names := slices.Sorted(maps.Keys(before))
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, both := before[name]; !both {
			names = append(names, name)
		}
	}
	var parts []string
	text := func(v any) any {
		if v == nil {
			return "none"
		}
		return v
	}
	for _, name := range names {
		if before[name] != after[name] {
			short := strings.ReplaceAll(strings.TrimPrefix(name, "attend."), ".", " ")
			parts = append(parts, fmt.Sprintf("%s %v to %v", short, text(before[name]), text(after[name])))
		}
	}
	return strings.Join(parts, ", ")
}

// fields are the values of a choice by their JSON names, a nested one's behind
// a dot.
func fields(c tuning.Choice) map[string]any {
	text, err := json.Marshal(c)
	nested := map[string]any{}
	if err == nil {
		err = json.Unmarshal(text, &nested)
	}
	if err != nil {
		panic(err) // a choice is strings and numbers
	}
	flat := map[string]any{}
	for name, value := range nested {
		inner, ok := value.(map[string]any)
		if !ok {
			flat[name] = value
		}
		for below, v := range inner {
			flat[name+"."+below] = v
		}
	}
	return flat
}
