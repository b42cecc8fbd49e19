package attention

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSampledRowsAreCounted(t *testing.T) {
	for _, c := range []struct{ from, to, stride, want int }{
		{0, 16, 8, 2}, {1, 16, 8, 1}, {0, 17, 8, 3}, {9, 16, 8, 1}, {9, 10, 8, 1}, {33, 48, 64, 1}, {5, 6, 1, 1},
	} {
		assert.Equal(t, c.want, sampled(c.from, c.to, c.stride), "%+v", c)
	}
}
