package tensorfile

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParse feeds arbitrary bytes to the reader. Whatever passes its checks
// must also load or refuse with an error, and hold no more elements than the
// file has bytes.
func FuzzParse(f *testing.F) {
	whole := small(f)
	f.Add(whole)
	f.Add(whole[:40])
	f.Add(raw("{}"))
	f.Add(raw(`{"q":{"dtype":"F16","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`))
	f.Add(raw(`{"q":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},"__metadata__":{"a":"b"}}`, 0, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := parse(b)
		if err != nil {
			return
		}
		total := 0
		for name := range file.infos {
			half, err := file.Load(name)
			if err == nil {
				total += len(half.Data)
			}
		}
		require.LessOrEqual(t, 2*total, len(b))
		if in, err := file.LoadQKV(); err == nil {
			require.Len(t, in.Q, in.Batch*in.Heads*in.QLen*in.HeadDim)
			require.Len(t, in.K, in.Batch*in.KVHeads*in.KVLen*in.HeadDim)
			require.Len(t, in.V, len(in.K))
		}
	})
}
