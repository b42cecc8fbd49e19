package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/anchorvk/anchorvk/internal/report"
	"github.com/anchorvk/anchorvk/internal/tuning"
)

// trialRecord is one choice that a sweep tried.
type trialRecord struct {
	Tier    string        `json:"tier"`
	HeadDim int           `json:"head_dim"`
	Kernels string        `json:"kernels"` // attend or identify
	Round   int           `json:"round"`   // 0 for the final comparison with the table's choice
	Change  string        `json:"change"`  // against the round's best so far, in round 0 against the table
	Choice  tuning.Choice `json:"choice"`
	// Speedup is how many times faster it is than what it is compared with,
	// pair by pair; null when it was not measured.
	Speedup *spreadRecord `json:"speedup"`
	// Lead is the same of the shortest times of both.
	Lead report.Float `json:"lead"`
	// FirstRunS is how long building it and running it once in each mode took:
	// mostly compilation.
	FirstRunS report.Float `json:"first_run_s"`
	Verdict   string       `json:"verdict"`
	Why       string       `json:"why"` // of verdicts that need one, or ""
}

// Verdicts on a trial.
const (
	trialSlower  = "no faster"
	trialFaster  = "faster"
	trialWrong   = "wrong"     // computes something else
	trialFailed  = "failed"    // cannot be built or run
	trialSkipped = "not tried" // no time was left
	trialStored  = "stored"
	trialKept    = "not stored" // what wins too little
)

func tuneColumns() []report.Column {
	ratio := func(head, key string) report.Column {
		return report.Column{Head: head, Key: key, Right: true, Show: report.Fixed(3)}
	}
	return []report.Column{
		{Head: "tier", Key: "tier"},
		{Head: "dim", Key: "head_dim", Right: true},
		{Head: "kernels", Key: "kernels"},
		{Head: "round", Key: "round", Right: true, Show: func(v any) string {
			if text := fmt.Sprint(v); text != "0" {
				return text
			}
			return "final"
		}},
		{Head: "change", Key: "change"},
		ratio("times as fast", "speedup.median"), ratio("min", "speedup.min"), ratio("max", "speedup.max"), ratio("shortest", "lead"),
		{Head: "first run s", Key: "first_run_s", Right: true, Show: report.Fixed(2)},
		{Head: "verdict", Key: "verdict"},
		{Head: "why", Key: "why"},
	}
}

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
