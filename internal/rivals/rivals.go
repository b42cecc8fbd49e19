// Package rivals has the choices that other sparse prefill methods make, for
// comparison with AnchorAttention in one engine (internal/quality). Each is
// written anew from its published description, as a selector of keys: their
// kernels, and what only serves speed, are left out.
//
//	streaming          StreamingLLM (arXiv 2309.17453)
//	vertical-slash     MInference (arXiv 2407.02490)
//	flexprefill        FlexPrefill (arXiv 2502.20766)
//	xattention-8, -16  XAttention (arXiv 2503.16428)
//	flashprefill       FlashPrefill (arXiv 2603.06199), -mean with means in the place of dropped blocks
//	blasst             BLASST (arXiv 2512.12087)
//	exact-topk, -mass  oracles: the best keys of each row, which no method knows beforehand
//	exact-columns      an oracle: the best stripes of each group, which no choice of stripes exceeds
package rivals

import (
	"sort"

	"github.com/anchorvk/anchorvk/attention/oracle"
)

// The groups of AnchorAttention's presets safe and lean, in positions.
const (
	groupSize   = 256
	groupSink   = 16
	groupWindow = 16
)

// block is the number of rows and of keys that block methods decide about.
const block = 128

// Mark sets kept[j] for the keys j that the row at position p attends. kept has
// p+1 elements, all false beforehand. probs are the row's probabilities in full
// attention, which only oracles may look at.
type Mark func(p int, probs []float32, kept []bool)

// Choice is which keys of a head a method computes.
type Choice struct {
	Mark Mark
	// Selection is what the choice itself costs, in (row, key) pairs of
	// attention: a product q.k is half a pair.
	Selection float64
	// MeanOf, above 0, has every block of so many keys of which a row keeps
	// none attended as one key, its mean, that counts as often as it has keys.
	MeanOf int
	// Groups with candidates, and those of them that a guard filled.
	Groups, Guarded int
	// Look is the share of Selection that a guard's second looks take, in pairs.
	Look float64
	// Parts are the pairs of the whole head by their reason, of AnchorAttention
	// only.
	Parts *oracle.Parts
}

// Method is a way to choose keys. Its knob trades share for quality.
type Method struct {
	Name string
	Knob string // what its number means
	// Value is the published or usual setting of the knob.
	Value float64
	// Grid are settings from the smallest share to the largest.
	Grid []float64
	// ScoresAll says that the products q.k of all pairs are computed, so that
	// a pair that is not kept costs half.
	ScoresAll bool
	// Oracle says that Mark looks at the probabilities.
	Oracle bool
	// Look analyses a head; the returned function chooses for a setting of the
	// knob. Only rows of the given blocks, of 128 positions, will be asked for.
	Look func(h *Head, blocks []int) func(knob float64) Choice
}

// Methods returns every method.
func Methods() []Method {
	return []Method{
		Streaming(block, 1), VerticalSlash(), FlexPrefill(), XAttention(8), XAttention(16),
		FlashPrefill(false), FlashPrefill(true), BLASST(), ExactTopK(), ExactMass(),
		ExactColumns(groupSink, groupWindow, groupSize),
	}
}

// Names returns the names of all methods.
func Names() []string {
	var names []string
	for _, m := range Methods() {
		names = append(names, m.Name)
	}
	return names
}

// blockMap says for each query block which key blocks it keeps.
type blockMap map[int][]bool

// mark keeps whole blocks of keys.
func (m blockMap) mark(p int, _ []float32, kept []bool) {
	for b, keep := range m[p/block] {
		if keep {
			fill(kept, b*block, (b+1)*block)
		}
	}
}

// fill keeps the causal keys in [from, to).
func fill(kept []bool, from, to int) {
	for j := max(from, 0); j < min(to, len(kept)); j++ {
		kept[j] = true
	}
}

// heaviest returns the smallest set of indices whose weights reach a share of
// the whole, heaviest first and the first of equals.
func heaviest(weights []float64, share float64) []int {
	order := make([]int, len(weights))
	total := 0.0
	for i, w := range weights {
		order[i] = i
		total += w
	}
	sort.SliceStable(order, func(a, b int) bool { return weights[order[a]] > weights[order[b]] })
	if share >= 1 {
		return order
	}
	sum := 0.0
	for n, i := range order {
		if sum >= share*total {
			return order[:n]
		}
		sum += weights[i]
	}
	return order
}
