package problem_test

import (
	"math"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/anchorvk/anchorvk/vk"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
)

func TestShapeValidate(t *testing.T) {
	good := problem.Shape{Batch: 2, Heads: 8, KVHeads: 2, QLen: 10, KVLen: 20, HeadDim: 64}
	require.NoError(t, good.Validate())
	require.NoError(t, problem.Shape{1, 32, 8, 131072, 131072, 128}.Validate())
	require.NoError(t, problem.Shape{1, 1, 1, 1, 1, 256}.Validate())
	assert.Equal(t, 10, good.Prefix())
	assert.Equal(t, 4, good.HeadsPerKV())
	assert.Equal(t, 1, good.KVHead(4))
	assert.Equal(t, 0, good.KVHead(3))
	for name, c := range map[string]struct {
		field  string
		change func(s *problem.Shape)
	}{
		"no batch":         {"Shape.Batch", func(s *problem.Shape) { s.Batch = 0 }},
		"no heads":         {"Shape.Heads", func(s *problem.Shape) { s.Heads = 0 }},
		"no KV heads":      {"Shape.KVHeads", func(s *problem.Shape) { s.KVHeads = 0 }},
		"no queries":       {"Shape.QLen", func(s *problem.Shape) { s.QLen = 0 }},
		"negative keys":    {"Shape.KVLen", func(s *problem.Shape) { s.KVLen = -1 }},
		"no dimension":     {"Shape.HeadDim", func(s *problem.Shape) { s.HeadDim = 0 }},
		"dimension 60":     {"Shape.HeadDim", func(s *problem.Shape) { s.HeadDim = 60 }},
		"dimension 264":    {"Shape.HeadDim", func(s *problem.Shape) { s.HeadDim = 264 }},
		"8 over 3":         {"Shape.Heads", func(s *problem.Shape) { s.KVHeads = 3 }},
		"2 over 8":         {"Shape.Heads", func(s *problem.Shape) { s.Heads, s.KVHeads = 2, 8 }},
		"more q than k":    {"Shape.QLen", func(s *problem.Shape) { s.QLen = 21 }},
		"long head":        {"Shape.KVLen", func(s *problem.Shape) { s.KVLen = math.MaxInt32 / 64 * 2 }},
		"64-bit length":    {"Shape.KVLen", func(s *problem.Shape) { s.KVLen = math.MaxInt }},
		"many heads":       {"Shape.Batch", func(s *problem.Shape) { s.Batch = math.MaxInt32 }},
		"64-bit elements":  {"Shape", func(s *problem.Shape) { s.Batch, s.KVLen = math.MaxInt32/8, math.MaxInt32/64 }},
		"64-bit elements2": {"Shape.Batch", func(s *problem.Shape) { s.Batch, s.KVLen = math.MaxInt, 1<<20 }},
	} {
		t.Run(name, func(t *testing.T) {
			s := good
			c.change(&s)
			attentest.RequireArgument(t, s.Validate(), c.field)
		})
	}
}

func TestTensorLayouts(t *testing.T) {
	data := make([]float16.Float16, 2*3*5*8)
	for i := range data {
		data[i] = float16.Frombits(uint16(i))
	}
	bhsd := problem.HostBHSD(data, 2, 3, 5, 8)
	bshd := problem.HostBSHD(data, 2, 5, 3, 8)
	require.NoError(t, bhsd.ValidateFor("Q", 2, 3, 5, 8))
	require.NoError(t, bshd.ValidateFor("Q", 2, 3, 5, 8))
	assert.Equal(t, 240, bhsd.Elements())
	assert.Equal(t, 240, bshd.Elements())
	for b := range 2 {
		for h := range 3 {
			for s := range 5 {
				assert.Equal(t, uint16(((b*3+h)*5+s)*8), bhsd.At(b, h, s)[0].Bits())
				assert.Equal(t, uint16(((b*5+s)*3+h)*8), bshd.At(b, h, s)[0].Bits())
				assert.Len(t, bhsd.At(b, h, s), 8)
			}
		}
	}
	assert.Panics(t, func() { bhsd.At(0, 3, 0) })
	assert.Panics(t, func() { bhsd.At(0, 0, -1) })
	assert.Equal(t, 8, cap(bhsd.At(0, 0, 0)), "a row cannot grow into the next")
}

