package problem

// AxesMayBeSwapped says whether tensors that were read as contiguous
// [batch, heads, positions, dim], with nothing else told about their order, may
// as well be [batch, positions, heads, dim]: every query head has a KV head of
// its own, every key a query, and there are more heads than positions. Read the
// other way they are a plain prefill of as many positions as there seemed to be
// heads, which is what torch and flash-attention pass. Nothing in the data tells
// the two apart, so that a program that knows no strides should ask for the
// order instead of guessing. Other mix-ups break a check: shared KV heads turn
// into fewer keys than queries, and a KV prefix into more KV heads than heads.
func (s Shape) AxesMayBeSwapped() bool {
	return s.Heads == s.KVHeads && s.QLen == s.KVLen && s.Heads > s.KVLen
}
