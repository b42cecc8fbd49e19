package verify

import (
	"math"
	"sort"

	"github.com/anchorvk/anchorvk/attention/oracle"
)

type valueKind int

const (
	finite valueKind = iota
	nan
	positiveInf
	negativeInf
)

func kind(x float64) valueKind {
	switch {
	case math.IsNaN(x):
		return nan
	case math.IsInf(x, 1):
		return positiveInf
	case math.IsInf(x, -1):
		return negativeInf
	}
	return finite
}

// Rows picks about n rows of the call to compare: evenly spread ones, and
// those at the edges of groups, where kernels go wrong first.
func Rows(o *oracle.Oracle, n int) []int {
	picked := map[int]bool{}
	for _, row := range o.SampleRows(n) {
		picked[row] = true
	}
	edges := 0
	for g := o.Groups() - 1; g >= o.FirstGroup() && edges < n; g-- {
		lo, hi := o.GroupRows(g)
		for _, row := range []int{lo, lo + 1, hi - 1} {
			if row >= lo && row < hi && !picked[row] {
				picked[row] = true
				edges++
			}
		}
	}
	rows := make([]int, 0, len(picked))
	for row := range picked {
		rows = append(rows, row)
	}
	sort.Ints(rows)
	return rows
}

// Groups picks at most n groups of the call for a comparison of stripes,
// evenly spread, the last one among them. Groups without candidates are
// picked too: nothing may be kept there.
func Groups(o *oracle.Oracle, n int) []int {
	first, count := o.FirstGroup(), o.Groups()-o.FirstGroup()
	n = min(n, count)
	groups := make([]int, n)
	for i := range groups {
		groups[i] = first + count - 1 - i*count/n
	}
	return groups
}
