package tensorfile

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// An element beyond the first chunk that is read at a time has its own place
// in the error, not that in its chunk.
func TestOverflowBeyondTheFirstChunk(t *testing.T) {
	const rows, width = chunk/4/8 + 3, 8
	values := make([]float32, rows*width)
	values[(rows-1)*width+5] = 7e4
	f, err := parse(raw(fmt.Sprintf(`{"k":{"dtype":"F32","shape":[%d,%d],"data_offsets":[0,%d]}}`, rows, width, 4*rows*width), f32(values...)...))
	require.NoError(t, err)
	_, err = f.Load("k")
	require.ErrorContains(t, err, fmt.Sprintf("element [%d 5] is 70000, beyond", rows-1))
}
