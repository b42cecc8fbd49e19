package verify

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
)

// Every bit counts, that of a zero's sign too.
func TestDigestIsOfAllBits(t *testing.T) {
	blank := func() Output {
		return Output{
			O:       attention.HostBHSD(make([]float16.Float16, 16), 1, 1, 2, 8),
			LSE:     make([]float32, 2),
			Stripes: make([]byte, 4),
		}
	}
	plain := blank().digest()
	assert.Len(t, plain, 32)
	assert.Equal(t, plain, blank().digest())
	seen := map[string]bool{plain: true}
	for _, change := range []func(o *Output){
		func(o *Output) { o.O.Host[15] = float16.Frombits(0x8000) },
		func(o *Output) { o.LSE[1] = 1 },
		func(o *Output) { o.Stripes[3] = 1 },
	} {
		out := blank()
		change(&out)
		assert.False(t, seen[out.digest()])
		seen[out.digest()] = true
	}
}
