// Package profile reads and writes what suits the heads of one model: which of
// them are dense, which have a theta or a weight of their own, which need no
// stripes. The command `anchorvk eval --target` finds profiles; a program hands
// one to [attention.Params] layer by layer:
//
//	p, err := profile.Load("model.json")
//	err = p.Check(layers, heads)          // of the model, before anything is computed
//	params, err := p.Params(layer, heads) // for attention.Problem
//
// A profile is a JSON object:
//
//	{"schema": 1, "model": "SmolLM2-135M-Instruct", "preset": "safe", "heads": [
//	  {"layer": 2, "head": 0, "theta": 8},
//	  {"layer": 2, "head": 1, "weight": 0.1},
//	  {"layer": 17, "head": 3, "mode": "dense"},
//	  {"layer": 17, "head": 4, "mode": "anchor_only"}]}
//
// Layers and query heads count from 0. Heads that are not listed are computed
// as the preset says. A theta leaves a head's stripes to pooled rows, a weight to
// the preset's sampled rows: preset paper has none, so that it takes no weights.
package profile

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/plural"
)

// Schema is the version of the format.
const Schema = 1

// maxIndex bounds layers and heads; no model has as many.
const maxIndex = 1 << 20

// Profile is a preset and what single heads of a model have of their own.
type Profile struct {
	// Model says in words whose heads these are. It may be empty.
	Model string
	// Preset is a name that [attention.Preset] knows.
	Preset string
	// Heads in the order of the file; no (layer, head) is there twice.
	Heads []Head

	path string // of the file that it was loaded from, for errors
}

// Head is one query head of one layer, both counted from 0.
type Head struct {
	Layer, Head int
	// Own is what it has of its own; never the zero value.
	Own attention.Head
}

// Error says what is wrong with a profile, and where.
type Error struct {
	Path  string // file, "" when it did not come from one
	Where string // "heads[3]", or "" for the profile as a whole
	Why   string // what is wrong, and what to try
}

func (e *Error) Error() string {
	var parts []string
	for _, part := range []string{e.Path, e.Where, e.Why} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return "profile: " + strings.Join(parts, ": ")
}

// wrong is an error of the profile that names its file.
func (p *Profile) wrong(where, format string, args ...any) *Error {
	return &Error{Path: p.path, Where: where, Why: fmt.Sprintf(format, args...)}
}

// ofAnother says whose heads the profile names, where they do not fit.
func (p *Profile) ofAnother() string {
	if p.Model == "" {
		return "the profile is of another model"
	}
	return fmt.Sprintf("the profile is of another model (%q)", p.Model)
}

// Validate returns an [*Error] for the first thing that [Parse] would refuse.
func (p *Profile) Validate() error {
	if !slices.Contains(attention.Presets(), p.Preset) {
		return p.wrong("preset", "%q is none; use one of %s", p.Preset, strings.Join(attention.Presets(), ", "))
	}
	seen := map[[2]int]int{}
	for i, h := range p.Heads {
		where := fmt.Sprintf("heads[%d]", i)
		if why := h.problem(); why != "" {
			return p.wrong(where, "%s", why)
		}
		at := [2]int{h.Layer, h.Head}
		if first, twice := seen[at]; twice {
			return p.wrong(where, "layer %d head %d is there already, as heads[%d]; leave one of them out", h.Layer, h.Head, first)
		}
		seen[at] = i
	}
	return nil
}

// problem says what is wrong with an entry, "" for nothing.
func (h Head) problem() string {
	switch {
	case h.Layer < 0 || h.Layer >= maxIndex:
		return fmt.Sprintf("layer %d is out of range; layers count from 0", h.Layer)
	case h.Head < 0 || h.Head >= maxIndex:
		return fmt.Sprintf("head %d is out of range; query heads count from 0", h.Head)
	}
	switch h.Own.Mode {
	case attention.HeadAnchor:
		if h.Own.Weight != 0 {
			return weightProblem(h.Own)
		}
		if math.IsNaN(h.Own.Theta) || math.IsInf(h.Own.Theta, 0) {
			return fmt.Sprintf("theta %v is no finite number; use one such as 8, or mode dense or anchor_only", h.Own.Theta)
		}
	case attention.HeadDense, attention.HeadAnchorOnly:
		if h.Own.Theta != 0 {
			return fmt.Sprintf("mode %v has no theta; leave theta out", h.Own.Mode)
		}
		if h.Own.Weight != 0 {
			return fmt.Sprintf("mode %v has no weight; leave weight out", h.Own.Mode)
		}
	default:
		return fmt.Sprintf("mode %v is none; use anchor, dense or anchor_only", h.Own.Mode)
	}
	return ""
}

