package attention

import (
	"fmt"
	"math"
)

// chunkWarning says where a call that extends a prefix selects otherwise than
// one call over all rows would, or "". The rows of a group choose their stripes
// together, so that a group of which an earlier call computed the first rows
// has two lists of stripes instead of one. Where the call ends is no matter by
// itself: the last rows of a prompt are alone in their group in one call too.
func chunkWarning(s Shape, p Params) string {
	group := p.Group()
	inside := s.Prefix() % group
	if inside == 0 || math.IsInf(p.Theta, 0) || s.Prefix()/group < firstSparseGroup(Shape{KVLen: s.KVLen, QLen: s.KVLen}, p) {
		return ""
	}
	last := s.Prefix() + min(group-inside, s.QLen) - 1
	return fmt.Sprintf("the call begins at position %d, inside a group of %d (block %d * step %d): the rows at positions %[1]d to %[5]d choose their stripes without the rows before them, "+
		"so that their results may differ from those of one call over the whole prompt; let chunks end on multiples of %[2]d, or use a smaller step",
		s.Prefix(), group, p.Block, p.Step, last)
}
