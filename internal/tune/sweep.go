// Package tune measures which shape of the kernels is the fastest on a device,
// and keeps what it finds out.
package tune

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/stat"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// Runner is what a sweep plans and measures on: a device with an engine.
type Runner interface {
	Report() *vk.Report
	Plan(attention.Problem, attention.PlanOptions) (*attention.Plan, error)
	Run(context.Context, *attention.Plan, attention.Inputs, attention.Outputs, attention.RunOptions) (attention.Stats, error)
}

// Sweep looks for the fastest choice for one tier and head dimension. It walks
// from the table's choice to the best of its neighbours until none is better.
type Sweep struct {
	Runner Runner
	Tier   attention.Tier
	Shape  attention.Shape
	Params attention.Params
	// Modes are those that the attention kernels are measured in; the stripe
	// search is measured in mode anchor, which must be one of them.
	Modes       []attention.Mode
	Kernels     []string              // tuning.Attend, tuning.Identify or both
	Options     attention.PlanOptions // of every plan, except the tier and its tuning
	DutyCycle   float64
	Repetitions int
	Margin      float64       // share by which a winner must be faster
	Limit       time.Duration // that Deadline was set by, for messages
	Deadline    time.Time     // after which nothing new is tried

	In  attention.Inputs
	Out attention.Outputs // for measurements, on the device

	// Progress hears what comes next, in how many steps, and returns what is
	// called after each step and at the end. It may be nil.
	Progress func(what string, steps int) (step, done func())

	Trials []Trial // what was tried so far

	clock     clock
	reference map[attention.Mode]computed // by the table's choice
}

// maxRounds bounds the walk: each round halves or doubles one number.
const maxRounds = 8

// Start plans with the table's choice, which a sweep begins with.
func (w *Sweep) Start() (*attention.Plan, error) {
	options := w.options()
	return w.Runner.Plan(attention.Problem{Shape: w.Shape, Mode: w.Modes[0], Params: w.Params}, options)
}

func (w *Sweep) options() attention.PlanOptions {
	o := w.Options
	o.Tier, o.Tuning, o.Rules, o.NoFallback = w.Tier, "", nil, true
	return o
}

// Run sweeps. The entry has no choice where the table's is best; what an
// earlier one, or nil, holds for kernels that are not swept stays, and for those
// that no time was left for.
func (w *Sweep) Run(ctx context.Context, table tuning.Tuning, old *Entry) (Entry, error) {
	entry := Entry{Tier: w.Tier, HeadDim: w.Shape.HeadDim, Over: table.From}
	start := table.Choice(w.Tier)
	base, err := w.plan(start)
	if err != nil {
		return entry, err
	}
	if w.reference, err = w.compute(ctx, base); err != nil {
		return entry, err
	}
	entry.Choice = start
	for _, kernels := range []string{tuning.Attend, tuning.Identify} {
		if !slices.Contains(w.Kernels, kernels) {
			entry.Take(old, kernels) // what an earlier sweep found stays
			continue
		}
		from := entry.Choice
		var hints []tuning.Choice
		hinted := Entry{Choice: from}
		if hinted.Take(old, kernels); hinted.Choice != from {
			hints = append(hints, hinted.Choice)
		}
		best, err := w.climb(ctx, from, kernels, hints)
		if err != nil {
			return entry, err
		}
		if best == from {
			if w.untried(hints, kernels) {
				entry.Take(old, kernels)
			}
			continue
		}
		gain, err := w.final(ctx, from, best, kernels)
		if err != nil {
			return entry, err
		}
		if gain > 0 {
			entry.Choice = best
			entry.SetSpeedup(kernels, gain)
		}
	}
	return entry, nil
}

// untried says whether no time was left for an earlier winner, which then stays:
// nothing was found out against it. It must fit what was chosen since.
func (w *Sweep) untried(hints []tuning.Choice, kernels string) bool {
	for _, hint := range hints {
		for _, t := range w.Trials {
			if t.Kernels == kernels && t.Choice == hint && t.Verdict == Skipped {
				_, err := w.plan(hint)
				return err == nil
			}
		}
	}
	return false
}

// modesOf are what a kernel is measured in.
func (w *Sweep) modesOf(kernels string) []attention.Mode {
	if kernels == tuning.Identify {
		return []attention.Mode{attention.ModeAnchor}
	}
	return w.Modes
}

