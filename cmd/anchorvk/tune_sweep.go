package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/report"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// sweep looks for the fastest choice for one tier and head dimension. It walks
// from the table's choice to the best of its neighbours until none is better.
type sweep struct {
	app      *app
	f        *benchFlags
	s        session
	tier     attention.Tier
	shape    attention.Shape
	options  attention.PlanOptions
	deadline time.Time
	in       attention.Inputs
	out      attention.Outputs // on the device, for measurements
	clock    string            // that times come from; "" before the first

	reference map[attention.Mode]computed // by the table's choice
	trials    []trialRecord
}

// maxRounds bounds the walk: each round halves or doubles one number.
const maxRounds = 8

// modes are what a kernel is measured in.
func (w *sweep) modes(kernels string) []attention.Mode {
	if kernels == tuning.Identify {
		return []attention.Mode{attention.ModeAnchor}
	}
	return w.f.modes
}

// plan makes the plans of a choice.
func (w *sweep) plan(choice tuning.Choice) (*candidate, error) {
	c := &candidate{choice: choice, plans: map[attention.Mode]*attention.Plan{}}
	options := w.options
	options.Rules = []tuning.Rule{{Choice: choice, From: "candidate"}}
	chosen, err := tuning.Choose(w.s.report(), tuning.Request{Tier: w.tier, HeadDim: w.shape.HeadDim, Rules: options.Rules})
	if err != nil {
		return nil, err
	}
	if len(chosen.LeftOut) > 0 {
		return nil, chosen.LeftOut[0].Err()
	}
	for _, mode := range w.f.modes {
		p, err := w.s.plan(attention.Problem{Shape: w.shape, Mode: mode, Params: w.f.params.p}, options)
		if err != nil {
			return nil, err
		}
		c.plans[mode] = p
	}
	return c, nil
}

// computed is what a choice computes in one mode.
type computed struct {
	rows    []float16.Float16
	stripes []byte
}

// compute runs a candidate in every mode, with the output on the host.
func (w *sweep) compute(ctx context.Context, c *candidate) (map[attention.Mode]computed, error) {
	all := map[attention.Mode]computed{}
	s := w.shape
	for _, mode := range w.f.modes {
		rows := make([]float16.Float16, s.Batch*s.Heads*s.QLen*s.HeadDim)
		for i := range rows {
			rows[i] = float16.NaN()
		}
		out := attention.Outputs{O: attention.HostBHSD(rows, s.Batch, s.Heads, s.QLen, s.HeadDim)}
		if mode == attention.ModeAnchor {
			out.Stripes = make([]byte, s.Batch*s.Heads*groups(s, w.f.params.p)*s.KVLen)
		}
		if _, err := w.s.run(ctx, c.plans[mode], w.in, out, attention.RunOptions{}); err != nil {
			return nil, err
		}
		all[mode] = computed{rows, out.Stripes}
	}
	return all, nil
}

// outputBytes is the host memory for two results, the reference's and a
// candidate's.
func (w *sweep) outputBytes() float64 {
	s := w.shape
	heads := float64(s.Batch) * float64(s.Heads)
	return 2 * heads * (float64(len(w.f.modes))*2*float64(s.QLen)*float64(s.HeadDim) + float64(groups(s, w.f.params.p))*float64(s.KVLen))
}

// isFatal tells errors that end the whole sweep from those of one candidate.
func isFatal(ctx context.Context, err error) bool {
	var lost *vk.DeviceLostError
	var timeout *vk.TimeoutError
	return ctx.Err() != nil || errors.As(err, &lost) || errors.As(err, &timeout) || errors.Is(err, vk.ErrClosed)
}

