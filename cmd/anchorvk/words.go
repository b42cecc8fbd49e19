package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/vk"
)

// The library names its own options, as programs that embed it set them. Here
// its texts get the words of the command line.

// flagOf names the flag that sets a field of the library.
var flagOf = map[string]string{
	"Params.Theta": "--theta", "Params.Step": "--step", "Params.Block": "--block",
	"Params.SinkBlocks": "--sink-blocks", "Params.WindowBlocks": "--window-blocks", "Params.Scale": "--scale",
	"Params.Tail": "--tail", "Params.Guard.Stride": "--guard stride", "Params.Guard.Peak": "--guard peak", "Params.Guard.Limit": "--guard limit", "Params.Guard.Look": "--guard look",
	"Params.Sample.Stride": "--sample stride", "Params.Sample.Weight": "--weight", "Params.Sample.Part": "--sample part",
	"Shape.Batch": "--batch", "Shape.Heads": "--heads", "Shape.KVHeads": "--kv-heads",
	"Shape.QLen": "--seq", "Shape.KVLen": "--seq", "Shape.HeadDim": "--head-dim",
	"Config.StripeFraction": "--stripes",
}

// variableOf names what stands in the command for an option of the library that
// no flag sets. Reports and plans have such names too, beside errors.
var variableOf = map[string]string{
	"PlanOptions.Tier": "ANCHORVK_TIER", "PlanOptions.SliceMS": "ANCHORVK_SLICE_MS", "PlanOptions.Tuning": "ANCHORVK_TUNING",
	"Options.Device": "ANCHORVK_DEVICE", "Options.Disable": "Options.Disable or ANCHORVK_DISABLE",
	"Plan.String": "--explain", "attention.Tiers": "anchorvk devices",
}

// dotted is a name of the library in a text.
var dotted = regexp.MustCompile(`\b[A-Za-z]+(?:\.[A-Z][A-Za-z]*)+\b`)

// inWords puts other names in the place of the library's. A text goes through
// it once: what it gives may hold a name of the library.
func inWords(text string, names map[string]string) string {
	return dotted.ReplaceAllStringFunc(text, func(name string) string {
		if other, ok := names[name]; ok {
			return other
		}
		return name
	})
}

// message is the error's text in the words of the command line.
func message(err error) string {
	var argument *attention.ArgumentError
	var limit *vk.LimitError
	switch {
	case errors.As(err, &argument):
		return inVariables(translate(argument, flagOf))
	case errors.As(err, &limit):
		return inVariables(inWords(err.Error(), flagOf))
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case ofDevice(err):
		return inVariables(err.Error())
	}
	return err.Error()
}

// ofDevice says whether an error is the library's about a device. The text of
// another may hold anything, such as the name of a file.
func ofDevice(err error) bool {
	var (
		none    *vk.NoDeviceError
		feature *vk.FeatureError
		lost    *vk.DeviceLostError
		timeout *vk.TimeoutError
	)
	return errors.As(err, &none) || errors.As(err, &feature) || errors.As(err, &lost) || errors.As(err, &timeout)
}

// inVariables is a text of the library in the words of the environment.
func inVariables(text string) string { return inWords(text, variableOf) }

// translate says what is wrong with an argument, with the library's names of
// fields replaced by others.
func translate(e *attention.ArgumentError, names map[string]string) string {
	return inWords(fmt.Sprintf("%s %s; %s", e.Field, e.Problem, e.Try), names)
}

// inLog is an attribute of the log, where errors of the library are as messages.
func inLog(_ []string, a slog.Attr) slog.Attr {
	if err, ok := a.Value.Any().(error); ok && ofDevice(err) {
		a.Value = slog.StringValue(inVariables(err.Error()))
	}
	return a
}

// tiers lists the kernel tiers, best first, and why a device does not pass.
func (a *app) tiers(r *vk.Report) []tierRecord {
	all := a.backend.tiers(r)
	for i := range all {
		all[i].Why = inVariables(all[i].Why)
	}
	return all
}

// reportInWords is a report whose reasons for missing features name variables.
// Tiers are found from the report as it was.
func reportInWords(r vk.Report) vk.Report {
	r.Why = maps.Clone(r.Why)
	for feature, why := range r.Why {
		r.Why[feature] = inVariables(why)
	}
	return r
}

// planInWords is a plan to print, whose reasons name variables.
func planInWords(p *attention.Plan) *attention.Plan {
	q := *p
	q.Refused, q.Tuning.From, q.Tuning.Why = inVariables(p.Refused), inVariables(p.Tuning.From), inVariables(p.Tuning.Why)
	return &q
}

// printable shows the control characters of names in a file as escapes, so
// that they cannot steer a terminal.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}
