// Package profile reads and writes what suits the heads of one model: which of
// them are dense, which have a theta of their own, which need no stripes. The
// command `anchorvk eval --target` finds profiles; a program hands one to
// [attention.Params] layer by layer:
//
//	p, err := profile.Load("model.json")
//	params, err := p.Params(layer, heads) // heads of the model's layers
//
// A profile is a JSON object:
//
//	{"schema": 1, "model": "SmolLM2-135M-Instruct", "preset": "safe", "heads": [
//	  {"layer": 2, "head": 0, "theta": 8},
//	  {"layer": 17, "head": 3, "mode": "dense"},
//	  {"layer": 17, "head": 4, "mode": "anchor_only"}]}
//
// Layers and query heads count from 0. Heads that are not listed are computed
// as the preset says.
package profile

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/anchorvk/anchorvk/attention"
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

// Validate returns an [*Error] for the first thing that [Parse] would refuse.
func (p *Profile) Validate() error {
	if !slices.Contains(attention.Presets(), p.Preset) {
		return &Error{Where: "preset", Why: fmt.Sprintf("%q is none; use one of %s", p.Preset, strings.Join(attention.Presets(), ", "))}
	}
	seen := map[[2]int]int{}
	for i, h := range p.Heads {
		where := fmt.Sprintf("heads[%d]", i)
		if why := h.problem(); why != "" {
			return &Error{Where: where, Why: why}
		}
		at := [2]int{h.Layer, h.Head}
		if first, twice := seen[at]; twice {
			return &Error{Where: where, Why: fmt.Sprintf("layer %d head %d is there already, as heads[%d]; leave one of them out", h.Layer, h.Head, first)}
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
		if math.IsNaN(h.Own.Theta) || math.IsInf(h.Own.Theta, 0) {
			return fmt.Sprintf("theta %v is no finite number; use one such as 8, or mode dense or anchor_only", h.Own.Theta)
		}
	case attention.HeadDense, attention.HeadAnchorOnly:
		if h.Own.Theta != 0 {
			return fmt.Sprintf("mode %v has no theta; leave theta out", h.Own.Mode)
		}
	default:
		return fmt.Sprintf("mode %v is none; use anchor, dense or anchor_only", h.Own.Mode)
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
			return nil, &Error{Where: fmt.Sprintf("heads[%d]", i), Why: fmt.Sprintf("layer %d has %d query heads, but head %d is named; the profile is of another model (%q)", layer, heads, h.Head, p.Model)}
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
		return params, &Error{Where: "preset", Why: err.Error()}
	}
	params.Heads, err = p.For(layer, heads)
	return params, err
}

// CheckLayers returns an [*Error] when the profile names a layer that a model
// with so many layers lacks.
func (p *Profile) CheckLayers(layers int) error {
	for i, h := range p.Heads {
		if h.Layer >= layers {
			return &Error{Where: fmt.Sprintf("heads[%d]", i), Why: fmt.Sprintf("the model has %d layers, but layer %d is named; the profile is of another model (%q)", layers, h.Layer, p.Model)}
		}
	}
	return nil
}
