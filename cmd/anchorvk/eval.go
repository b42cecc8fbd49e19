package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/atomicfile"
	"github.com/anchorvk/anchorvk/internal/quality"
	"github.com/anchorvk/anchorvk/internal/rivals"
	"github.com/anchorvk/anchorvk/internal/synth"
)

func (a *app) evalCommand() *cobra.Command {
	f := &evalFlags{}
	cmd := &cobra.Command{
		Use:   "eval capture.safetensors ...",
		Short: "Measure what sparse attention loses on captured heads, beside rivals",
		Long: `Measure, on files with q, k and v of a model's layers, what AnchorAttention keeps
and loses of each query head, with exact attention of sampled rows on the CPU:

  recall       probability of full attention on kept keys, mean over rows
  peaked miss  the same on keys not kept that have 0.01 or more each
  rel L2       ||out - dense|| / ||dense||
  computed     kept (row, key) pairs / causal pairs
  selection    what the choice of keys costs, in the same unit

--preset, --theta, --step, --block, --sink-blocks, --window-blocks and --tail take
lists, --guard can be repeated: every combination is a setting. --rivals adds
other methods, re-implemented from their papers; with --equal-share each computes
the share of the first setting. The metadata model, layer, heads and kv_heads of
a file name what is in it; without them files and heads are numbered.

--parts prints what the computed pairs are: those of the sink, of the window before
the group, of the group's own keys, of stripes, of what the guard adds, of what
only the tail attends, and of dense heads. A pair is counted once, in that order.
--generated makes up inputs of lengths that no file has.

--target finds for each head the cheapest of dense, anchor at a theta of the list
and anchor_only that reaches a recall, or stays below a peaked miss or rel L2, in
all of the head's captures; --profile-out writes them as a profile.`,
		Example: `  anchorvk eval capture.safetensors --preset paper,safe
  anchorvk eval layers/*.safetensors --theta 6,8,10 --step 2,4 --json
  anchorvk eval capture.safetensors --rivals --equal-share
  anchorvk eval layers/*.safetensors --target rel_l2=0.03 --profile-out model.json
  anchorvk eval other/*.safetensors --profile model.json
  anchorvk eval capture.safetensors --generated 32k,128k --preset safe,lean --parts`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd.Flags().Changed, args); err != nil {
				return err
			}
			return a.eval(cmd.Context(), f)
		},
	}
	f.add(cmd)
	return cmd
}

// eval is `eval` after its flags are checked.
func (a *app) eval(ctx context.Context, f *evalFlags) error {
	if err := f.addProfiles(); err != nil {
		return err
	}
	captures, err := f.captures(ctx)
	if err != nil {
		return err
	}
	a.warn(f.profileNotes(captures))
	var out *atomicfile.File
	if f.profileOut != "" { // opened now: a directory that cannot be written to is known before the work
		if out, err = atomicfile.Create(f.profileOut); err != nil {
			return err
		}
		defer out.Abort()
	}
	var s *evalDevice
	if f.time {
		if s, err = a.openEvalDevice(); err != nil {
			return err
		}
		defer a.closeSession(s.session)
	}
	settings := f.settings
	if len(f.rivals) > 0 {
		knobs, err := a.knobs(ctx, f, captures)
		if err != nil {
			return err
		}
		settings = slices.Concat(settings, knobs)
	}
	e := evaluation{flags: f, settings: settings}
	if f.target != nil {
		if e.search, err = quality.NewSearch(*f.target, f.presets[0], f.options); err != nil {
			return err
		}
	}
	heads := 0
	for _, c := range captures {
		heads += c.Shape.Batch * c.Shape.Heads
	}
	bar := a.progress("eval", float64(heads))
	defer bar.done()
	for _, c := range captures {
		if err := a.evalFile(ctx, &e, c, s, bar); err != nil {
			return err
		}
	}
	bar.done()
	if err := e.finish(captures); err != nil {
		return err
	}
	if err := e.document(a.format).Write(a.stdout, a.format); err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	text, err := e.profile.Encode()
	if err != nil {
		return err
	}
	if _, err := out.Write(text); err != nil {
		return err
	}
	return out.Commit()
}

// captures reads the headers of all files, so that what is wrong with any is
// known before work begins, and adds the generated inputs.
func (f *evalFlags) captures(ctx context.Context) ([]quality.Capture, error) {
	all := make([]quality.Capture, len(f.inputs), len(f.inputs)+len(f.lengths))
	for i, path := range f.inputs {
		file, err := f.open(ctx, path)
		if err != nil {
			return nil, err
		}
		all[i], err = quality.Describe(file.File, path, file.shape, i)
		_ = file.Close()
		if err != nil {
			return nil, err
		}
	}
	for _, n := range f.lengths {
		c := quality.Capture{Path: fmt.Sprintf("generated %d", n), Layer: len(all), Shape: madeUp(n).Shape, Generated: true}
		for h := range c.Shape.Heads {
			c.Heads = append(c.Heads, h)
		}
		all = append(all, c)
	}
	if f.profileOut == "" {
		return all, nil
	}
	for _, c := range all {
		if c.Model != all[0].Model {
			return nil, fmt.Errorf("%s is of model %q, but %s of %q; a profile is of one model", c.Path, c.Model, all[0].Path, all[0].Model)
		}
	}
	return all, nil
}

