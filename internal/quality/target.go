package quality

import (
	"fmt"
	"math"
	"sort"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/profile"
)

// Target is what every head shall reach.
type Target struct {
	Measure string // one of Targets
	Value   float64
}

// Targets are the measures that a target may name.
var Targets = []string{"recall", "miss", "rel_l2"}

// Met says whether measures reach the target: at least the recall, at most the
// peaked miss or rel L2. Measures that are NaN do not.
func (t Target) Met(m Measures) bool {
	switch t.Measure {
	case "recall":
		return m.RecallMass >= t.Value
	case "miss":
		return m.PeakedMiss <= t.Value
	}
	return m.RelL2 <= t.Value
}

// String is the target as `--target` takes it.
func (t Target) String() string { return fmt.Sprintf("%s=%v", t.Measure, t.Value) }

// At names a query head of a model.
type At struct{ Layer, Head int }

// Search finds the cheapest option that meets a target in every sample of a
// head.
type Search struct {
	target  Target
	preset  string
	anyway  attention.Head // what the preset does
	options []attention.Head
	heads   map[At]*tried
}

// tried holds, for each option of a head, whether it met the target in every
// sample so far, and the sum of its shares.
type tried struct {
	met   []bool
	share []float64
}

// NewSearch returns an empty search for heads of a preset. The last option is
// taken where none meets the target: dense, which always does unless the
// tensors hold NaN.
func NewSearch(t Target, preset string, options []attention.Head) (*Search, error) {
	base, err := attention.Preset(preset)
	if err != nil {
		return nil, err
	}
	anyway := attention.Head{Mode: attention.HeadAnchor, Theta: base.Theta}
	if base.Sample.On() {
		anyway = attention.Head{Mode: attention.HeadAnchor, Weight: base.Sample.Weight}
	}
	return &Search{target: t, preset: preset, anyway: anyway, options: options, heads: map[At]*tried{}}, nil
}

// Add notes what the options measured on one sample of a head.
func (s *Search) Add(at At, measured []Measures) {
	h := s.heads[at]
	if h == nil {
		h = &tried{met: make([]bool, len(s.options)), share: make([]float64, len(s.options))}
		for i := range h.met {
			h.met[i] = true
		}
		s.heads[at] = h
	}
	for i, m := range measured {
		h.met[i] = h.met[i] && s.target.Met(m)
		h.share[i] += m.Share()
	}
}

// Best returns the index of the option chosen for a head; of equals what the
// preset does, or the first.
func (s *Search) Best(at At) int {
	h, best, least := s.heads[at], len(s.options)-1, math.Inf(1)
	for i, met := range h.met {
		if met && (h.share[i] < least || h.share[i] == least && s.options[i] == s.anyway) {
			best, least = i, h.share[i]
		}
	}
	return best
}

// Profile lists the heads that need something else than the preset, by layer
// and head.
func (s *Search) Profile(model string) (*profile.Profile, error) {
	p := &profile.Profile{Model: model, Preset: s.preset, Heads: []profile.Head{}}
	for at := range s.heads {
		own := s.options[s.Best(at)]
		if own == s.anyway {
			continue
		}
		p.Heads = append(p.Heads, profile.Head{Layer: at.Layer, Head: at.Head, Own: own})
	}
	sort.Slice(p.Heads, func(i, j int) bool {
		a, b := p.Heads[i], p.Heads[j]
		return a.Layer < b.Layer || a.Layer == b.Layer && a.Head < b.Head
	})
	return p, p.Validate()
}
