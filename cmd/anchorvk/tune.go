package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/plural"
	"github.com/anchorvk/anchorvk/internal/report"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/internal/tuningstore"
)

// target is what one stored choice is for.
type target struct {
	tier attention.Tier
	plan *attention.Plan // with the table's choice
}

// tune is `bench --tune` after its flags are checked. Nothing is stored before
// every sweep is done, so that an interrupted one changes nothing.
func (a *app) tune(ctx context.Context, f *benchFlags) error {
	if value := a.env.get("ANCHORVK_TUNING"); value != "" && value != "off" {
		return usage("ANCHORVK_TUNING is %q, but --tune starts from the table's choice; unset it", value)
	}
	store, err := a.tuningStore()
	if err == nil {
		err = store.Writable()
	}
	if err != nil {
		return err
	}
	s, options, err := a.openDevice(attention.Options{}, f.manners.manners)
	if err != nil {
		return err
	}
	defer a.closeSession(s)
	options.Tuning, options.Rules, options.NoFallback = "", nil, true
	f.tune.shapeFor(s.report(), f)
	targets, err := f.targets(s, options)
	if err != nil {
		return err
	}
	doc := report.Document{Key: "results", Columns: tuneColumns()}
	deadline := time.Now().Add(f.tune.limit)
	var entries []tuningstore.Entry
	for _, t := range targets {
		w := &sweep{app: a, f: f, s: s, tier: t.tier, shape: t.plan.Shape, options: options, deadline: deadline}
		w.options.Tier = t.tier
		entry, err := w.run(ctx, t, store.Find(s.report(), t.tier, t.plan.Shape.HeadDim))
		if err != nil {
			return err
		}
		entries = append(entries, entry)
		for _, trial := range w.trials {
			doc.Records = append(doc.Records, trial)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, e := range entries {
		note, err := a.keep(store, s, e)
		if err != nil {
			return err
		}
		doc.Foot += "\n" + note
	}
	r := s.report()
	doc.Foot += fmt.Sprintf("\n%s (%s, %s), %s, %d/%d heads, kv %d, %s in turn with what each is compared with",
		r.Name, r.Driver, r.Type, tuning.DetectArchitecture(r), f.heads, f.kvHeads, f.lengths[0], plural.Of(f.repetitions, "repetition", "repetitions"))
	return doc.Write(a.stdout, a.format)
}

// targets plans every tier and head dimension, so that what cannot be tuned is
// known before the first measurement.
func (f *benchFlags) targets(s session, options attention.PlanOptions) ([]target, error) {
	tiers := f.tune.tiers
	if len(tiers) == 0 {
		tiers = []string{string(options.Tier)}
	}
	var all []target
	for _, dim := range f.headDims {
		for _, tier := range tiers {
			options.Tier = attention.Tier(tier)
			p, err := s.plan(attention.Problem{Shape: f.config(f.lengths[0], dim).Shape, Mode: f.modes[0], Params: f.params.p}, options)
			if err != nil {
				return nil, err
			}
			if p.Asked == attention.ModeAnchor && p.Units == 0 {
				return nil, usage("--seq %d leaves no keys between sink and window, so that no stripes are searched; use a longer --seq, or a smaller --step or --block", f.lengths[0])
			}
			all = append(all, target{p.Tier, p})
		}
	}
	return all, nil
}

// run sweeps one target. The entry has no choice where the table's is best.
func (w *sweep) run(ctx context.Context, t target, old *tuningstore.Entry) (tuningstore.Entry, error) {
	entry := tuningstore.Entry{Tier: t.tier, HeadDim: w.shape.HeadDim, Over: t.plan.Tuning.From}
	load := generated(w.f.config(w.f.lengths[0], w.shape.HeadDim))
	if err := w.app.fits("the inputs and outputs", inputBytes(w.shape)+w.outputBytes()); err != nil {
		return entry, err
	}
	in, out, free, err := w.s.place(ctx, w.shape, func() (attention.Inputs, error) {
		in, _, err := load.load()
		return in, err
	})
	if err != nil {
		return entry, err
	}
	defer free()
	w.in, w.out = in, out
	start := t.plan.Tuning.Choice(t.tier)
	base, err := w.plan(start)
	if err != nil {
		return entry, err
	}
	if w.reference, err = w.compute(ctx, base); err != nil {
		return entry, err
	}
	entry.Choice = start
	for _, kernels := range []string{tuning.Attend, tuning.Identify} {
		if !slices.Contains(w.f.tune.kernels, kernels) {
			entry.Take(old, kernels) // what an earlier sweep found stays
			continue
		}
		from := entry.Choice
		var hints []tuning.Choice
		hinted := tuningstore.Entry{Choice: from}
		if hinted.Take(old, kernels); hinted.Choice != from {
			hints = append(hints, hinted.Choice)
		}
		best, err := w.climb(ctx, from, kernels, hints)
		if err != nil {
			return entry, err
		}
		if best == from {
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

// keep stores an entry, or forgets an earlier one that wins no more, and says so.
func (a *app) keep(store *tuningstore.Store, s session, e tuningstore.Entry) (note string, err error) {
	what := fmt.Sprintf("%s, head_dim %d: ", e.Tier, e.HeadDim)
	if !e.Wins() {
		found, err := store.Remove(s.report(), e.Tier, e.HeadDim)
		if found {
			what += "what was stored is removed; "
		}
		return what + e.Over + " stays", err
	}
	if err := store.Save(s.report(), e); err != nil {
		return "", err
	}
	return what + "stored, " + e.Why(), nil
}