func (f *evalFlags) open(ctx context.Context, path string) (*inputFile, error) {
	return (&inputFlags{path: path, layout: f.layout}).open(ctx)
}

// load reads the tensors of a capture, or makes them.
func (a *app) load(ctx context.Context, f *evalFlags, c quality.Capture) (quality.Input, error) {
	s := c.Shape
	copies := 16*float64(s.KVLen)*float64(s.HeadDim)*maxWorkers() + 12*float64(s.KVLen)*float64(s.HeadDim)
	if c.Generated {
		if err := a.fits(c.Path+": the tensors and copies in higher precision", inputBytes(s)+copies); err != nil {
			return quality.Input{}, err
		}
		q, k, v, err := synth.Generate(madeUp(s.KVLen))
		return quality.Input{Capture: c, Q: q, K: k, V: v}, err
	}
	file, err := f.open(ctx, c.Path)
	if err != nil {
		return quality.Input{}, err
	}
	defer func() { _ = file.Close() }()
	if err := a.fits(c.Path+": the tensors and copies in higher precision", inputBytes(s)+copies+file.extraBytes()); err != nil {
		return quality.Input{}, err
	}
	in, odd, err := file.load()
	for _, text := range odd {
		a.warn([]string{c.Path + ": " + text})
	}
	return quality.Input{Capture: c, Q: in.Q, K: in.K, V: in.V}, err
}

// evalFile measures every head of a file.
func (a *app) evalFile(ctx context.Context, e *evaluation, c quality.Capture, device *evalDevice, bar *progress) error {
	in, err := a.load(ctx, e.flags, c)
	if err != nil {
		return err
	}
	evaluator, err := quality.NewEvaluator(in, e.settings, e.flags.rows)
	if err != nil {
		return err
	}
	timed, err := a.timeSettings(ctx, device, in, e.settings)
	if err != nil {
		return err
	}
	scale := attention.Params{Scale: e.flags.scale}.ScaleFor(c.Shape.HeadDim)
	for batch := range c.Shape.Batch {
		for head := range c.Shape.Heads {
			measured, err := evaluator.Head(ctx, scale, batch, head)
			if err != nil {
				return err
			}
			e.add(c, batch, head, measured, timed, evaluator.Rows())
			bar.add(1)
		}
	}
	return nil
}

// knobs are the rivals as settings. Where they shall compute what the first
// setting does, every capture is looked at beforehand.
func (a *app) knobs(ctx context.Context, f *evalFlags, captures []quality.Capture) ([]quality.Setting, error) {
	if !f.equalShare {
		var all []quality.Setting
		for _, r := range f.rivals {
			for _, knob := range r.knobs {
				all = append(all, rivalSetting(r.method, knob))
			}
		}
		return all, nil
	}
	methods := make([]rivals.Method, len(f.rivals))
	for i, r := range f.rivals {
		methods[i] = r.method
	}
	curves := quality.NewCurves(methods)
	share, heads := 0.0, 0
	bar := a.progress("equal share", float64(len(captures)))
	defer bar.done()
	for _, c := range captures {
		in, err := a.load(ctx, f, c)
		if err != nil {
			return nil, err
		}
		evaluator, err := quality.NewEvaluator(in, f.settings[:1], f.rows)
		if err != nil {
			return nil, err
		}
		scale := attention.Params{Scale: f.scale}.ScaleFor(c.Shape.HeadDim)
		for batch := range c.Shape.Batch {
			for head := range c.Shape.Heads {
				m, err := evaluator.Head(ctx, scale, batch, head)
				if err != nil {
					return nil, err
				}
				share, heads = share+m[0].Share(), heads+1
				if err := curves.Add(ctx, in, scale, batch, head, f.rows); err != nil {
					return nil, err
				}
			}
		}
		bar.add(1)
	}
	all := make([]quality.Setting, len(methods))
	for i, m := range methods {
		all[i] = rivalSetting(m, curves.At(i, share/float64(heads)))
	}
	return all, nil
}

func rivalSetting(m rivals.Method, knob float64) quality.Setting {
	return quality.Setting{Name: fmt.Sprintf("%s %s=%.4g", m.Name, m.Knob, knob), Method: &m, Knob: knob}
}
