package attention

// SelectionPairs is what the choice of keys costs in one query head, in (row,
// key) pairs of attention, for one batch entry: products of pooled and of
// sampled rows with keys count half a pair each. Second looks of the guard are
// left out; [LookPairs] has them. Divided by the causal pairs it is the measure
// selection_ratio. The shape and the parameters must be valid.
func SelectionPairs(s Shape, p Params, h int) float64 {
	s.Batch = 1
	p.Guard.Look = 0
	c := predictHead(s, p, p.Head(h), 0)
	return (c.Identify + c.Guard) / (4 * float64(s.HeadDim))
}

// LookPairs is the same of the guard's second look at one group, 0 where there
// is none.
func LookPairs(s Shape, p Params, group int) float64 {
	if p.Guard.Look == 0 {
		return 0
	}
	from, to := max(group*p.Group(), s.Prefix()), min((group+1)*p.Group(), s.KVLen)
	return sweepFlops(p, s.HeadDim, from, to, p.Guard.Look) / (4 * float64(s.HeadDim))
}