// plan makes the plans of a choice.
func (w *Sweep) plan(choice tuning.Choice) (*candidate, error) {
	c := &candidate{choice: choice, plans: map[attention.Mode]*attention.Plan{}}
	options := w.options()
	options.Rules = []tuning.Rule{{Choice: choice, From: "candidate"}}
	chosen, err := tuning.Choose(w.Runner.Report(), tuning.Request{Tier: options.Tier, HeadDim: w.Shape.HeadDim, Rules: options.Rules})
	if err != nil {
		return nil, err
	}
	if len(chosen.LeftOut) > 0 {
		return nil, chosen.LeftOut[0].Err()
	}
	for _, mode := range w.Modes {
		p, err := w.Runner.Plan(attention.Problem{Shape: w.Shape, Mode: mode, Params: w.Params}, options)
		if err != nil {
			return nil, err
		}
		c.plans[mode] = p
	}
	return c, nil
}

// progress is Progress, or nothing.
func (w *Sweep) progress(kernels, what string, steps int) (step, done func()) {
	if w.Progress == nil {
		return func() {}, func() {}
	}
	return w.Progress(fmt.Sprintf("tune %s %d %s, %s", w.Tier, w.Shape.HeadDim, kernels, what), steps)
}

// climb walks from a choice to faster ones. It returns the last, which is the
// first where no neighbour is better.
func (w *Sweep) climb(ctx context.Context, start tuning.Choice, kernels string, hints []tuning.Choice) (tuning.Choice, error) {
	best := start
	tried := map[tuning.Choice]bool{start: true}
	for round := 1; round <= maxRounds; round++ {
		choices := tuning.Neighbours(w.Runner.Report(), w.Tier, w.Shape.HeadDim, best, kernels)
		switch {
		case round == 1:
			choices = slices.Concat(hints, choices)
		case time.Now().After(w.Deadline):
			return best, nil
		}
		next, err := w.round(ctx, round, best, choices, tried, kernels)
		if err != nil {
			return best, err
		}
		if next == best {
			break
		}
		best = next
	}
	return best, nil
}

// round tries the choices that were not tried before, and returns the best,
// or the current one where none is better by half of the margin.
func (w *Sweep) round(ctx context.Context, round int, current tuning.Choice, choices []tuning.Choice, tried map[tuning.Choice]bool, kernels string) (tuning.Choice, error) {
	base, err := w.plan(current)
	if err != nil {
		return current, err
	}
	step, done := w.progress(kernels, fmt.Sprintf("round %d", round), len(choices)*(w.Repetitions+2))
	defer done()
	var all, rivals []*candidate
	for _, choice := range choices {
		if tried[choice] {
			continue
		}
		tried[choice] = true
		c, err := w.admit(ctx, Trial{Kernels: kernels, Round: round, Change: changeText(current, choice), Choice: choice})
		if err != nil {
			return current, err
		}
		step()
		all = append(all, c)
		if c.trial.Verdict == "" {
			rivals = append(rivals, c)
		}
	}
	if len(rivals) > 0 {
		if err := w.race(ctx, base, rivals, kernels, w.Repetitions, step); err != nil {
			return current, err
		}
	}
	best, lead := current, 0.0
	for _, c := range all {
		if c.trial.Verdict == "" && c.judge(w.Margin/2) && c.lead > lead {
			best, lead = c.choice, c.lead
		}
		w.Trials = append(w.Trials, c.trial)
	}
	return best, nil
}

// final compares the end of the walk with its start.
func (w *Sweep) final(ctx context.Context, start, best tuning.Choice, kernels string) (gain float64, err error) {
	base, err := w.plan(start)
	if err != nil {
		return 0, err
	}
	c, err := w.plan(best)
	if err != nil {
		return 0, err
	}
	c.trial = Trial{Kernels: kernels, Change: changeText(start, best), Choice: best, FirstRun: math.NaN()}
	repetitions := 2*w.Repetitions + 1
	step, done := w.progress(kernels, "final", repetitions+1)
	defer done()
	if err := w.race(ctx, base, []*candidate{c}, kernels, repetitions, step); err != nil {
		return 0, err
	}
	if c.judge(w.Margin) {
		c.trial.Verdict, gain = Stored, stat.Median(c.ratios)
	} else {
		c.trial.Verdict = Kept
		c.trial.Why = fmt.Sprintf("not %.0f %% faster than the table's choice in the median and in the shortest times, or slower in more than a quarter of %d pairs",
			100*w.Margin, len(c.ratios))
	}
	w.Trials = append(w.Trials, c.trial)
	return gain, nil
}

// BusyShape is a problem that keeps a device busy in each measurement, and a
// slow one not for too long.
func BusyShape(r *vk.Report, headDim int) attention.Shape {
	s := attention.Shape{Batch: 1, Heads: 32, KVHeads: 8, QLen: 8192, KVLen: 8192, HeadDim: headDim}
	if r.Type == "cpu" {
		s.Heads, s.KVHeads, s.QLen, s.KVLen = 2, 1, 4096, 4096
	}
	return s
}
