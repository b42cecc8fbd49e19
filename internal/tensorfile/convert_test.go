package tensorfile

import (
	"encoding/binary"
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

func TestConvertF32(t *testing.T) {
	inf := float32(math.Inf(1))
	in := []float32{1, 1 + 1.0/2048, 1 + 3.0/2048, 65504, 65519.996, -65519.996, inf, -inf, float32(math.NaN()), 1e-9, 5.9604645e-8}
	convert, width, err := converter("F32")
	require.NoError(t, err)
	require.Equal(t, 4, width)
	out := make([]float16.Float16, len(in))
	require.Equal(t, -1, convert(out, f32(in...)))
	// Halfway cases go to the even neighbour: 1+1/2048 down, 1+3/2048 up.
	want := []uint16{0x3c00, 0x3c00, 0x3c02, 0x7bff, 0x7bff, 0xfbff, 0x7c00, 0xfc00}
	for i, bits := range want {
		assert.Equal(t, bits, out[i].Bits(), "value %g", in[i])
	}
	assert.True(t, out[8].IsNaN())
	assert.Equal(t, uint16(0), out[9].Bits())
	assert.Equal(t, uint16(1), out[10].Bits(), "the smallest subnormal survives")
	require.Equal(t, 1, convert(out[:3], f32(0, 65520, 0)), "65520 rounds to infinity")
}

func TestConvertBF16(t *testing.T) {
	convert, width, err := converter("BF16")
	require.NoError(t, err)
	require.Equal(t, 2, width)
	in := []byte{0x80, 0x3f, 0xc0, 0xff, 0x80, 0xff, 0x49, 0x40} // 1, NaN, -inf, 3.140625
	out := make([]float16.Float16, 4)
	require.Equal(t, -1, convert(out, in))
	assert.Equal(t, float32(1), out[0].Float32())
	assert.True(t, out[1].IsNaN())
	assert.True(t, out[2].IsInf(-1))
	assert.Equal(t, float32(3.140625), out[3].Float32())
	require.Equal(t, 0, convert(out[:1], []byte{0x80, 0x47}), "65536 does not fit")
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
		values[i] = float32(i % 2048)
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