// weightProblem says what is wrong with a head's weight where sampled rows use
// it, "" for nothing.
func weightProblem(own attention.Head) string {
	if own.Theta != 0 {
		return "has both theta and weight; pooled rows use the one, sampled rows the other"
	}
	params := attention.DefaultParams()
	params.Sample, params.Heads = attention.Sample{Stride: 1, Weight: 1}, []attention.Head{own}
	var wrong *attention.ArgumentError
	if errors.As(params.Validate(), &wrong) {
		return "weight " + wrong.Problem + "; " + wrong.Try
	}
	return ""
}

// For returns the entries of [attention.Params.Heads] for one layer with so
// many query heads, nil when none of them has anything of its own. A profile
// that names a head which the layer lacks is an [*Error]: it was made for
// another model.
func (p *Profile) For(layer, heads int) ([]attention.Head, error) {
	var own []attention.Head
	for i, h := range p.Heads {
		if h.Layer != layer {
			continue
		}
		if h.Head < 0 || h.Head >= heads {
			return nil, p.wrong(fmt.Sprintf("heads[%d]", i), "layer %d has %s, but head %d is named; %s", layer, plural.Of(heads, "query head", "query heads"), h.Head, p.ofAnother())
		}
		if own == nil {
			own = make([]attention.Head, heads)
		}
		own[h.Head] = h.Own
	}
	return own, nil
}

// Params returns the preset's parameters with the layer's heads as For has
// them.
func (p *Profile) Params(layer, heads int) (attention.Params, error) {
	params, err := attention.Preset(p.Preset)
	if err != nil {
		return params, p.wrong("preset", "%v", err)
	}
	params.Heads, err = p.For(layer, heads)
	return params, err
}

// Check returns an [*Error] for the first entry that a model with so many layers
// of so many query heads cannot use: its layer or head is none of the model's, or
// it has a weight where the preset samples no rows. It computes nothing, and is to
// be called once for a model: [Profile.Params] sees one layer only.
func (p *Profile) Check(layers, heads int) error {
	params, err := attention.Preset(p.Preset)
	if err != nil {
		return p.wrong("preset", "%v", err)
	}
	for i, h := range p.Heads {
		var why string
		switch {
		case h.Layer >= layers:
			why = fmt.Sprintf("the model has %s, but layer %d is named; %s", plural.Of(layers, "layer", "layers"), h.Layer, p.ofAnother())
		case h.Head >= heads:
			why = fmt.Sprintf("the model has %s, but head %d is named; %s", plural.Of(heads, "query head", "query heads"), h.Head, p.ofAnother())
		case h.Own.Weight != 0 && !params.Sample.On():
			why = fmt.Sprintf("weight %v is of sampled rows, and preset %s has none; use a theta, or a preset such as safe", h.Own.Weight, p.Preset)
		default:
			continue
		}
		return p.wrong(fmt.Sprintf("heads[%d]", i), "%s", why)
	}
	return p.Validate()
}

// String says in a line what the profile holds: "profile of SmolLM2 on preset
// safe: heads with a way of their own: 3 in 2 layers (anchor 1, dense 2)".
func (p *Profile) String() string {
	layers, modes := map[int]bool{}, map[attention.HeadMode]int{}
	for _, h := range p.Heads {
		layers[h.Layer] = true
		modes[h.Own.Mode]++
	}
	text := "profile"
	if p.Model != "" {
		text += " of " + p.Model
	}
	text += " on preset " + p.Preset
	if len(p.Heads) == 0 {
		return text + ": no head has a way of its own"
	}
	var parts []string
	for _, mode := range []attention.HeadMode{attention.HeadAnchor, attention.HeadDense, attention.HeadAnchorOnly} {
		if modes[mode] > 0 {
			parts = append(parts, fmt.Sprintf("%v %d", mode, modes[mode]))
		}
	}
	return fmt.Sprintf("%s: heads with a way of their own: %d in %d layers (%s)", text, len(p.Heads), len(layers), strings.Join(parts, ", "))
}
