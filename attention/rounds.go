package attention

import (
	"fmt"
	"sort"

	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/internal/plural"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// Some drivers end the loops of an invocation after so many rounds in all, and
// say nothing (vk.Limits.LoopRounds): keys past that were never seen. So the
// rounds of each kernel are bounded here, and a plan keeps within the limit: it
// attends long sequences a range of keys at a time, makes workgroups larger, or
// is refused.
//
// A loop of n rounds counts as n + 1, since it is left at the test that follows
// the last round. Loops with [[unroll]] have a number of rounds that is known
// when a kernel is compiled, and are not there any more. TestLoopsAreCounted
// holds the number of all others in the SPIR-V against this file.

// attendRounds bounds dense.comp, anchor.comp and stripes.comp over so many
// keys: one loop over batches of keys that every row of the tile sees, one over
// single keys: those that only some rows see, at most as many as the tile has
// rows, and what is left of a batch.
func attendRounds(s tuning.KernelShape, keys int) int {
	batches := keys / s.Keys
	single := min(keys, s.TileRows()+s.Keys)
	return batches + 1 + single + 1
}

// identifyRounds bounds identify.comp: over its rows (pooled blocks), so many
// at a time; for those over the words of its walk; for each of these over
// batches of a word's 32 keys.
func identifyRounds(s tuning.KernelShape, step int) int {
	rows := ceil.Div(step, s.TileRows())
	aWord := 32/s.Keys + 1
	return rows + 1 + rows*(searchWords+1+searchWords*aWord)
}

// searchWords is identify.comp's WORDS_A_GROUP, and matrixSearchWords that of
// identify_coop.comp.
const (
	searchWords       = 8
	matrixSearchWords = 16
)

// compactRounds bounds compact.comp with so many invocations: twice over its
// run of the mask's words, the second time over the bits of each, and over the
// counts of the invocations before it.
func compactRounds(local, keys int) int {
	run := ceil.Div(ceil.Div(keys, 32), local)
	return run + 1 + local + run + 1 + run*(32+1)
}

// poolRounds bounds pool.comp: over the rows of a block.
func poolRounds(rows int) int { return rows + 1 }

// sampleRounds bounds sample.comp, miss.comp and peaks.comp: over sampled rows,
// so many at a time; for those over the batches of a run of keys, and over the
// runs of sums, for each of an invocation's rows. Then miss.comp adds up what
// its invocations found.
func sampleRounds(s tuning.KernelShape, rows, sumRuns int) int {
	tiles := ceil.Div(rows, s.TileRows())
	return tiles + 1 + tiles*(guardRunKeys/s.Keys+1+s.Rows*(sumRuns+1)) + s.Local + 1
}

// pickBatch is pick.comp's BATCH.
const pickBatch = 8

// pickRounds bounds pick.comp: over the keys of a run, a workgroup at a time;
// for those over batches of sampled rows; for each batch over what is loaded of
// it, over the runs of sums, and over the chunks of a key. Then over what its
// invocations found.
func pickRounds(rows, chunks, sumRuns int) int {
	words := guardRunKeys / auxLocal
	batches := ceil.Div(rows, pickBatch)
	aBatch := ceil.Div(pickBatch*chunks, auxLocal) + 1 + sumRuns + 1 + chunks + 1
	return words + 1 + words*(batches+1+batches*aBatch) + auxLocal + 1
}

// guardRounds bounds guard.comp: over the runs of keys, then over an
// invocation's words of the mask.
func guardRounds(keys int) int {
	return ceil.Div(keys, guardRunKeys) + 1 + ceil.Div(keys, 32*auxLocal) + 1
}

// longestRange is the largest range of keys, a multiple of 16, that the
// attention kernels attend in so many rounds; 0 when there is none.
func longestRange(s tuning.KernelShape, limit int) int {
	return 16 * sort.Search(maxIndex/16, func(i int) bool { return attendRounds(s, 16*(i+1)) > limit })
}

// keepToRounds fits the plan's kernels to the device's limit of rounds.
func (p *Plan) keepToRounds(report *vk.Report) error {
	limit := int(report.Limits.LoopRounds)
	if limit == 0 {
		return nil
	}
	refuse := func(what string, asked int, try string) error {
		return &vk.LimitError{
			What: what, Limit: "rounds of an invocation's loops, after which this driver drops work without an error",
			Asked: uint64(asked), Max: uint64(limit), Try: try,
		}
	}
	t, s := &p.Tuning, p.Shape
	if rounds := attendRounds(t.Attend, s.KVLen); rounds > limit {
		longest := longestRange(t.Attend, limit)
		if longest == 0 {
			return refuse("every kernel", rounds, "another device, or another version of its driver")
		}
		if t.Range == 0 || t.Range > longest {
			t.Range = longest
		}
	}
	if p.Mode != ModeAnchor {
		return nil
	}
	grow := func(local *int, rounds func() int) bool {
		for rounds() > limit && 2**local <= tuning.LargestGroup(report) {
			*local *= 2
		}
		return rounds() <= limit
	}
	search := func() int { return identifyRounds(t.Identify, p.Params.Step) }
	if !grow(&t.Identify.Local, search) {
		return refuse("the stripe search for groups of "+plural.Of(p.Params.Step, "block", "blocks"), search(), "a smaller Params.Step, or larger blocks")
	}
	for _, stride := range p.lookStrides() {
		rounds := max(sampleRounds(t.Identify, p.sampledRows(stride), p.sumRuns()), guardRounds(s.KVLen))
		if p.runs(kernelPick) && stride == p.Params.Sample.Stride {
			rounds = max(rounds, pickRounds(p.sampledRows(stride), s.HeadDim/8, p.sumRuns()))
		}
		if rounds > limit {
			try := "a larger Params.Sample.Stride and Params.Guard.Stride, or smaller groups"
			if stride == p.Params.Guard.Look {
				try = "a larger Params.Guard.Look, or smaller groups"
			}
			return refuse("the "+plural.Of(p.sampledRows(stride), "sampled row", "sampled rows")+" of a group", rounds, try)
		}
	}
	t.Compact = max(t.Compact, auxLocal)
	list := func() int { return compactRounds(t.Compact, s.KVLen) }
	if !grow(&t.Compact, list) {
		return refuse("the list of stripes among "+plural.Of(s.KVLen, "key", "keys"), list(), "prefill in shorter calls")
	}
	if rounds := poolRounds(min(p.Params.Block, s.QLen)); rounds > limit {
		return refuse(fmt.Sprintf("the mean of a block of %d rows", p.Params.Block), rounds, "a smaller Params.Block, or fewer rows a call")
	}
	return nil
}
