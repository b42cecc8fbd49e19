package tensorfile

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/nlpodyssey/safetensors"
	"github.com/x448/float16"
)

// Writer collects tensors and writes them as one safetensors file. Pair it
// with internal/atomicfile so that the file appears whole.
type Writer struct {
	views map[string]safetensors.TensorView
	meta  map[string]string
}

// NewWriter returns an empty Writer. The metadata are free text, stored in
// the header; nil is none.
func NewWriter(meta map[string]string) *Writer {
	return &Writer{views: map[string]safetensors.TensorView{}, meta: meta}
}

// AddF16 adds a tensor of 16-bit floats in row-major order.
func (w *Writer) AddF16(name string, shape []int, data []float16.Float16) error {
	raw := make([]byte, 0, 2*len(data))
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint16(raw, v.Bits())
	}
	return w.add(name, safetensors.F16, shape, raw)
}

// AddF32 adds a tensor of 32-bit floats in row-major order.
func (w *Writer) AddF32(name string, shape []int, data []float32) error {
	raw := make([]byte, 0, 4*len(data))
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return w.add(name, safetensors.F32, shape, raw)
}

// AddU8 adds a tensor of bytes in row-major order. The slice is not copied.
func (w *Writer) AddU8(name string, shape []int, data []byte) error {
	return w.add(name, safetensors.U8, shape, data)
}

func (w *Writer) add(name string, dtype safetensors.DType, shape []int, raw []byte) error {
	if _, ok := w.views[name]; ok {
		return fmt.Errorf("tensor %q is added twice", name)
	}
	dims := make([]uint64, len(shape))
	for i, n := range shape {
		dims[i] = uint64(n)
	}
	view, err := safetensors.NewTensorView(dtype, dims, raw)
	if err != nil {
		return fmt.Errorf("tensor %q: %w", name, err)
	}
	w.views[name] = view
	return nil
}

// WriteFile writes every added tensor to out.
func (w *Writer) WriteFile(out io.Writer) error {
	return safetensors.SerializeToWriter(w.views, w.meta, out)
}