// admit makes a candidate and compares what it computes with the reference.
// The error is fatal; a candidate that is not to be measured has a verdict.
func (w *sweep) admit(ctx context.Context, trial trialRecord) (*candidate, error) {
	fail := func(verdict, why string) (*candidate, error) {
		trial.Verdict, trial.Why = verdict, why
		return &candidate{trial: trial}, nil
	}
	if time.Now().After(w.deadline) {
		return fail(trialSkipped, fmt.Sprintf("the limit of %v was over", w.f.tune.limit))
	}
	began := time.Now()
	c, err := w.plan(trial.Choice)
	var results map[attention.Mode]computed
	if err == nil {
		results, err = w.compute(ctx, c)
	}
	trial.FirstRunS = report.Float(time.Since(began).Seconds())
	switch {
	case err != nil && isFatal(ctx, err):
		return nil, err
	case err != nil:
		return fail(trialFailed, err.Error())
	}
	for _, mode := range w.f.modes {
		if why := differs(w.reference[mode], results[mode], w.shape.HeadDim, rowTolerance(w.tier)); why != "" {
			return fail(trialWrong, fmt.Sprintf("%v: %s", mode, why))
		}
	}
	c.trial = trial
	return c, nil
}

// climb walks from a choice to faster ones. It returns the last, which is the
// first where no neighbour is better.
func (w *sweep) climb(ctx context.Context, start tuning.Choice, kernels string, hints []tuning.Choice) (tuning.Choice, error) {
	best := start
	tried := map[tuning.Choice]bool{start: true}
	for round := 1; round <= maxRounds; round++ {
		choices := tuning.Neighbours(w.s.report(), w.tier, w.shape.HeadDim, best, kernels)
		switch {
		case round == 1:
			choices = slices.Concat(hints, choices)
		case time.Now().After(w.deadline):
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
func (w *sweep) round(ctx context.Context, round int, current tuning.Choice, choices []tuning.Choice, tried map[tuning.Choice]bool, kernels string) (tuning.Choice, error) {
	base, err := w.plan(current)
	if err != nil {
		return current, err
	}
	bar := w.app.progress(fmt.Sprintf("tune %s %d %s, round %d", w.tier, w.shape.HeadDim, kernels, round), float64(len(choices)*(w.f.repetitions+2)))
	defer bar.done()
	var all, rivals []*candidate
	for _, choice := range choices {
		if tried[choice] {
			continue
		}
		tried[choice] = true
		c, err := w.admit(ctx, trialRecord{
			Tier: string(w.tier), HeadDim: w.shape.HeadDim, Kernels: kernels, Round: round, Change: changeText(current, choice), Choice: choice,
		})
		if err != nil {
			return current, err
		}
		bar.add(1)
		all = append(all, c)
		if c.trial.Verdict == "" {
			rivals = append(rivals, c)
		}
	}
	if len(rivals) > 0 {
		if err := w.race(ctx, base, rivals, kernels, w.f.repetitions, bar); err != nil {
			return current, err
		}
	}
	best, lead := current, 0.0
	for _, c := range all {
		if c.trial.Verdict == "" && c.judge(w.f.tune.margin/2) && c.lead > lead {
			best, lead = c.choice, c.lead
		}
		w.trials = append(w.trials, c.trial)
	}
	return best, nil
}

// final compares the end of the walk with its start.
func (w *sweep) final(ctx context.Context, start, best tuning.Choice, kernels string) (gain float64, err error) {
	base, err := w.plan(start)
	if err != nil {
		return 0, err
	}
	c, err := w.plan(best)
	if err != nil {
		return 0, err
	}
	c.trial = trialRecord{Tier: string(w.tier), HeadDim: w.shape.HeadDim, Kernels: kernels, Change: changeText(start, best), Choice: best, FirstRunS: report.Float(math.NaN())}
	repetitions := 2*w.f.repetitions + 1
	bar := w.app.progress(fmt.Sprintf("tune %s %d %s, final", w.tier, w.shape.HeadDim, kernels), float64(repetitions+1))
	defer bar.done()
	if err := w.race(ctx, base, []*candidate{c}, kernels, repetitions, bar); err != nil {
		return 0, err
	}
	if c.judge(w.f.tune.margin) {
		c.trial.Verdict, gain = trialStored, median(c.ratios)
	} else {
		c.trial.Verdict = trialKept
		c.trial.Why = fmt.Sprintf("not %.0f %% faster than the table's choice in the median and in the shortest times, or slower in more than a quarter of %d pairs",
			100*w.f.tune.margin, len(c.ratios))
	}
	w.trials = append(w.trials, c.trial)
	return gain, nil
}
