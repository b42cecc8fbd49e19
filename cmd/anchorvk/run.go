package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/report"
	"github.com/anchorvk/anchorvk/internal/verify"
)

// runFlags are the flags of `run`.
type runFlags struct {
	params          paramFlags
	manners         mannersFlags
	input           inputFlags
	out, outDType   string
	picture         string
	modeNames       []string
	modes           []attention.Mode
	lse, stripes    bool
	verify, explain bool
	noFallback      bool
	verifyRows      int
}

func (a *app) runCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use:   "run [-i] qkv.safetensors [-o out.safetensors]",
		Short: "Run prefill on the tensors q, k and v of a file",
		Long: `Run prefill on the tensors q, k and v of a safetensors file: [heads, seq, dim]
or [batch, heads, seq, dim], F16, BF16 or F32. Query head h reads KV head
h / (heads/kv_heads). A q that is shorter than k holds the last positions, the
rest is a KV prefix. --layout bshd is for files of [seq, heads, dim] or [batch,
seq, heads, dim]; out and lse are written in the same order. A file that may be
either is refused without --layout.

--verify judges the kernels: "check" (column kernels) says whether their error
stays within that of a plain fp16 implementation. What the sparsity costs is in
a line of its own; over the whole output where modes anchor and dense both run.

-o writes the tensor out (q's shape), with --lse also lse (q's shape without
dim, natural log), with --dump-stripes also stripes (U8 [heads, groups,
kv_len], 1 = kept; every candidate in heads that ran dense. Rows of the tail
attend all keys besides). With several modes the names end in .anchor and
.dense. Files appear whole or not at all.`,
		Example: `  anchorvk run -i qkv.safetensors --verify
  anchorvk run -i qkv.safetensors --mode anchor,dense --theta 8 --json
  anchorvk run -i qkv.safetensors -o out.safetensors --lse --picture kept.png`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.input.fromArguments(cmd, args); err != nil {
				return err
			}
			if err := f.check(cmd.Flags().Changed); err != nil {
				return err
			}
			return a.prefill(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	f.input.add(cmd, "safetensors `file` with q, k and v; the flag may be left out")
	flags.StringVarP(&f.out, "out", "o", "", "safetensors `file` to write")
	flags.StringVar(&f.outDType, "out-dtype", "f16", "`dtype` of out: f16 or f32")
	flags.StringSliceVar(&f.modeNames, "mode", []string{"anchor"}, "`modes` to run: anchor, dense or both with a comma")
	f.params.add(cmd)
	f.manners.add(cmd)
	flags.BoolVar(&f.lse, "lse", false, "write the log-sum-exp of every row too")
	flags.BoolVar(&f.stripes, "dump-stripes", false, "write which keys each group kept too")
	flags.StringVar(&f.picture, "picture", "", "draw which keys were computed to a .png or .svg `file`")
	flags.BoolVar(&f.verify, "verify", false, "compare sampled rows with the float64 oracle; exit 4 when a bound is broken")
	flags.IntVar(&f.verifyRows, "verify-rows", 32, "evenly spread `rows` per head that --verify compares")
	flags.BoolVar(&f.noFallback, "no-fallback", false, "run anchor even where dense is predicted to be cheaper")
	flags.BoolVar(&f.explain, "explain", false, "print the plan and stop")
	values(cmd, "mode", "anchor", "dense", "anchor,dense")
	values(cmd, "out-dtype", "f16", "f32")
	return cmd
}

// result is the output of one mode.
type result struct {
	mode  attention.Mode
	stats attention.Stats
	out   attention.Outputs
}

// prefill is `run` after its flags are checked.
func (a *app) prefill(ctx context.Context, f *runFlags) error {
	file, err := f.input.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	shape := file.shape
	if err := f.params.of(file, f.input.path); err != nil {
		return err
	}
	if f.params.p, err = f.params.ofHeads(f.params.p, shape.Heads); err != nil {
		return err
	}
	a.warn(f.params.notes())
	// Opened now, so that a directory that cannot be written to is known
	// before the work, and aborted when anything below fails.
	outputs, err := openOutputs(f)
	if err != nil {
		return err
	}
	defer outputs.abort()

	s, options, err := a.openDevice(attention.Options{}, f.manners.manners)
	if err != nil {
		return err
	}
	defer a.closeSession(s)
	options.NoFallback = f.noFallback
	all, err := plans(s, shape, f.modes, f.params.p, options)
	if err != nil {
		return err
	}
	if f.explain {
		return a.explain(all...)
	}
	need := inputBytes(shape) + f.outputBytes(shape) + file.extraBytes()
	if f.verify && file.sizes.Converted() {
		need += 2 * inputBytes(shape) // as F32
	}
	if err := a.fits("the input and output tensors", need); err != nil {
		return err
	}
	tensors, odd, err := file.load()
	if err != nil {
		return err
	}
	results := make([]result, len(f.modes))
	bar := a.progress("prefill", work(all...))
	for i, mode := range f.modes {
		results[i] = result{mode: mode, out: f.outputsFor(mode, shape)}
		bar.begin(work(all[i]))
		if results[i].stats, err = s.run(ctx, all[i], tensors, results[i].out, f.manners.runOptions(bar)); err != nil {
			bar.done()
			return err
		}
		bar.add(work(all[i]))
	}
	bar.done()
	doc, failures, err := a.runDocument(ctx, f, s, file, tensors, odd, results)
	if err != nil {
		return err
	}
	for _, r := range results { // after the stripes were verified
		if r.out.Stripes != nil {
			keepCandidates(r.out.Stripes, shape, f.params.p, r.stats.Fallback != "")
		}
	}
	if len(failures) > 0 {
		outputs.abort() // now, because a closed stdout may end the program below
	} else if err := outputs.write(f, file, results); err != nil {
		return err
	}
	if err := doc.Write(a.stdout, a.format); err != nil {
		return err
	}
	if len(failures) > 0 {
		return &wrongError{"verification failed, no file was written: " + strings.Join(failures, "; ")}
	}
	return nil
}

