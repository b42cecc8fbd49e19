package tensorfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
)

// raw builds a file from a header and data without any check.
func raw(header string, data ...byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), data...)
}

func parse(b []byte) (*File, error) { return Parse(bytes.NewReader(b), int64(len(b)), "x.st") }

func halves(n int) []float16.Float16 {
	out := make([]float16.Float16, n)
	for i := range out {
		out[i] = float16.Fromfloat32(float32(i) / 8)
	}
	return out
}

// small is a whole valid file: q [2,3,8], k and v [1,4,8].
func small(t testing.TB) []byte {
	w := NewWriter(map[string]string{"made_by": "a test"})
	require.NoError(t, w.AddF16("q", []int{2, 3, 8}, halves(48)))
	require.NoError(t, w.AddF16("k", []int{1, 4, 8}, halves(32)))
	require.NoError(t, w.AddF32("v", []int{1, 4, 8}, make([]float32, 32)))
	var b bytes.Buffer
	require.NoError(t, w.WriteFile(&b))
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	f, err := parse(small(t))
	require.NoError(t, err)
	in, err := f.LoadQKV()
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2, 1, 3, 4, 8}, []int{in.Batch, in.Heads, in.KVHeads, in.QLen, in.KVLen, in.HeadDim})
	assert.False(t, in.Batched)
	assert.Equal(t, halves(48), in.Q)
	assert.Equal(t, halves(32), in.K)
	assert.Equal(t, make([]float16.Float16, 32), in.V)
}

func TestEveryCutIsAnError(t *testing.T) {
	whole := small(t)
	path := filepath.Join(t.TempDir(), "cut.safetensors")
	for n := range whole {
		_, err := parse(whole[:n])
		require.Error(t, err, "cut to %d of %d bytes", n, len(whole))
		var format *FormatError
		require.ErrorAs(t, err, &format, "cut to %d bytes", n)
		require.NoError(t, os.WriteFile(path, whole[:n], 0o600))
		_, err = Open(path)
		require.Error(t, err, "file cut to %d bytes", n)
	}
	_, err := parse(append(whole, 0))
	require.ErrorContains(t, err, "1 byte follows the last tensor")
}

