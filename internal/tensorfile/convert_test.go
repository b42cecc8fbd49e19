package tensorfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
)

func f32(values ...float32) []byte {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

// loaded reads one tensor of so many elements.
func loaded(t *testing.T, dtype string, elements int, data []byte) ([]float16.Float16, error) {
	t.Helper()
	f, err := parse(raw(fmt.Sprintf(`{"k":{"dtype":%q,"shape":[%d],"data_offsets":[0,%d]}}`, dtype, elements, len(data)), data...))
	require.NoError(t, err)
	half, err := f.Load("k")
	return half.Data, err
}

func TestConvertF32(t *testing.T) {
	inf := float32(math.Inf(1))
	in := []float32{1, 1 + 1.0/2048, 1 + 3.0/2048, 65504, 65519.996, -65519.996, inf, -inf, float32(math.NaN()), 1e-9, 5.9604645e-8}
	out, err := loaded(t, "F32", len(in), f32(in...))
	require.NoError(t, err)
	// Halfway cases go to the even neighbour: 1+1/2048 down, 1+3/2048 up.
	want := []uint16{0x3c00, 0x3c00, 0x3c02, 0x7bff, 0x7bff, 0xfbff, 0x7c00, 0xfc00}
	for i, bits := range want {
		assert.Equal(t, bits, out[i].Bits(), "value %g", in[i])
	}
	assert.True(t, out[8].IsNaN())
	assert.Equal(t, uint16(0), out[9].Bits(), "beside large values a small one may go")
	assert.Equal(t, uint16(1), out[10].Bits(), "the smallest subnormal survives")
	_, err = loaded(t, "F32", 3, f32(0, 65520, 0))
	require.ErrorContains(t, err, "element [1] is 65520", "65520 rounds to infinity")
}

func TestConvertBF16(t *testing.T) {
	in := []byte{0x80, 0x3f, 0xc0, 0xff, 0x80, 0xff, 0x49, 0x40} // 1, NaN, -inf, 3.140625
	out, err := loaded(t, "BF16", 4, in)
	require.NoError(t, err)
	assert.Equal(t, float32(1), out[0].Float32())
	assert.True(t, out[1].IsNaN())
	assert.True(t, out[2].IsInf(-1))
	assert.Equal(t, float32(3.140625), out[3].Float32())
	_, err = loaded(t, "BF16", 1, []byte{0x80, 0x47})
	require.ErrorContains(t, err, "element [0] is 65536", "65536 does not fit")
}

// Values that F16 has no digits for are refused as those beyond its range are.
func TestTooSmallForF16(t *testing.T) {
	for _, c := range []struct {
		largest float32
		refused bool
	}{
		{1, false}, {0x1p-13, false}, {0x1p-14, false}, {0x1p-19, true}, {1e-9, true}, {1e-30, true}, {0, false},
	} {
		values := make([]float32, 64)
		for i := range values {
			values[i] = c.largest * (1 - float32(i%5)/37)
		}
		_, err := loaded(t, "F32", len(values), f32(values...))
		if !c.refused {
			require.NoError(t, err, "largest %g", c.largest)
			continue
		}
		require.ErrorContains(t, err, "too small for F16", "largest %g", c.largest)
	}
	_, err := loaded(t, "F32", 4, f32(0, 1e-9, -1e-9, 0))
	require.EqualError(t, err, `x.st: tensor "k": its values, at most 1e-09, are too small for F16, which has steps of 6e-08 there: 2 of 2 would become zero, and together they would be off by 1e+02 %; `+
		`scale the tensor up before saving it, by 2^30 or so, and take that out of the output (v) or of --scale (q, k)`)
}

// A small head beside others is told of, in either layout.
func TestSmallHeadsAreToldOf(t *testing.T) {
	const heads, seq, dim = 3, 4, 8
	for _, layout := range []Layout{BHSD, BSHD} {
		shape, v := []int{heads, seq, dim}, make([]float32, heads*seq*dim)
		if layout == BSHD {
			shape = []int{seq, heads, dim}
		}
		for h := range heads {
			for s := range seq {
				for d := range dim {
					at := (h*seq+s)*dim + d
					if layout == BSHD {
						at = (s*heads+h)*dim + d
					}
					v[at] = float32(1 + s)
					if h == 1 {
						v[at] = 1e-9
					}
				}
			}
		}
		w := NewWriter(nil)
		require.NoError(t, w.AddF16("q", shape, halves(len(v))))
		require.NoError(t, w.AddF16("k", shape, halves(len(v))))
		require.NoError(t, w.AddF32("v", shape, v))
		var b bytes.Buffer
		require.NoError(t, w.WriteFile(&b))
		f, err := parse(b.Bytes())
		require.NoError(t, err)
		f.Layout = layout
		in, err := f.LoadQKV()
		require.NoError(t, err)
		require.Len(t, in.Warnings, 1, layout)
		require.Contains(t, in.Warnings[0], "v: 1 of 3 heads are too small for F16, the first is head 1 of batch 0: its values, at most 1e-09", layout)
		require.Equal(t, float32(4), in.V[3*dim].Float32(), "head 0, position 3")
		_, _, wide, err := f.LoadWide()
		require.NoError(t, err)
		require.Equal(t, float32(1e-9), wide[seq*dim], "head 1, position 0, %s", layout)
	}
}

func TestNonFiniteValuesAreToldOf(t *testing.T) {
	k := halves(32)
	k[9], k[20], k[21] = float16.NaN(), float16.Inf(-1), float16.NaN()
	w := NewWriter(nil)
	require.NoError(t, w.AddF16("q", []int{1, 4, 8}, halves(32)))
	require.NoError(t, w.AddF16("k", []int{1, 4, 8}, k))
	require.NoError(t, w.AddF32("v", []int{1, 4, 8}, append(make([]float32, 31), float32(math.Inf(1)))))
	var b bytes.Buffer
	require.NoError(t, w.WriteFile(&b))
	f, err := parse(b.Bytes())
	require.NoError(t, err)
	in, err := f.LoadQKV()
	require.NoError(t, err)
	require.Equal(t, []string{
		"k holds 2 NaN and 1 infinity, the first at [0 1 1]: rows that attend them become NaN or infinite",
		"v holds 1 infinity, the first at [0 3 7]: rows that attend them become NaN or infinite",
	}, in.Warnings)
}

func TestOverflowNamesTheElement(t *testing.T) {
	data := make([]float32, 2*3*8)
	data[1*24+2*8+5] = -1e6
	file := raw(`{"k":{"dtype":"F32","shape":[2,3,8],"data_offsets":[0,192]}}`, f32(data...)...)
	f, err := parse(file)
	require.NoError(t, err)
	_, err = f.Load("k")
	require.EqualError(t, err, `x.st: tensor "k": element [1 2 5] is -1e+06, beyond the F16 range of +-65504; scale the tensor down before saving it`)
}

func TestLoadLargerThanOneChunk(t *testing.T) {
	n := chunk/4*2 + 12
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(i % 2039) // a prime: no two chunks begin alike
	}
	f, err := parse(raw(`{"k":{"dtype":"F32","shape":[524300],"data_offsets":[0,2097200]}}`, f32(values...)...))
	require.NoError(t, err)
	half, err := f.Load("k")
	require.NoError(t, err)
	require.Len(t, half.Data, n)
	for i, v := range half.Data {
		if v.Float32() != values[i] {
			t.Fatalf("element %d is %v, want %v", i, v, values[i])
		}
	}
}
