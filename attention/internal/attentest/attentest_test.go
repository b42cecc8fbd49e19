package attentest_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
)

func TestNear(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		want, got float64
		near      bool
	}{
		{1, 1.25, true},
		{1, 0.75, true},
		{1, 1.3, false},
		{1, 0.7, false},
		{nan, nan, true},
		{nan, 1, false},
		{1, nan, false},
		{inf, inf, true},
		{-inf, inf, false},
		{inf, 1, false},
		{1, inf, false},
		{inf, nan, false},
	} {
		assert.Equal(t, c.near, attentest.Near(c.want, c.got, 0.25), "%v and %v", c.want, c.got)
	}
	assert.True(t, attentest.Near(float32(1), 1.0, 0))
}
