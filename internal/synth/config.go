// Package synth generates structured queries, keys and values for benchmarks
// and tests: attention inputs with a sink, a local window, stripes that begin
// and end, slash lines and a needle, whose share of stripes is a parameter.
// They say nothing about the quality of any model.
//
// # What is in the vectors
//
// Vectors are made before RoPE and then rotated (theta 500000, element i
// paired with i+dim/2). Pairs of elements have roles, from the slowest
// rotation to the fastest:
//
//	slowest pair        sink: the first 4 keys point along it, every query leans on it
//	next 1 to 6 pairs   topics: each stripe column points along one of them;
//	                    a query points along those that are active at its position
//	next pair           needle: one key, sought by the last 64 queries
//	next 2 pairs        channels of K with a large mean
//	fastest quarter     a direction that turns smoothly with the position: high
//	                    scores for near keys (local window), and, shifted by a
//	                    distance, for the keys that far back (slash lines)
//	all                 isotropic noise, weaker in the sink and topic pairs
//
// Scores fall with distance as RoPE makes them; slow pairs are those that turn
// little over the whole length, so longer inputs have fewer topics. Half of
// the topics (rounded down, at least one) are active at any position, and one
// is replaced every 2048 positions.
//
// # Same bits everywhere
//
// Results depend on the configuration alone: random numbers are PCG streams
// with a seed for every row, functions such as sine are computed here, and
// products are rounded by explicit conversions before they are added, which
// forbids fused multiply-add.
package synth

import (
	"fmt"
	"math"

	"github.com/anchorvk/anchorvk/attention"
)

// Kind is the character of a query head.
type Kind int

const (
	// Stripe heads attend the sink, then stripes.
	Stripe Kind = iota
	// Local heads attend the keys just before the query most.
	Local
	// Diffuse heads spread their weight over many keys.
	Diffuse
	// Adversarial heads have their largest score on a slash line outside sink
	// and window, where pooled queries do not see it.
	Adversarial
)

// String returns the kind's name in lower case.
func (k Kind) String() string {
	names := [...]string{"stripe", "local", "diffuse", "adversarial"}
	if k < 0 || int(k) >= len(names) {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return names[k]
}

// DefaultKinds is the mix of a Config without Kinds.
var DefaultKinds = []Kind{Stripe, Local, Diffuse, Stripe, Stripe, Local, Diffuse, Adversarial}

// Config says what to generate.
type Config struct {
	attention.Shape
	// Seed picks one of the inputs of the same configuration.
	Seed uint64
	// StripeFraction is the share of candidates that are kept as stripes at
	// the default parameters (theta 12, groups of 2048): 0 to 0.5. From 4096
	// positions and head dimension 64 on, the default mix meets it within a
	// tenth and a single head within a fifth.
	StripeFraction float64
	// Kinds are the kinds of the query heads, repeated as needed; nil means
	// DefaultKinds.
	Kinds []Kind
}

// Validate returns an [*attention.ArgumentError] for what cannot be generated.
func (c Config) Validate() error {
	if err := c.Shape.Validate(); err != nil {
		return err
	}
	if math.IsNaN(c.StripeFraction) || c.StripeFraction < 0 || c.StripeFraction > 0.5 {
		return &attention.ArgumentError{Field: "Config.StripeFraction", Problem: fmt.Sprintf("is %v", c.StripeFraction), Try: "use 0 to 0.5, such as 0.05"}
	}
	for i, k := range c.Kinds {
		if k < Stripe || k > Adversarial {
			return &attention.ArgumentError{Field: fmt.Sprintf("Config.Kinds[%d]", i), Problem: fmt.Sprintf("is %d, which is no kind", int(k)), Try: "use Stripe, Local, Diffuse or Adversarial"}
		}
	}
	return nil
}

// KindOf is the kind of query head h.
func (c Config) KindOf(h int) Kind {
	if len(c.Kinds) == 0 {
		return DefaultKinds[h%len(DefaultKinds)]
	}
	return c.Kinds[h%len(c.Kinds)]
}