// runDocument makes the records, verifying the results where asked to.
func (a *app) runDocument(ctx context.Context, f *runFlags, s session, file *inputFile, in attention.Inputs, odd []string, results []result) (report.Document, []string, error) {
	doc := report.Document{Key: "results", Columns: runColumns(f.verify)}
	shape := file.shape
	a.warn(odd)
	var failures []string
	for _, r := range results {
		record := runRecord{
			callRecord: newCallRecord(f.params.preset, r.mode, s.report(), shape, f.params.p, r.stats),
			TimeMS: timesRecord{
				report.Float(r.stats.TimeMS.Total), report.Float(r.stats.TimeMS.Anchor),
				report.Float(r.stats.TimeMS.Identify), report.Float(r.stats.TimeMS.Attention),
			},
			HostMS:      report.Float(r.stats.HostMS),
			PausedMS:    report.Float(r.stats.PausedMS),
			ratioRecord: newRatioRecord(r.stats),
			denseRecord: besideDense(r, results),
		}
		own := slices.Clone(r.stats.Warnings)
		if f.verify {
			v, notes, bad, err := a.verifyResult(ctx, f, file, in, r)
			if err != nil {
				return doc, nil, err
			}
			record.verifyRecord = v
			own = append(own, notes...)
			for _, b := range bad {
				failures = append(failures, r.mode.String()+": "+b)
			}
		}
		for _, text := range own {
			a.warn([]string{r.mode.String() + ": " + text})
		}
		record.Warnings = append(append([]string{}, odd...), own...)
		doc.Records = append(doc.Records, record)
		doc.Foot += fallbackNote(record.callRecord, record.Fallback) + qualityNote(record)
	}
	r := s.report()
	doc.Foot += fmt.Sprintf("\n%s (%s, %s), %d/%d heads, q %d, kv %d, head_dim %d", r.Name, r.Driver, r.Type, shape.Heads, shape.KVHeads, shape.QLen, shape.KVLen, shape.HeadDim)
	return doc, failures, nil
}

// verifyGroups is how many groups of each head have their stripes compared.
const verifyGroups = 4

// verifyResult compares a result with the oracle of what was computed, and
// where the file's numbers had to be converted, with that of the file's too.
func (a *app) verifyResult(ctx context.Context, f *runFlags, file *inputFile, in attention.Inputs, r result) (record *verifyRecord, notes, failures []string, err error) {
	shape := file.shape
	o, err := oracle.New(shape, f.params.p, in.Q, in.K, in.V)
	if err != nil {
		return nil, nil, nil, err
	}
	steps := shape.Batch * shape.Heads
	if file.sizes.Converted() {
		steps *= 2
	}
	bar := a.progress("verify "+r.mode.String(), float64(steps))
	defer bar.done()
	out := verify.Output{Mode: r.stats.Mode, Tier: r.stats.Tier, O: r.out.O, LSE: r.out.LSE, Stripes: r.out.Stripes}
	sample := verify.Sample{
		Rows: verify.Rows(o, f.verifyRows), Groups: verify.Groups(o, verifyGroups),
		Progress: func(done, _ int) { bar.set(float64(done)) },
	}
	m, err := verify.Measure(ctx, o, out, sample)
	if err != nil {
		return nil, nil, nil, err
	}
	failures, notes = m.Failures(), m.Notes()
	ofFile := math.NaN()
	if file.sizes.Converted() {
		q, k, v, err := file.LoadWide()
		if err != nil {
			return nil, nil, nil, err
		}
		if o, err = o.OfF32(q, k, v); err != nil {
			return nil, nil, nil, err
		}
		sample.Progress = func(done, _ int) { bar.set(float64(steps/2 + done)) }
		nmse, bad, err := verify.AgainstOriginal(ctx, o, out, sample)
		if err != nil {
			return nil, nil, nil, err
		}
		ofFile = nmse
		failures = append(failures, bad...)
	}
	record = newVerifyRecord(m, failures)
	record.NMSEOfFile = report.Float(ofFile)
	return record, notes, failures, nil
}
