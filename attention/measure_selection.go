package attention

// SelectionPairs is what the choice of keys costs in one query head, in (row,
// key) pairs of attention, for one batch entry: products of pooled and of
// sampled rows with keys count half a pair each. Divided by the causal pairs it
// is the measure selection_ratio. The shape and the parameters must be valid.
func SelectionPairs(s Shape, p Params, h int) float64 {
	s.Batch = 1
	c := predictHead(s, p, p.Head(h), 0)
	return (c.Identify + c.Guard) / (4 * float64(s.HeadDim))
}
