package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/plural"
	"github.com/anchorvk/anchorvk/internal/report"
)

// benchFlags are the flags of `bench`.
type benchFlags struct {
	params                paramFlags
	manners               mannersFlags
	input                 inputFlags
	seq, dtype, compare   string
	batch, heads, kvHeads int
	headDims              []int
	modeNames             []string
	modes                 []attention.Mode
	variants              []variant
	repetitions           int
	stripes               float64
	seed                  uint64
	explain, noFallback   bool
	lengths               []int
	tune                  tuneFlags
	old                   []benchRecord
}

func (a *app) benchCommand() *cobra.Command {
	f := &benchFlags{}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure prefill on generated or given inputs",
		Long: `Measure the GPU time of prefill. Inputs are generated with a given share of
stripes, or come from a file with -i. Modes take turns within each repetition,
so that their ratio is measured side by side; so do the values of --theta,
--step and --block where they are lists. Rows appear as they are measured, and
Ctrl-C keeps what there is. tflops counts the work of dense
causal attention, 4*head_dim operations for each causal pair, for every mode.

--tune times the neighbours of the kernels' tuning instead, for each head_dim
and tier: rows, keys, lanes, workgroups and ways of reading, halved or doubled,
one after another, from the tuning table's choice on. What computes something
else or fails is left out. A winner is stored in the cache directory
(ANCHORVK_CACHE_DIR), and plans take it from then on; ANCHORVK_TUNING=off
ignores it.`,
		Example: `  anchorvk bench --seq 4096-32768*2 --heads 4 --kv-heads 1
  anchorvk bench --seq 4k,32k --theta 6,8,10
  anchorvk bench -i qkv.safetensors -r 10 --json > old.json
  anchorvk bench -i qkv.safetensors -r 10 --compare old.json
  anchorvk bench --tune --head-dim 128`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && !f.tune.on {
				return usage("bench takes no argument, but there is %q; name a file with -i %s", args[0], args[0])
			}
			return noArguments(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			if f.tune.on {
				return a.tune(cmd.Context(), f)
			}
			return a.bench(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	f.input.add(cmd, "safetensors `file` with q, k and v instead of generated inputs")
	flags.StringVar(&f.seq, "seq", "2048-8192*2", "`lengths`: a list 4096,8192 or 4k,8k and ranges 4k-128k*2 or 1024-4096+1024")
	flags.IntVar(&f.batch, "batch", 1, "`sequences` at once")
	flags.IntVar(&f.heads, "heads", 4, "query `heads`")
	flags.IntVar(&f.kvHeads, "kv-heads", 1, "KV `heads`")
	flags.IntSliceVar(&f.headDims, "head-dim", []int{128}, "`elements` of a head, or a list")
	flags.StringVar(&f.dtype, "dtype", "f16", "`type` on the device; f16 is the only one")
	flags.StringSliceVar(&f.modeNames, "modes", []string{"anchor", "dense"}, "`modes` to measure")
	flags.IntVarP(&f.repetitions, "repetitions", "r", 5, "measured `runs` of each mode, after one that is not")
	flags.Float64Var(&f.stripes, "stripes", 0.05, "`share` of candidates that generated inputs keep at theta 12")
	flags.Uint64Var(&f.seed, "seed", 1, "`number` that picks the generated inputs")
	flags.StringVar(&f.compare, "compare", "", "JSON `file` of an earlier bench to compare with")
	flags.BoolVar(&f.noFallback, "no-fallback", false, "run anchor even where dense is predicted to be cheaper")
	flags.BoolVar(&f.explain, "explain", false, "print the plans and stop")
	f.params.add(cmd)
	f.tune.add(cmd)
	f.manners.add(cmd)
	values(cmd, "modes", "anchor", "dense", "anchor,dense")
	return cmd
}

// check raises every argument error before a file or a device is touched.
func (f *benchFlags) check(cmd *cobra.Command) error {
	var err error
	if f.modes, err = parseModes("--modes", f.modeNames); err != nil {
		return err
	}
	params, err := f.params.all()
	if err != nil {
		return err
	}
	f.variants = variantsOf(f.modes, params)
	if err := f.input.check(); err != nil {
		return err
	}
	if err := f.manners.check(); err != nil {
		return err
	}
	switch {
	case f.dtype != "f16":
		return usage("--dtype %s is not supported; the device computes in f16, and files in bf16 or f32 are converted", f.dtype)
	case f.repetitions < 1:
		return usage("-r %d measures nothing; use 1 or more", f.repetitions)
	}
	if err := f.tune.check(cmd, f); err != nil {
		return err
	}
	if f.input.path == "" && f.input.layout != "" {
		return usage("--layout is for a file, but no -i names one")
	}
	if f.input.path != "" {
		for _, name := range []string{"seq", "batch", "heads", "kv-heads", "head-dim", "stripes", "seed"} {
			if cmd.Flags().Changed(name) {
				return usage("--%s is for generated inputs, but -i gives a file; leave one of them out", name)
			}
		}
		return nil
	}
	if f.lengths, err = parseLengths("--seq", f.seq); err != nil {
		return err
	}
	if f.tune.on && len(f.lengths) > 1 {
		return usage("--seq %s: --tune takes one length", f.seq)
	}
	if len(f.headDims) == 0 {
		return usage("--head-dim is empty; use 128 or a list such as 64,128")
	}
	for _, dim := range f.headDims {
		for _, n := range f.lengths {
			c := f.config(n, dim)
			if err := c.Validate(); err != nil {
				return err
			}
		}
	}
	return nil
}

// bench is `bench` after its flags are checked.
func (a *app) bench(ctx context.Context, f *benchFlags) error {
	if f.compare != "" {
		var err error
		if f.old, err = readBench(f.compare); err != nil {
			return err
		}
	}
	workloads, done, err := f.workloads(ctx)
	if err != nil {
		return err
	}
	defer done()
	s, options, err := a.openDevice(attention.Options{}, f.manners.manners)
	if err != nil {
		return err
	}
	defer a.closeSession(s)
	options.NoFallback = f.noFallback
	a.warn(f.params.notes())
	// Every plan before the first measurement: what does not fit is known at once.
	var all []*attention.Plan
	for _, w := range workloads {
		for _, v := range f.variants {
			params, err := f.params.ofHeads(v.params, w.shape.Heads)
			if err != nil {
				return err
			}
			p, err := s.plan(attention.Problem{Shape: w.shape, Mode: v.mode, Params: params}, options)
			if err != nil {
				return err
			}
			all = append(all, p)
		}
	}
	if f.explain {
		return a.explain(all...)
	}
	out := report.NewStream(report.Document{Key: "results", Columns: f.columns()}, a.stdout, a.format)
	times := "GPU times"
	bar := a.progress("bench", float64(f.repetitions+1)*work(all...))
	for i, w := range workloads {
		var records []benchRecord
		records, err = a.measure(ctx, f, s, w, all[i*len(f.variants):][:len(f.variants)], bar)
		bar.hide()
		for _, r := range records {
			if !compareWith(f.old, &r) && f.compare != "" {
				a.log.Warn("nothing to compare with", "file", f.compare, "mode", r.Mode, "kv_len", r.Shape.KVLen)
			}
			if err := out.Add(r); err != nil {
				return err
			}
			if note := fallbackNote(r.callRecord, r.Fallback); !strings.Contains(out.Foot, note) { // the same of every theta
				out.Foot += note
			}
			if r.Clock == clockHost {
				times = "host times, because GPU times are not known"
			}
		}
		if err != nil {
			break
		}
	}
	bar.done()
	if err != nil {
		if len(out.Records) == 0 {
			return err
		}
		out.Members = append(out.Members, report.Member{Key: "incomplete", Value: true})
		out.Foot += "\nincomplete: the measurements ended early"
	}
	r := s.report()
	out.Foot += fmt.Sprintf("\n%s (%s, %s), %s, %s; vs dense is the median ratio within a repetition", r.Name, r.Driver, r.Type, plural.Of(f.repetitions, "repetition", "repetitions"), times)
	if closing := out.Close(); err == nil {
		err = closing
	}
	return err
}

func (f *benchFlags) columns() []report.Column {
	ms := func(head, key string) report.Column {
		return report.Column{Head: head, Key: key, Right: true, Show: report.Fixed(2), Width: 9}
	}
	columns := []report.Column{
		{Head: "kv", Key: "shape.kv_len", Right: true, Width: 6},
		{Head: "heads", Key: "shape.heads", Right: true},
		{Head: "kv heads", Key: "shape.kv_heads", Right: true},
		{Head: "dim", Key: "shape.head_dim", Right: true},
		{Head: "mode", Key: "mode", Width: 6},
		{Head: "tier", Key: "tier"},
		ms("median ms", "time_ms.median"), ms("min", "time_ms.min"), ms("max", "time_ms.max"),
		ms("host ms", "host_ms"),
		{Head: "tflops", Key: "tflops", Right: true, Show: report.Short, Width: 8},
		{Head: "vs dense", Key: "speedup_over_dense", Right: true, Show: report.Fixed(2)},
		{Head: "computed", Key: "computed_ratio", Right: true, Show: report.Percent(1)},
		{Head: "stripes", Key: "stripe_ratio", Right: true, Show: report.Percent(1)},
		{Head: "guarded", Key: "guarded_ratio", Right: true, Show: report.Percent(1)},
	}
	// What differs from row to row stands beside the mode.
	for _, swept := range []struct {
		count     int
		head, key string
	}{{len(f.params.blocks), "block", "params.block"}, {len(f.params.steps), "step", "params.step"}, {len(f.params.thetas), "theta", "params.theta"}, {len(f.params.weights), "weight", "params.sample.weight"}} {
		if swept.count > 1 {
			columns = slices.Insert(columns, 5, report.Column{Head: swept.head, Key: swept.key, Right: true, Width: 4})
		}
	}
	if f.compare != "" {
		columns = append(columns,
			ms("old ms", "compare.old_median"),
			report.Column{Head: "old/new", Key: "compare.speedup", Right: true, Show: report.Fixed(2)})
	}
	return columns
}
