package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anchorvk/anchorvk/attention/profile"
	"github.com/anchorvk/anchorvk/internal/plural"
	"github.com/anchorvk/anchorvk/internal/quality"
)

// otherModels says once for each model in the metadata of captures that it is not
// the profile's, where both have a name.
func otherModels(path string, p *profile.Profile, captures ...quality.Capture) (notes []string) {
	seen := map[string]bool{p.Model: true, "": true}
	for _, c := range captures {
		if p.Model != "" && !seen[c.Model] {
			notes = append(notes, fmt.Sprintf("--profile %s is of model %q, but %s is of %q: what suits the heads of the one may not suit the other's", path, p.Model, c.Path, c.Model))
		}
		seen[c.Model] = true
	}
	return notes
}

// unused says which heads of a profile no capture has, "" where each is used. A
// few captures of a model are measured with its whole profile, so that this is no
// error.
func unused(path string, p *profile.Profile, captures []quality.Capture) string {
	var left []profile.Head
	for _, h := range p.Heads {
		if !slices.ContainsFunc(captures, func(c quality.Capture) bool { return c.Holds(h.Layer, h.Head) }) {
			left = append(left, h)
		}
	}
	switch {
	case len(p.Heads) == 0:
		return fmt.Sprintf("--profile %s names no heads: it is measured as preset %s", path, p.Preset)
	case len(left) == len(p.Heads):
		return fmt.Sprintf("--profile %s names none of the heads in the files, as layer %d head %d is in none (both count from 0): it is measured as preset %s", path, left[0].Layer, left[0].Head, p.Preset)
	case len(left) > 0:
		return fmt.Sprintf("--profile %s names %s not in the files, such as layer %d head %d (both count from 0): what is measured leaves them out", path, plural.Of(len(left), "head that is", "heads that are"), left[0].Layer, left[0].Head)
	}
	return ""
}

// profileNotes say where the profiles among the settings do not fit the captures.
func (f *evalFlags) profileNotes(captures []quality.Capture) (notes []string) {
	place := len(f.settings) - len(f.profiles) // addProfiles appends them
	for i, path := range f.profiles {
		p := f.settings[place+i].Profile
		notes = append(notes, otherModels(path, p, captures...)...)
		if note := unused(path, p, captures); note != "" {
			notes = append(notes, note)
		}
	}
	return notes
}

// listOf writes numbers with commas.
func listOf(numbers []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ", "), "[]")
}
