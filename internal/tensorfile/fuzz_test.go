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
	f.Fuzz(requireReadOrRefused)
}

// FuzzHeader is FuzzParse with a length of the header that is always right.
func FuzzHeader(f *testing.F) {
	const q, k = `"q":{"dtype":"F16","shape":[1,2,2],"data_offsets":[0,8]}`, `"k":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}`
	data := make([]byte, 16)
	for i := range data {
		data[i] = byte(i)
	}
	for _, header := range []string{
		"{" + q + "," + k + "}", "{" + k + "," + q + "}  ", "{" + q + "," + q + "}", "{" + q + "}", "", " {}", "{}\n", "{}x", "[]", "null",
		`{"__metadata__":{"a":"b"},` + q + "," + k + "}", `{"__metadata__":{"a":1}}`, `{"__metadata__":null}`, `{"__metadata__":{}}`, `{"q":null}`,
		`{"q":{"dtype":"F16","shape":[0,18446744073709551615],"data_offsets":[0,0]}}`,
		`{"q":{"dtype":"F16","shape":[0,9223372036854775808],"data_offsets":[0,0]}}`,
		`{"q":{"dtype":"F16","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}}`,
		`{"q":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[8],"data_offsets":[8,16]}}`,
		`{"q":{"dtype":"F8_E4M3","shape":[16],"data_offsets":[0,16]}}`, `{"q":{"dtype":"F4","shape":[32],"data_offsets":[0,16]}}`,
		`{"q":{"dtype":"I16","shape":[8],"data_offsets":[0,16],"more":[{}]}}`, `{"q":{"dtype":"I16","shape":[8],"shape":[8],"data_offsets":[0,16]}}`,
		`{"q":{"dtype":"BOOL","shape":[1e1,-0],"data_offsets":[0,16.0]}}`, `{"\ud800":{"dtype":"U8","shape":[16],"data_offsets":[0,16]}}`,
		"{\"\xff\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0,16]}}", `{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"q":{"dtype":"U8","shape":[16],"data_offsets":[0,16]}}`,
	} {
		f.Add(header, data)
		f.Add(header, []byte{})
	}
	f.Fuzz(func(t *testing.T, header string, data []byte) { requireReadOrRefused(t, raw(header, data...)) })
}

func requireReadOrRefused(t *testing.T, b []byte) {
	file, err := parse(b)
	compareWithReference(t, b, file, err)
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
}
