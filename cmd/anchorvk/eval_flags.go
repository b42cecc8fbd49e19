package main

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/quality"
	"github.com/anchorvk/anchorvk/internal/rivals"
	"github.com/anchorvk/anchorvk/internal/tensorfile"
)

// evalFlags are the flags of `eval`.
type evalFlags struct {
	inputs, presets                              []string
	layout                                       string
	thetas, steps, blocks, sinks, windows, tails []string
	guards, samples, weights, profiles           []string
	scale                                        float64
	rivalNames, targetText, profileOut           string
	equalShare, byHead, parts, time              bool
	rows                                         int
	generated                                    string
	lengths                                      []int // of generated inputs

	settings []quality.Setting // of AnchorAttention
	rivals   []rivalFlag
	target   *quality.Target
	options  []attention.Head // of the last settings, which --target chooses from
}

// rivalFlag is a rival with the settings asked for.
type rivalFlag struct {
	method rivals.Method
	knobs  []float64
}

func (f *evalFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.inputs, "input", "i", nil, "safetensors `file` with q, k and v; may be repeated, and files may follow without it")
	flags.StringVar(&f.generated, "generated", "", "`lengths` such as 8k,32k,128k of inputs to make up beside the files, 4 heads of 128 as bench does; for --parts")
	flags.StringVar(&f.layout, "layout", "", "`order` of the files' axes: bhsd or bshd, as in run")
	flags.StringSliceVar(&f.presets, "preset", []string{"safe"}, "`names` of parameters: "+strings.Join(attention.Presets(), ", "))
	flags.StringSliceVar(&f.weights, "weight", nil, "least mean probabilities of keys that sampled rows keep, as `shares` of what each would have if all had the same")
	flags.StringSliceVar(&f.thetas, "theta", nil, "`distances` below the anchor at which keys are kept, by pooled rows then, instead of what the preset has; inf and -inf too")
	flags.StringSliceVar(&f.steps, "step", nil, "`blocks` in a group, instead of the preset's")
	flags.StringSliceVar(&f.blocks, "block", nil, "`rows` pooled together, instead of the preset's")
	flags.StringSliceVar(&f.sinks, "sink-blocks", nil, "`blocks` of first keys, instead of the preset's")
	flags.StringSliceVar(&f.windows, "window-blocks", nil, "`blocks` before the group, instead of the preset's")
	flags.StringSliceVar(&f.tails, "tail", nil, "dense `rows` at the end, instead of the preset's")
	flags.StringArrayVar(&f.samples, "sample", nil, "`stride,weight,part` of the rows that choose keys, or off, instead of the preset's; may be repeated")
	flags.StringArrayVar(&f.guards, "guard", nil, "`stride,peak,limit,look` or off, instead of the preset's; may be repeated")
	flags.StringArrayVar(&f.profiles, "profile", nil, "JSON `file` of modes and thetas of heads, measured as one more setting; may be repeated")
	flags.Float64Var(&f.scale, "scale", 0, "`factor` of q.k; 0 is 1/sqrt(head_dim)")
	flags.StringVar(&f.rivalNames, "rivals", "", "`methods` to measure beside, all of them without a value; --rivals=streaming=1024/2048,blasst sets their knobs")
	flags.Lookup("rivals").NoOptDefVal = "all"
	flags.BoolVar(&f.equalShare, "equal-share", false, "set each rival's knob so that it computes the share of the first setting")
	flags.StringVar(&f.targetText, "target", "", "`measure=number` that every head shall reach as cheaply as can be: recall=0.98, miss=0.02 or rel_l2=0.03")
	flags.StringVar(&f.profileOut, "profile-out", "", "`file` to write the profile to that --target finds")
	flags.IntVar(&f.rows, "rows", 1024, "`rows` to sample of each head, evenly spread over at most 64 blocks of 128")
	flags.BoolVar(&f.byHead, "by-head", false, "a line of the table for each head")
	flags.BoolVar(&f.parts, "parts", false, "what computed consists of, for each length: sink, window, group, stripes, guard, tail and dense heads")
	flags.BoolVar(&f.time, "time", false, "run every setting that is no rival on the device too, for its time and whole outputs")
	values(cmd, "layout", string(tensorfile.BHSD), string(tensorfile.BSHD))
	values(cmd, "preset", attention.Presets()...)
	values(cmd, "rivals", rivals.Names()...)
}

// check raises every argument error before a file is touched.
func (f *evalFlags) check(changed func(string) bool, args []string) error {
	for _, arg := range args {
		if arg == "all" || slices.Contains(rivals.Names(), arg) {
			return usage("%q stands apart from its flag; write --rivals=%s", arg, arg)
		}
	}
	f.inputs = append(f.inputs, args...)
	switch {
	case len(f.inputs) == 0 && !changed("generated"):
		return usage("no input; name safetensors files with q, k and v, or make some up with --generated 8k --parts")
	case slices.Contains(f.inputs, ""):
		return usage("the name of an input file is empty")
	case slices.Contains(f.profiles, ""): // a script's variable that is not set
		return usage("--profile needs the name of a file, but it is empty")
	case f.rows < 1:
		return usage("--rows %d samples nothing; use 1 or more", f.rows)
	}
	if err := (&inputFlags{layout: f.layout}).check(); err != nil {
		return err
	}
	if err := f.parseGenerated(changed); err != nil {
		return err
	}
	if err := f.parseTarget(changed); err != nil {
		return err
	}
	if err := f.combine(changed); err != nil {
		return err
	}
	if err := f.parseRivals(changed); err != nil {
		return err
	}
	if f.target != nil && len(f.profiles) > 0 {
		return usage("--profile and --target exclude each other: measure what was found in a second run")
	}
	for _, in := range f.inputs {
		if sameFile(f.profileOut, in) {
			return usage("--profile-out would overwrite the input %s; name another file", in)
		}
	}
	return nil
}

