package problem_test

import (
	"testing"

	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/stretchr/testify/assert"
)

func TestAxesMayBeSwapped(t *testing.T) {
	for _, c := range []struct {
		heads, kvHeads, qLen, kvLen int
		want                        bool
	}{
		{700, 700, 4, 4, true},     // 700 positions of 4 heads, read in the wrong order
		{33, 33, 32, 32, true},     // or 32 positions of 33 heads: nobody can know
		{32, 32, 32, 32, false},    // the same either way
		{32, 32, 700, 700, false},  // more positions than heads
		{32, 8, 16, 16, false},     // in the other order 32 queries and 8 keys, which is refused
		{32, 32, 1, 700, false},    // one new position after a prefix
		{128, 128, 16, 700, false}, // in the other order 128 queries of 16 heads, 128 keys of 700
	} {
		s := problem.Shape{Batch: 1, Heads: c.heads, KVHeads: c.kvHeads, QLen: c.qLen, KVLen: c.kvLen, HeadDim: 64}
		assert.Equal(t, c.want, s.AxesMayBeSwapped(), "%+v", s)
	}
}
