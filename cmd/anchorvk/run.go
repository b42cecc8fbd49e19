package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/report"
	"github.com/anchorvk/anchorvk/internal/tensorfile"
	"github.com/anchorvk/anchorvk/internal/verify"
)

// runFlags are the flags of `run`.
type runFlags struct {
	params               paramFlags
	manners              mannersFlags
	input, out, outDType string
	picture              string
	modeNames            []string
	modes                []attention.Mode
	lse, stripes         bool
	verify, explain      bool
	noFallback           bool
	verifyRows           int
}

func (a *app) runCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use:   "run -i qkv.safetensors [-o out.safetensors]",
		Short: "Run prefill on the tensors q, k and v of a file",
		Long: `Run prefill on the tensors q, k and v of a safetensors file: [heads, seq, dim]
or [batch, heads, seq, dim], F16, BF16 or F32. Query head h reads KV head
h / (heads/kv_heads). A q that is shorter than k holds the last positions, the
rest is a KV prefix.

-o writes the tensor out (q's shape), with --lse also lse (q's shape without
dim, natural log), with --dump-stripes also stripes (U8 [heads, groups,
kv_len], 1 = kept). With several modes the names end in .anchor and .dense.
Files appear whole or not at all.`,
		Example: `  anchorvk run -i qkv.safetensors --verify
  anchorvk run -i qkv.safetensors --mode anchor,dense --theta 8 --json
  anchorvk run -i qkv.safetensors -o out.safetensors --lse --picture kept.png`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd.Flags().Changed); err != nil {
				return err
			}
			return a.prefill(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.input, "input", "i", "", "safetensors `file` with q, k and v")
	flags.StringVarP(&f.out, "out", "o", "", "safetensors `file` to write")
	flags.StringVar(&f.outDType, "out-dtype", "f16", "`dtype` of out: f16 or f32")
	flags.StringSliceVar(&f.modeNames, "mode", []string{"anchor"}, "`modes` to run: anchor, dense or both with a comma")
	f.params.add(flags)
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
	file, err := tensorfile.Open(f.input)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	sizes, err := file.Sizes()
	if err != nil {
		return err
	}
	shape, err := shapeOf(f.input, sizes)
	if err != nil {
		return err
	}
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
	if err := a.fits("the input and output tensors", inputBytes(shape)+f.outputBytes(shape)); err != nil {
		return err
	}
	tensors, err := loadInputs(file, shape)
	if err != nil {
		return err
	}
	results := make([]result, len(f.modes))
	bar := a.progress("prefill", len(results))
	for i, mode := range f.modes {
		results[i] = result{mode: mode, out: f.outputsFor(mode, shape)}
		if results[i].stats, err = s.run(ctx, all[i], tensors, results[i].out, f.manners.runOptions(bar)); err != nil {
			bar.done()
			return err
		}
		if results[i].stats.Fallback != "" && results[i].out.Stripes != nil {
			keepCandidates(results[i].out.Stripes, shape, f.params.p)
		}
		bar.set(i + 1)
	}
	bar.done()
	doc, failures, err := a.runDocument(ctx, f, s, shape, tensors, results)
	if err != nil {
		return err
	}
	if len(failures) > 0 {
		outputs.abort() // now, because a closed stdout may end the program below
	} else if err := outputs.write(f, sizes, shape, results); err != nil {
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

// sizeOf names the field of a shape in the words of a file's reader.
var sizeOf = map[string]string{
	"Shape.Batch": "batch", "Shape.Heads": "number of query heads", "Shape.KVHeads": "number of KV heads",
	"Shape.QLen": "length of q", "Shape.KVLen": "length of k", "Shape.HeadDim": "head_dim", "Params.Scale": "--scale",
}

// shapeOf checks a file's sizes against what any device can take.
func shapeOf(path string, s tensorfile.Sizes) (attention.Shape, error) {
	shape := attention.Shape{Batch: s.Batch, Heads: s.Heads, KVHeads: s.KVHeads, QLen: s.QLen, KVLen: s.KVLen, HeadDim: s.HeadDim}
	err := shape.Validate()
	var argument *attention.ArgumentError
	if errors.As(err, &argument) {
		// The file is at fault, not the command line.
		err = &tensorfile.FormatError{Path: path, Why: translate(argument, sizeOf)}
	}
	return shape, err
}

// loadInputs reads q, k and v as host tensors.
func loadInputs(file *tensorfile.File, s attention.Shape) (attention.Inputs, error) {
	in, err := file.LoadQKV()
	if err != nil {
		return attention.Inputs{}, err
	}
	return attention.Inputs{
		Q: attention.HostBHSD(in.Q.Data, s.Batch, s.Heads, s.QLen, s.HeadDim),
		K: attention.HostBHSD(in.K.Data, s.Batch, s.KVHeads, s.KVLen, s.HeadDim),
		V: attention.HostBHSD(in.V.Data, s.Batch, s.KVHeads, s.KVLen, s.HeadDim),
	}, nil
}

// runDocument makes the records, verifying the results where asked to.
func (a *app) runDocument(ctx context.Context, f *runFlags, s session, shape attention.Shape, in attention.Inputs, results []result) (report.Document, []string, error) {
	doc := report.Document{Key: "results", Columns: runColumns(f.verify)}
	var failures []string
	for _, r := range results {
		record := runRecord{
			callRecord: newCallRecord(r.mode, s.report(), shape, f.params.p, r.stats),
			TimeMS: timesRecord{
				report.Float(r.stats.TimeMS.Total), report.Float(r.stats.TimeMS.Anchor),
				report.Float(r.stats.TimeMS.Identify), report.Float(r.stats.TimeMS.Attention),
			},
			HostMS:      report.Float(r.stats.HostMS),
			PausedMS:    report.Float(r.stats.PausedMS),
			ratioRecord: newRatioRecord(r.stats),
		}
		if f.verify {
			m, err := a.verifyResult(ctx, f, shape, in, r)
			if err != nil {
				return doc, nil, err
			}
			bad := m.Failures()
			record.verifyRecord = newVerifyRecord(m, bad)
			for _, b := range bad {
				failures = append(failures, r.mode.String()+": "+b)
			}
		}
		doc.Records = append(doc.Records, record)
		doc.Foot += fallbackNote(record.callRecord, record.Fallback)
	}
	r := s.report()
	doc.Foot += fmt.Sprintf("\n%s (%s, %s), %d/%d heads, q %d, kv %d, head_dim %d", r.Name, r.Driver, r.Type, shape.Heads, shape.KVHeads, shape.QLen, shape.KVLen, shape.HeadDim)
	return doc, failures, nil
}

// verifyGroups is how many groups of each head have their stripes compared.
const verifyGroups = 4

func (a *app) verifyResult(ctx context.Context, f *runFlags, shape attention.Shape, in attention.Inputs, r result) (verify.Measures, error) {
	o, err := attention.NewOracle(shape, f.params.p, in.Q, in.K, in.V)
	if err != nil {
		return verify.Measures{}, err
	}
	bar := a.progress("verify "+r.mode.String(), shape.Batch*shape.Heads)
	defer bar.done()
	return verify.Measure(ctx, o, verify.Output{
		Mode: r.ran(), Tier: attention.Tier(r.stats.Tier), O: r.out.O, LSE: r.out.LSE, Stripes: r.out.Stripes,
	}, verify.Sample{
		Rows: verify.Rows(o, f.verifyRows), Groups: verify.Groups(o, verifyGroups),
		Progress: func(done, _ int) { bar.set(done) },
	})
}

// ran is the mode that was computed: dense after a fallback.
func (r result) ran() attention.Mode {
	if r.stats.Fallback != "" {
		return attention.ModeDense
	}
	return r.mode
}