// parseGenerated reads lengths as bench's --seq does.
func (f *evalFlags) parseGenerated(changed func(string) bool) (err error) {
	switch {
	case !changed("generated"):
		return nil
	case !f.parts:
		return usage("--generated is for --parts, the shares of pairs: what is lost of inputs that are made up says nothing; add --parts, or name files")
	case changed("target"):
		return usage("--generated and --target exclude each other: a profile of inputs that are made up is of no model")
	case len(f.inputs) == 0 && f.layout != "":
		return usage("--layout is for files, but none is named")
	}
	if f.lengths, err = parseLengths("--generated", f.generated); err != nil {
		return err
	}
	for _, n := range f.lengths {
		if err := madeUp(n).Validate(); err != nil {
			return usage("--generated %d: %s", n, strings.TrimPrefix(err.Error(), "attention: Shape."))
		}
	}
	return nil
}

// parseRivals reads "all" or a list of name or name=knob/knob.
func (f *evalFlags) parseRivals(changed func(string) bool) error {
	if !changed("rivals") {
		if f.equalShare {
			return usage("--equal-share is for --rivals, which is not given")
		}
		return nil
	}
	known := map[string]rivals.Method{}
	for _, m := range rivals.Methods() {
		known[m.Name] = m
	}
	names := f.rivalNames
	if names == "all" {
		names = strings.Join(rivals.Names(), ",")
	}
	seen := map[string]bool{}
	for _, part := range strings.Split(names, ",") {
		name, list, hasKnobs := strings.Cut(strings.TrimSpace(part), "=")
		m, ok := known[name]
		switch {
		case !ok:
			return usage("--rivals: %q is none; use all or some of %s", name, strings.Join(rivals.Names(), ", "))
		case seen[name]:
			return usage("--rivals: %s is there twice; give it several settings as %s=1/2", name, name)
		case hasKnobs && f.equalShare:
			return usage("--rivals: %s has a setting, which --equal-share would find; leave one of them out", name)
		}
		seen[name] = true
		r := rivalFlag{method: m, knobs: []float64{m.Value}}
		if hasKnobs {
			r.knobs = nil
			for _, text := range strings.Split(list, "/") {
				knob, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
				if err != nil || math.IsNaN(knob) || knob < 0 {
					return usage("--rivals: %q is no %s of %s; use a number from 0 such as %v", text, m.Knob, name, m.Value)
				}
				r.knobs = append(r.knobs, knob)
			}
		}
		f.rivals = append(f.rivals, r)
	}
	return nil
}

// parseTarget reads "recall=0.98", "miss=0.02" or "rel_l2=0.03".
func (f *evalFlags) parseTarget(changed func(string) bool) error {
	if !changed("target") {
		if changed("profile-out") {
			return usage("--profile-out needs --target, which finds what to write")
		}
		return nil
	}
	if f.profileOut == "" && changed("profile-out") {
		return usage("--profile-out needs the name of a file, but it is empty")
	}
	name, text, _ := strings.Cut(f.targetText, "=")
	number, err := strconv.ParseFloat(text, 64)
	switch {
	case !slices.Contains(quality.Targets, name) || err != nil:
		return usage("--target %q is none; use recall=0.98, miss=0.02 or rel_l2=0.03", f.targetText)
	case name == "recall" && !(number > 0 && number <= 1):
		return usage("--target %s: no recall above 0 and up to 1; use recall=0.98", f.targetText)
	case name == "miss" && !(number >= 0 && number < 1):
		return usage("--target %s: no probability from 0 to below 1; use miss=0.02", f.targetText)
	case name == "rel_l2" && !(number >= 0 && number < 1):
		return usage("--target %s: no error from 0 to below 1; use rel_l2=0.03", f.targetText)
	}
	f.target = &quality.Target{Measure: name, Value: number}
	if len(f.presets) != 1 {
		return usage("--target chooses for one preset; give --preset one name")
	}
	for _, axis := range []string{"step", "block", "sink-blocks", "window-blocks", "tail", "sample", "guard"} {
		if changed(axis) {
			return usage("--%s and --target exclude each other: a profile has a preset, and modes, thetas and weights of heads", axis)
		}
	}
	return nil
}

// maxWorkers is how many heads may be held in higher precision at once.
func maxWorkers() float64 { return float64(runtime.GOMAXPROCS(0)) }

// evalLabel names a setting by its preset and what differs from it.
func evalLabel(preset string, own []string) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s", preset, strings.Join(own, " ")))
}
