package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/plural"
	"github.com/anchorvk/anchorvk/internal/report"
	"github.com/anchorvk/anchorvk/internal/tune"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

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
	f.tune.shapeFor(s.report(), f)
	targets, err := a.targets(f, s, options)
	if err != nil {
		return err
	}
	doc := report.Document{Key: "results", Columns: tuneColumns()}
	deadline := time.Now().Add(f.tune.limit)
	var entries []tune.Entry
	for _, t := range targets {
		t.sweep.Deadline = deadline
		entry, err := a.sweep(ctx, f, s, t, store)
		if err != nil {
			return err
		}
		entries = append(entries, entry)
		for _, trial := range t.sweep.Trials {
			doc.Records = append(doc.Records, newTrialRecord(t.sweep, trial))
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, e := range entries {
		note, err := keep(store, s, e)
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

// target is what one stored choice is for.
type target struct {
	sweep *tune.Sweep
	table tuning.Tuning
}

// targets plans every tier and head dimension, so that what cannot be tuned is
// known before the first measurement.
func (a *app) targets(f *benchFlags, s session, options attention.PlanOptions) ([]target, error) {
	tiers := f.tune.tiers
	if len(tiers) == 0 {
		tiers = []string{string(options.Tier)}
	}
	var all []target
	for _, dim := range f.headDims {
		for _, tier := range tiers {
			w := &tune.Sweep{
				Runner: swept{s}, Tier: attention.Tier(tier), Shape: f.config(f.lengths[0], dim).Shape, Params: f.params.p,
				Modes: f.modes, Kernels: f.tune.kernels, Options: options, DutyCycle: f.manners.duty,
				Repetitions: f.repetitions, Margin: f.tune.margin, Limit: f.tune.limit,
				Progress: func(what string, steps int) (step, done func()) {
					bar := a.progress(what, float64(steps))
					return func() { bar.add(1) }, bar.done
				},
			}
			p, err := w.Start()
			if err != nil {
				return nil, err
			}
			if p.Asked == attention.ModeAnchor && p.Units == 0 {
				return nil, usage("--seq %d leaves no keys between sink and window, so that no stripes are searched; use a longer --seq, or a smaller --step or --block", f.lengths[0])
			}
			w.Tier = p.Tier
			all = append(all, target{w, p.Tuning})
		}
	}
	return all, nil
}

// sweep sweeps one target, on generated inputs.
func (a *app) sweep(ctx context.Context, f *benchFlags, s session, t target, store *tune.Store) (entry tune.Entry, err error) {
	w := t.sweep
	load := generated(f.config(f.lengths[0], w.Shape.HeadDim))
	if err := a.fits("the inputs and outputs", inputBytes(w.Shape)+w.HostBytes()); err != nil {
		return entry, err
	}
	in, out, free, err := s.place(ctx, w.Shape, func() (attention.Inputs, error) {
		in, _, err := load.load()
		return in, err
	})
	if err != nil {
		return entry, err
	}
	defer free()
	w.In, w.Out = in, out
	entry, err = w.Run(ctx, t.table, store.Find(s.report(), w.Tier, w.Shape.HeadDim))
	var clock *tune.ClockError
	if errors.As(err, &clock) {
		err = errors.New("the device's clock is not to be trusted, and --tune measures by it: " + strings.Join(clock.Warnings, "; "))
	}
	return entry, err
}

// keep stores an entry, or forgets an earlier one that wins no more, and says so.
func keep(store *tune.Store, s session, e tune.Entry) (note string, err error) {
	what := fmt.Sprintf("%s, head_dim %d: ", e.Tier, e.HeadDim)
	removed, err := store.Keep(s.report(), e)
	switch {
	case err != nil && e.Wins():
		return "", err
	case e.Wins():
		return what + "stored, " + e.Why(), nil
	case removed:
		what += "what was stored is removed; "
	}
	return what + e.Over + " stays", err
}

// swept is a session as sweeps see it.
type swept struct{ session }

func (s swept) Report() *vk.Report { return s.report() }

func (s swept) Plan(p attention.Problem, o attention.PlanOptions) (*attention.Plan, error) {
	return s.plan(p, o)
}

func (s swept) Run(ctx context.Context, p *attention.Plan, in attention.Inputs, out attention.Outputs, o attention.RunOptions) (attention.Stats, error) {
	return s.run(ctx, p, in, out, o)
}
