package main

import (
	"fmt"

	"github.com/anchorvk/anchorvk/internal/report"
	"github.com/anchorvk/anchorvk/internal/tune"
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

func newTrialRecord(w *tune.Sweep, t tune.Trial) trialRecord {
	r := trialRecord{
		Tier: string(w.Tier), HeadDim: w.Shape.HeadDim, Kernels: t.Kernels, Round: t.Round, Change: t.Change, Choice: t.Choice,
		Lead: report.Float(t.Lead), FirstRunS: report.Float(t.FirstRun), Verdict: t.Verdict, Why: inVariables(t.Why),
	}
	if len(t.Ratios) > 0 {
		s := spread(t.Ratios)
		r.Speedup = &s
	}
	return r
}

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
