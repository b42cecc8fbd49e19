// Package quality measures what sparse attention loses on captured tensors:
// AnchorAttention with any parameters, and the methods of internal/rivals, in
// one engine on the CPU, with full attention of sampled rows beside it.
package quality

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/rivals"
)

// Peak is the probability from which a missed key counts in the peaked miss.
const Peak = 0.01

// Measures say what one setting keeps and loses of one head, over the sampled
// rows.
type Measures struct {
	// RecallMass is the mean over rows of the full-attention probability on
	// kept keys.
	RecallMass float64
	// PeakedMiss is the mean over rows of the probability on keys that are not
	// kept and have at least Peak each.
	PeakedMiss float64
	// RelL2 is ||out-dense||/||dense|| over all rows.
	RelL2 float64
	// ComputedRatio is kept pairs / causal pairs: of the rows, and of the whole
	// head where Parts says more.
	ComputedRatio float64
	// Parts are the shares that ComputedRatio is the sum of; nil for rivals.
	Parts *oracle.Parts
	// SelectionRatio is what the choice costs, in pairs / causal pairs.
	SelectionRatio float64
	// LookRatio is the share of it that the guard's second looks take, in the
	// same unit.
	LookRatio float64
	// GuardedRatio is the share of the groups with candidates that the guard
	// filled.
	GuardedRatio float64
}

// Share is all that is computed: kept pairs and their choice.
func (m Measures) Share() float64 { return m.ComputedRatio + m.SelectionRatio }

// sums gather rows of one setting.
type sums struct {
	recall, missed, err, norm float64
	kept, causal, means       float64
}

func (s *sums) add(o sums) {
	s.recall += o.recall
	s.missed += o.missed
	s.err += o.err
	s.norm += o.norm
	s.kept += o.kept
	s.causal += o.causal
	s.means += o.means
}

func (s sums) finish(rows int, c rivals.Choice, causalOfHead float64) Measures {
	m := Measures{
		RecallMass: s.recall / float64(rows), PeakedMiss: s.missed / float64(rows),
		ComputedRatio:  (s.kept + s.means) / s.causal,
		SelectionRatio: c.Selection / causalOfHead, LookRatio: c.Look / causalOfHead,
	}
	if c.Parts != nil {
		shares := c.Parts.Times(1 / causalOfHead)
		m.ComputedRatio, m.Parts = c.Parts.Total()/causalOfHead, &shares
	}
	if s.err > 0 || s.norm > 0 || math.IsNaN(s.err) {
		m.RelL2 = math.Sqrt(s.err / s.norm)
	}
	if c.Groups > 0 {
		m.GuardedRatio = float64(c.Guarded) / float64(c.Groups)
	}
	return m
}

// chunk is how many rows a goroutine measures at a time.
const chunk = 16

// Measure measures every choice on the rows at the given positions. It stops
// early with ctx's error.
func Measure(ctx context.Context, h *rivals.Head, rows []int, choices []rivals.Choice) ([]Measures, error) {
	parts := make([][]sums, (len(rows)+chunk-1)/chunk)
	err := parallel(ctx, len(parts), func(i int) {
		// From the last rows on, which take longest.
		at := len(parts) - 1 - i
		part := rows[at*chunk : min(len(rows), (at+1)*chunk)]
		parts[at] = measureRows(ctx, h, part, choices)
	})
	if err != nil {
		return nil, err
	}
	causal := pairs(h.First, h.Keys)
	all := make([]Measures, len(choices))
	for c := range choices {
		total := sums{}
		for _, part := range parts { // in order, so that sums are repeatable
			total.add(part[c])
		}
		all[c] = total.finish(len(rows), choices[c], causal)
	}
	return all, nil
}

// pairs is the number of causal pairs of the rows at positions [from, to).
func pairs(from, to int) float64 {
	a, b := float64(from), float64(to)
	return (b*(b+1) - a*(a+1)) / 2
}

