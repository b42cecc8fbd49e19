package tune

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/stat"
	"github.com/anchorvk/anchorvk/internal/tuning"
)

// candidate is a choice that is being measured.
type candidate struct {
	choice tuning.Choice
	plans  map[attention.Mode]*attention.Plan
	ratios []float64 // of pairs with what it is compared with
	best   []float64 // shortest times, one for each mode
	lead   float64   // of the shortest times over the other's
	trial  Trial
}

// time measures a candidate's kernels once in each of their modes.
func (w *Sweep) time(ctx context.Context, c *candidate, kernels string) ([]float64, error) {
	var all []float64
	for _, mode := range w.modesOf(kernels) {
		t, err := w.kernelMS(ctx, c.plans[mode], kernels)
		if err != nil {
			return nil, err
		}
		all = append(all, max(t, 1e-6)) // a clock may be too coarse to see it
	}
	return all, nil
}

// speedup is the geometric mean over the modes of how many times faster the
// second is.
func speedup(before, after []float64) float64 {
	sum := 0.0
	for i := range before {
		sum += math.Log(before[i] / after[i])
	}
	return math.Exp(sum / float64(len(before)))
}

// hopeless is the ratio below which a candidate is measured no further.
const hopeless = 0.8

// wins says whether a candidate is ahead by a share: in the median of the
// pairs and in the shortest times, which other work on the machine disturbs
// the least, and at all in three quarters of the pairs.
func (c *candidate) wins(share float64) bool {
	ahead := 0
	for _, r := range c.ratios {
		if r > 1 {
			ahead++
		}
	}
	return len(c.ratios) > 0 && stat.Median(c.ratios) >= 1+share && c.lead >= 1+share && 4*ahead >= 3*len(c.ratios)
}

// shortest keeps the lower times.
func shortest(best, times []float64) []float64 {
	if best == nil {
		return slices.Clone(times)
	}
	for i, t := range times {
		best[i] = min(best[i], t)
	}
	return best
}

// race measures candidates in turn with the current choice, so that what
// drifts hits all alike. The first turn is not counted.
func (w *Sweep) race(ctx context.Context, current *candidate, rivals []*candidate, kernels string, repetitions int, step func()) error {
	running := slices.Clone(rivals)
	for repetition := range repetitions + 1 {
		if repetition > 1 && len(rivals) > 1 && time.Now().After(w.Deadline) {
			break // with fewer samples
		}
		before, err := w.time(ctx, current, kernels)
		if err != nil {
			return err
		}
		current.best = shortest(current.best, before)
		left := running[:0]
		for _, c := range running {
			after, err := w.time(ctx, c, kernels)
			if err != nil {
				return err
			}
			step()
			c.best = shortest(c.best, after)
			c.lead = speedup(current.best, c.best)
			if repetition > 0 {
				c.ratios = append(c.ratios, speedup(before, after))
			}
			if c.lead >= hopeless || repetition == 0 || len(rivals) == 1 {
				left = append(left, c)
			}
		}
		running = left
	}
	return nil
}

// judge gives a measured candidate its verdict, and says whether it wins.
func (c *candidate) judge(share float64) bool {
	c.trial.Ratios, c.trial.Lead, c.trial.Verdict = c.ratios, c.lead, Slower
	if !c.wins(share) {
		return false
	}
	c.trial.Verdict = Faster
	return true
}
