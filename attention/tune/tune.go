// Package tune finds the shape of the kernels that is the fastest on the device
// at hand, for a program that runs on its users' cards.
//
// A plan takes the shape of its kernels from a table, whose choices were
// measured on a few devices. [Run] measures their neighbours on this one, within
// a budget of time, and keeps what wins; [Load] gives it again at the next start.
// Both return rules for attention.PlanOptions.Rules. A rule changes speed and
// the last bits of results, never their meaning, and one that does not fit a
// device or a driver any more is left out.
package tune

import (
	"context"
	"errors"
	"time"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/place"
	"github.com/anchorvk/anchorvk/internal/synth"
	"github.com/anchorvk/anchorvk/internal/tune"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// Options say what to tune for, and how long it may take. Only HeadDim is needed.
type Options struct {
	// HeadDim is the head dimension of the model.
	HeadDim int
	// Heads and KVHeads are the model's; 0 for both takes what keeps the device busy.
	Heads, KVHeads int
	// Length is how many positions a measurement prefills. 0: 8,192, and 4,096
	// on a CPU.
	Length int
	// Params are what the program computes with; nil: attention.DefaultParams.
	Params *attention.Params
	// Tier is the tier to tune; "" takes the one that plans take.
	Tier attention.Tier
	// Dir is a directory of the program's own, in which winners are kept, each
	// for one device, driver, tier and head dimension; it is made where it is
	// missing, for its owner alone. "" keeps nothing.
	Dir string
	// Budget is the time after which nothing new is tried; what runs is
	// finished, which on a slow device takes seconds more. 0: a minute.
	Budget time.Duration
	// Progress, if any, is called after each measurement with the share of the
	// budget that is over, 0 to 1.
	Progress func(share float64)
}

// Result is what a run found.
type Result struct {
	// Rules are for attention.PlanOptions.Rules: what Dir holds for the device,
	// and what was found now.
	Rules []tuning.Rule
	// Tier is the one that was tuned.
	Tier attention.Tier
	// Gain says in words how much faster the kernels are than with the table's
	// choice; "" where that is the best.
	Gain string
}

// words are what plans and errors call things.
var words = tune.Words{From: "tune.Run", Again: "tune.Run measures again", Elsewhere: "give a Dir that can be written to"}

// margin is the share by which a winner must be faster: less is within what
// measurements vary.
const margin = 0.05

// repetitions of each measurement.
const repetitions = 5

// Run measures the choices for the attention kernels and the stripe search on a
// device, on generated inputs of Length positions. Nothing else should use the
// device meanwhile. What computes something else than the table's choice, or
// cannot be built, does not win. It needs device memory for the inputs, host
// memory for them and two results, and compiles many kernels, which it
// releases at the end. Nothing is kept where ctx ends it early. Errors are those
// of [attention.NewPlan] and [attention.Call.Run], and of writing to Dir.
func Run(ctx context.Context, device *vk.Device, o Options) (result Result, err error) {
	engine, err := attention.NewEngine(device, attention.Options{})
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	store, err := o.store()
	if err != nil {
		return result, err
	}
	if store != nil {
		if err := store.Writable(); err != nil {
			return result, err
		}
	}
	sweep := o.sweep(measured{device, engine})
	table, err := sweep.Start()
	if err != nil {
		return result, err
	}
	if sweep.Tier = table.Tier; table.Asked == attention.ModeAnchor && table.Units == 0 {
		// Sink and window cover every key: no stripes are searched.
		sweep.Modes, sweep.Kernels = []attention.Mode{attention.ModeDense}, []string{tuning.Attend}
	}
	result.Tier = table.Tier
	var free func()
	sweep.In, sweep.Out, free, err = place.Tensors(ctx, device, sweep.Shape, func() (in attention.Inputs, err error) {
		in.Q, in.K, in.V, err = synth.Generate(synth.Config{Shape: sweep.Shape, Seed: 1, StripeFraction: 0.05})
		return in, err
	})
	if err != nil {
		return result, err
	}
	defer free()
	var old *tune.Entry
	if store != nil {
		old = store.Find(device.Report(), table.Tier, o.HeadDim)
	}
	entry, err := sweep.Run(ctx, table.Tuning, old)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return result, err
	}
	if entry.Wins() {
		result.Gain = entry.Why()
	}
	if store == nil {
		if entry.Wins() {
			result.Rules = []tuning.Rule{entry.Rule(words.From)}
		}
		return result, nil
	}
	if _, err := store.Keep(device.Report(), entry); err != nil {
		return result, err
	}
	result.Rules, _ = store.Load(device.Report()) // what is stale is the next run's concern
	return result, nil
}

// Load returns what runs have kept in a directory for a device. The error says
// what is left out, because it is damaged or another driver's: the rest can
// be used all the same.
func Load(device *vk.Device, dir string) ([]tuning.Rule, error) {
	store, err := (&Options{Dir: dir}).store()
	if err != nil || store == nil {
		return nil, err
	}
	rules, leftOut := store.Load(device.Report())
	return rules, errors.Join(leftOut...)
}

// store is where winners are kept, or nil.
func (o *Options) store() (*tune.Store, error) {
	if o.Dir == "" {
		return nil, nil
	}
	digest, err := tune.KernelDigest()
	return tune.OpenStore(o.Dir, digest, words), err
}

// sweep is what the options ask for.
func (o *Options) sweep(device measured) *tune.Sweep {
	busy := tune.BusyShape(device.Report(), o.HeadDim)
	if o.Heads != 0 || o.KVHeads != 0 {
		busy.Heads, busy.KVHeads = o.Heads, o.KVHeads
	}
	if o.Length != 0 {
		busy.QLen, busy.KVLen = o.Length, o.Length
	}
	params := attention.DefaultParams()
	if o.Params != nil {
		params = *o.Params
	}
	budget := o.Budget
	if budget == 0 {
		budget = time.Minute
	}
	began := time.Now()
	step := func() {
		if o.Progress != nil {
			o.Progress(share(time.Since(began), budget))
		}
	}
	return &tune.Sweep{
		Runner: device, Tier: o.Tier, Shape: busy, Params: params,
		Modes:       []attention.Mode{attention.ModeAnchor, attention.ModeDense},
		Kernels:     []string{tuning.Attend, tuning.Identify},
		Repetitions: repetitions, Margin: margin, Limit: budget, Deadline: began.Add(budget),
		Progress: func(string, int) (func(), func()) { return step, func() {} },
	}
}

// share is how much of a budget is over.
func share(gone, budget time.Duration) float64 {
	if gone >= budget {
		return 1
	}
	return gone.Seconds() / budget.Seconds()
}

// measured is a device with an engine for measurements.
type measured struct {
	device *vk.Device
	engine *attention.Engine
}

func (m measured) Report() *vk.Report { return m.device.Report() }

func (m measured) Plan(p attention.Problem, o attention.PlanOptions) (*attention.Plan, error) {
	return m.engine.Plan(p, o)
}

func (m measured) Run(ctx context.Context, p *attention.Plan, in attention.Inputs, out attention.Outputs, o attention.RunOptions) (attention.Stats, error) {
	if err := m.engine.Warmup(ctx, p); err != nil { // so that times hold no compilation
		return attention.Stats{}, err
	}
	call, err := m.engine.Bind(p, in, out)
	if err != nil {
		return attention.Stats{}, err
	}
	return call.Run(ctx, o)
}