func measureRows(ctx context.Context, h *rivals.Head, rows []int, choices []rivals.Choice) []sums {
	out := make([]sums, len(choices))
	probs := make([]float32, h.Keys)
	kept := make([]bool, h.Keys)
	dense, sparse := make([]float32, h.Dim), make([]float32, h.Dim)
	means := map[int][]mean{}
	for _, c := range choices {
		if c.MeanOf > 0 && means[c.MeanOf] == nil {
			means[c.MeanOf] = meansOf(h, c.MeanOf)
		}
	}
	for _, p := range rows {
		if ctx.Err() != nil {
			break
		}
		lse := h.Softmax(p, probs[:p+1])
		full := weigh(h, probs[:p+1], nil, dense)
		scaleDown(dense, full)
		norm := 0.0
		for _, x := range dense {
			norm += float64(x) * float64(x)
		}
		for i, c := range choices {
			row := kept[:p+1]
			clear(row)
			c.Mark(p, probs[:p+1], row)
			s := tally(probs[:p+1], row)
			weight := weigh(h, probs[:p+1], row, sparse)
			if c.MeanOf > 0 {
				var n int
				weight, n = addMeans(h, p, lse, row, c.MeanOf, means[c.MeanOf], sparse, weight)
				s.means = float64(n)
			}
			scaleDown(sparse, weight)
			for d, x := range sparse {
				e := float64(x) - float64(dense[d])
				s.err += e * e
			}
			s.norm = norm
			out[i].add(s)
		}
	}
	return out
}

// tally counts what a row keeps and misses.
func tally(probs []float32, kept []bool) sums {
	s := sums{causal: float64(len(probs))}
	count, all := 0, 0.0
	for j, w := range probs {
		all += float64(w)
		if kept[j] {
			count++
			s.recall += float64(w)
		} else if w >= Peak {
			s.missed += float64(w)
		}
	}
	s.recall /= all // 1 to the last bit when all is kept
	s.kept = float64(count)
	return s
}

// weigh writes the sum of kept values, each times its probability, to out, and
// returns the sum of the probabilities. Nil keeps all.
func weigh(h *rivals.Head, probs []float32, kept []bool, out []float32) float32 {
	clear(out)
	total := float32(0)
	for j, w := range probs {
		if kept != nil && !kept[j] || w == 0 {
			continue
		}
		total += w
		axpy(out, w, h.Value(j))
	}
	return total
}

// axpy adds w*x to out. Lengths are multiples of 8.
func axpy(out []float32, w float32, x []float32) {
	for len(out) >= 8 && len(x) >= 8 {
		a, b := (*[8]float32)(out), (*[8]float32)(x)
		a[0] += w * b[0]
		a[1] += w * b[1]
		a[2] += w * b[2]
		a[3] += w * b[3]
		a[4] += w * b[4]
		a[5] += w * b[5]
		a[6] += w * b[6]
		a[7] += w * b[7]
		out, x = out[8:], x[8:]
	}
}

func scaleDown(x []float32, by float32) {
	for d := range x {
		x[d] /= by
	}
}

// mean is a block of keys as one key.
type mean struct{ key, value []float32 }

func meansOf(h *rivals.Head, size int) []mean {
	keys, values := rivals.Pool(h.K, h.Dim, 0, size), rivals.Pool(h.V, h.Dim, 0, size)
	all := make([]mean, len(keys))
	for b := range all {
		all[b] = mean{keys[b], values[b]}
	}
	return all
}

// addMeans attends the blocks in a row's past of which nothing is kept, each as
// one key that counts as often as it has keys. It returns the new sum of
// weights and the number of blocks.
func addMeans(h *rivals.Head, p int, lse float64, kept []bool, size int, means []mean, out []float32, weight float32) (float32, int) {
	n := 0
	for b := 0; (b+1)*size <= p+1; b++ {
		if anyOf(kept[b*size : (b+1)*size]) {
			continue
		}
		n++
		score := float64(rivals.Dot(h.Query(p), means[b].key) * h.Scale)
		w := float32(float64(size) * math.Exp(score-lse))
		weight += w
		axpy(out, w, means[b].value)
	}
	return weight, n
}

func anyOf(kept []bool) bool {
	for _, k := range kept {
		if k {
			return true
		}
	}
	return false
}

// parallel calls work for 0 to n-1 on GOMAXPROCS goroutines, until ctx ends.
func parallel(ctx context.Context, n int, work func(i int)) error {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				work(i)
			}
		}()
	}
	workers.Wait()
	return ctx.Err()
}