func TestTensorValidate(t *testing.T) {
	data := make([]float16.Float16, 2*3*5*8)
	for name, c := range map[string]struct {
		field  string
		change func(x *problem.Tensor)
	}{
		"empty axis":           {"K.Shape[2]", func(x *problem.Tensor) { x.Shape[2] = 0 }},
		"long axis":            {"K.Shape[0]", func(x *problem.Tensor) { x.Shape[0] = math.MaxInt }},
		"dimension 12":         {"K.Shape[3]", func(x *problem.Tensor) { x.Shape[3] = 12 }},
		"dimension 512":        {"K.Shape[3]", func(x *problem.Tensor) { x.Shape[3] = 512 }},
		"odd stride":           {"K.Strides[2]", func(x *problem.Tensor) { x.Strides[2] = 9 }},
		"negative stride":      {"K.Strides[1]", func(x *problem.Tensor) { x.Strides[1] = -40 }},
		"stride overflows":     {"K.Strides[0]", func(x *problem.Tensor) { x.Shape[0] = 5; x.Strides[0] = math.MaxInt / 8 * 8 }},
		"strides overflow":     {"K.Strides[1]", func(x *problem.Tensor) { x.Shape[0] = 2; x.Strides = [3]int{1 << 61, 1 << 60, 1 << 60} }},
		"no data":              {"K", func(x *problem.Tensor) { x.Host = nil }},
		"two homes":            {"K", func(x *problem.Tensor) { x.Buffer = new(vk.Buffer) }},
		"short slice":          {"K.Host", func(x *problem.Tensor) { x.Host = x.Host[:239] }},
		"offset on the host":   {"K.Offset", func(x *problem.Tensor) { x.Offset = 16 }},
		"offset not aligned":   {"K.Offset", func(x *problem.Tensor) { x.Host, x.Buffer, x.Offset = nil, new(vk.Buffer), 8 }},
		"buffer too small":     {"K.Buffer", func(x *problem.Tensor) { x.Host, x.Buffer = nil, new(vk.Buffer) }},
		"offset beyond buffer": {"K.Buffer", func(x *problem.Tensor) { x.Host, x.Buffer, x.Offset = nil, new(vk.Buffer), 1<<63 }},
	} {
		t.Run(name, func(t *testing.T) {
			x := problem.HostBHSD(data, 2, 3, 5, 8)
			c.change(&x)
			attentest.RequireArgument(t, x.Validate("K"), c.field)
		})
	}
}

// What is read may repeat rows, what is written may not.
func TestRowsMayOverlapWhereTheyAreRead(t *testing.T) {
	data := make([]float16.Float16, 2*3*5*8)
	for field, change := range map[string]func(x *problem.Tensor){
		"O.Strides[2]": func(x *problem.Tensor) { x.Strides[2] = 0 },
		"O.Strides[1]": func(x *problem.Tensor) { x.Strides[1] = 32 },
		"O.Strides[0]": func(x *problem.Tensor) { x.Strides[0] = 112 },
	} {
		x := problem.HostBHSD(data, 2, 3, 5, 8)
		require.NoError(t, x.ValidateRowsApart())
		change(&x)
		require.NoError(t, x.Validate("K"))
		attentest.RequireArgument(t, x.ValidateRowsApart(), field)
	}
	require.NoError(t, problem.HostBSHD(data, 2, 5, 3, 8).ValidateRowsApart())
	repeated := problem.Tensor{Shape: [4]int{4, 6, 5, 8}, Strides: [3]int{0, 0, 8}, Host: data[:40]}
	require.NoError(t, repeated.Validate("K"), "a head and a batch entry for all")
}

// The advice for a head dimension that does not fit is one that helps.
func TestHeadDimensionsSayWhatHelps(t *testing.T) {
	shape := problem.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 4, KVLen: 4, HeadDim: 60}
	require.ErrorContains(t, shape.Validate(), "pad each row of Q, K and V with zeros to 64 elements, and set Params.Scale to 0.129099445, which is 1/sqrt(60)")
	shape.HeadDim = 576
	require.ErrorContains(t, shape.Validate(), "neither padding nor splitting helps")
	require.ErrorContains(t, shape.Validate(), "expanded")
	narrow := problem.HostBHSD(make([]float16.Float16, 4*128), 1, 1, 4, 128)
	require.ErrorContains(t, narrow.ValidateFor("V", 1, 1, 4, 192), "pad each row of V with 64 zeros, and leave the last 64 elements of each row of O out of account")
	require.ErrorContains(t, narrow.ValidateFor("V", 1, 1, 4, 64), "pad each row of Q and K with 64 zeros, and set Params.Scale to 0.125, which is 1/sqrt(64)")
	require.ErrorContains(t, narrow.ValidateFor("V", 1, 1, 5, 192), "make the tensor and the problem agree")
	require.ErrorContains(t, narrow.ValidateFor("K", 1, 1, 4, 192), "make the tensor and the problem agree")
}

func TestTensorAcceptsGapsAndIdleAxes(t *testing.T) {
	data := make([]float16.Float16, 1000)
	gaps := problem.Tensor{Shape: [4]int{2, 3, 5, 8}, Strides: [3]int{400, 16, 48}, Host: data}
	require.NoError(t, gaps.Validate("Q"))
	assert.Equal(t, 400+2*16+4*48+8, gaps.Elements())
	one := problem.Tensor{Shape: [4]int{1, 1, 5, 8}, Strides: [3]int{0, 0, 8}, Host: data}
	require.NoError(t, one.Validate("Q"), "an axis of one is never stepped along")
	attentest.RequireArgument(t, one.ValidateFor("Q", 1, 2, 5, 8), "Q.Shape")
}

func TestDeviceTensors(t *testing.T) {
	buffer := new(vk.Buffer)
	x, y := problem.DeviceBHSD(buffer, 32, 2, 3, 5, 8), problem.DeviceBSHD(buffer, 32, 2, 5, 3, 8)
	assert.Equal(t, [3]int{120, 40, 8}, x.Strides)
	assert.Equal(t, [3]int{120, 8, 24}, y.Strides)
	for _, d := range []problem.Tensor{x, y} {
		assert.Equal(t, [4]int{2, 3, 5, 8}, d.Shape)
		assert.Equal(t, uint64(32), d.Offset)
		assert.Same(t, buffer, d.Buffer)
	}
}