func TestLyingHeaders(t *testing.T) {
	entry := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`{"q":{"dtype":%q,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
	}
	huge := binary.LittleEndian.AppendUint64(nil, math.MaxUint64)
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "x.st: is empty"},
		{"header length past the end", raw("{}")[:9], "x.st: the header claims 2 bytes, but 1 follow it; the file is cut short or not safetensors"},
		{"header length of all ones", append(huge, "{}"...), "x.st: the header claims 18446744073709551615 bytes, but 2 follow it; the file is cut short or not safetensors"},
		{"not JSON", raw("{nonsense}"), "x.st: the header is not valid JSON: invalid character 'n'"},
		{"not an object", raw("[]"), "x.st: the header is not a JSON object"},
		{"two objects", raw("{}{}"), "x.st: 2 bytes follow the header's JSON object"},
		{"deep", raw(`{"q":{"more":[[[[[[[[[[]]]]]]]]]]}}`), "x.st: the header nests deeper than 8 levels"},
		{"name twice", raw(`{"q":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"q":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`), `x.st: the header has the name "q" twice`},
		{"field twice", raw(`{"q":{"dtype":"U8","dtype":"F16","shape":[0],"data_offsets":[0,0]}}`), `x.st: the header has the name "dtype" twice`},
		{"no entry", raw(`{"q":7}`), `x.st: tensor "q" is no JSON object`},
		{"a dtype that is none", raw(`{"q":{"dtype":16,"shape":[1],"data_offsets":[0,2]}}`, 0, 0), `x.st: tensor "q": dtype is 16, not a name`},
		{"no shape", raw(`{"q":{"dtype":"F16","data_offsets":[0,2]}}`, 0, 0), `x.st: tensor "q": shape is missing`},
		{"three offsets", raw(entry("F16", "[1]", "[0,1,2]"), 0, 0), `x.st: tensor "q": data_offsets has more than 2 numbers`},
		{"rank", raw(entry("F16", "[1"+strings.Repeat(",1", 99)+"]", "[0,2]"), 0, 0), `x.st: tensor "q": shape has more than 32 numbers`},
		{"negative length", raw(entry("F16", "[-1]", "[0,2]"), 0, 0), `x.st: tensor "q": shape holds -1, which is no whole number`},
		{"fraction", raw(entry("F16", "[1.5]", "[0,2]"), 0, 0), `x.st: tensor "q": shape holds 1.5, which is no whole number`},
		{"size differs from shape", raw(entry("F16", "[2]", "[0,2]"), 0, 0), `x.st: tensor "q": shape [2] of F16 needs 4 bytes, but data_offsets give it 2`},
		{"past the end", raw(entry("F16", "[2]", "[0,4]"), 0, 0), `x.st: tensor "q": data_offsets [0, 4] lie outside the file's 2 data bytes`},
		{"backwards", raw(entry("F16", "[1]", "[2,0]"), 0, 0), `x.st: tensor "q": data_offsets [2, 0] lie outside`},
		{"product overflows", raw(entry("F16", "[4294967296,4294967296]", "[0,0]")), `x.st: tensor "q": shape [4294967296 4294967296] of F16 overflows`},
		{"product wraps to the size", raw(entry("F16", "[9223372036854775809]", "[0,2]"), 0, 0), `x.st: tensor "q": shape [9223372036854775809] of F16 overflows`},
		{"length beyond uint64", raw(entry("F16", "[18446744073709551616]", "[0,2]"), 0, 0), `x.st: tensor "q": shape holds 18446744073709551616, which is no whole number from 0 to 2^64-1`},
		{"overlap", raw(`{"q":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"z":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 0, 0, 0), `x.st: tensor "z": its data overlap another tensor's`},
		{"gap", raw(entry("U8", "[1]", "[1,2]"), 0, 0), `x.st: tensor "q": 1 unused byte lies before its data`},
		{"rest", raw(entry("U8", "[1]", "[0,1]"), 0, 0), "x.st: 1 byte follows the last tensor; the header is wrong or the file is damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse(c.file)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestQKVChecks(t *testing.T) {
	type tensor struct {
		name  string
		shape []int
	}
	for _, c := range []struct {
		name    string
		tensors []tensor
		want    string
	}{
		{"missing", []tensor{{"q", []int{1, 2, 8}}, {"k", []int{1, 2, 8}}}, `x.st: tensor "v": missing; the file has k F16[1 2 8], q F16[1 2 8]`},
		{"nothing there", nil, `x.st: tensor "q": missing; the file has nothing`},
		{"rank 2", []tensor{{"q", []int{2, 8}}, {"k", []int{1, 2, 8}}, {"v", []int{1, 2, 8}}}, `x.st: tensor "q": shape [2 8] has rank 2; expected [heads, seq, dim] or [batch, heads, seq, dim]`},
		{"mixed ranks", []tensor{{"q", []int{1, 1, 2, 8}}, {"k", []int{1, 2, 8}}, {"v", []int{1, 2, 8}}}, "x.st: q, k and v have ranks 4, 3 and 3; give all of them a batch dimension or none"},
		{"v differs", []tensor{{"q", []int{1, 2, 8}}, {"k", []int{1, 2, 8}}, {"v", []int{1, 3, 8}}}, `x.st: tensor "v": shape [1 3 8] differs from k's [1 2 8]; they must be equal`},
		{"batch differs", []tensor{{"q", []int{2, 1, 2, 8}}, {"k", []int{1, 1, 2, 8}}, {"v", []int{1, 1, 2, 8}}}, `x.st: tensor "q": batch 2 differs from k's 1`},
		{"head_dim differs", []tensor{{"q", []int{1, 2, 16}}, {"k", []int{1, 2, 8}}, {"v", []int{1, 2, 8}}}, `x.st: tensor "q": head_dim 16 differs from k's 8`},
		{"heads do not divide", []tensor{{"q", []int{3, 2, 8}}, {"k", []int{2, 2, 8}}, {"v", []int{2, 2, 8}}}, `x.st: tensor "q": 3 query heads cannot share 2 KV heads; the first must be a multiple of the second`},
		{"fewer heads than KV heads", []tensor{{"q", []int{1, 2, 8}}, {"k", []int{2, 2, 8}}, {"v", []int{2, 2, 8}}}, `x.st: tensor "q": 1 query head cannot share 2 KV heads`},
		{"q longer than k", []tensor{{"q", []int{1, 3, 8}}, {"k", []int{1, 2, 8}}, {"v", []int{1, 2, 8}}}, `x.st: tensor "q": 3 query positions but only 2 keys; queries are the last positions of the keys`},
		{"zero length", []tensor{{"q", []int{1, 0, 8}}, {"k", []int{1, 2, 8}}, {"v", []int{1, 2, 8}}}, `x.st: tensor "q": shape [1 0 8] has a zero length; every dimension must be at least 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := NewWriter(nil)
			for _, x := range c.tensors {
				n := 1
				for _, d := range x.shape {
					n *= d
				}
				require.NoError(t, w.AddF16(x.name, x.shape, halves(n)))
			}
			var b bytes.Buffer
			require.NoError(t, w.WriteFile(&b))
			f, err := parse(b.Bytes())
			require.NoError(t, err)
			_, err = f.LoadQKV()
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestWrongDType(t *testing.T) {
	f, err := parse(raw(`{"q":{"dtype":"I16","shape":[1,1,1],"data_offsets":[0,2]},"k":{"dtype":"U8","shape":[0],"data_offsets":[2,2]},"v":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}}`, 0, 0))
	require.NoError(t, err)
	_, err = f.LoadQKV()
	require.EqualError(t, err, `x.st: tensor "q": dtype I16 is not supported; save it as F16, BF16 or F32`)
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(filepath.Join(dir, "none.safetensors"))
	require.ErrorContains(t, err, "none.safetensors: no such file; give a safetensors file that has the tensors q, k and v")
	_, err = Open(dir)
	require.EqualError(t, err, dir+": is a folder; give a safetensors file that has the tensors q, k and v")
}

func TestMetadataThatDescribeACapture(t *testing.T) {
	w := NewWriter(map[string]string{"model": "a model", "heads": "0,1", "made_by": "a test"})
	require.NoError(t, w.AddF16("q", []int{8}, halves(8)))
	var b bytes.Buffer
	require.NoError(t, w.WriteFile(&b))
	f, err := parse(b.Bytes())
	require.NoError(t, err)
	assert.Equal(t, []string{"a model", "0,1", "", ""}, []string{f.Metadata("model"), f.Metadata("heads"), f.Metadata("layer"), f.Metadata("made_by")})

	_, err = parse(raw(`{"__metadata__":{"layer":{"a":1}}}`))
	require.ErrorContains(t, err, "the metadata have a layer that is no text")
	f, err = parse(raw(`{"__metadata__":{"other":{"a":[1]}}}`))
	require.NoError(t, err)
	assert.Empty(t, f.Metadata("other"))
}
