package problem

import (
	"fmt"
	"math"

	"github.com/anchorvk/anchorvk/internal/plural"
	"github.com/anchorvk/anchorvk/vk"
	"github.com/x448/float16"
)

// HalfBytes is the size of one element.
const HalfBytes = 2

// Tensor is a view of F16 data with four axes, in host memory or in a device
// buffer. Exactly one of Host and Buffer is set. It owns nothing.
type Tensor struct {
	// Shape is the size of the axes: batch, heads, positions, head dimension.
	Shape [4]int
	// Strides are the distances, in elements, between neighbours on the batch,
	// head and position axes; the head dimension is contiguous. Multiples of
	// 8, so that a row starts on 16 bytes. Rows of what is only read may share
	// elements: a stride of 0 repeats them along its axis.
	Strides [3]int
	// Host holds the data in host memory.
	Host []float16.Float16
	// Buffer holds the data on a device, from byte Offset on.
	Buffer *vk.Buffer
	// Offset is where the tensor starts in Buffer, in bytes, a multiple of 16.
	Offset uint64
}

// HostBHSD views data as contiguous [batch, heads, seq, dim].
func HostBHSD(data []float16.Float16, batch, heads, seq, dim int) Tensor {
	t := bhsd(batch, heads, seq, dim)
	t.Host = data
	return t
}

// HostBSHD views data as contiguous [batch, seq, heads, dim]. The result's
// Shape is in the order [batch, heads, seq, dim] all the same.
func HostBSHD(data []float16.Float16, batch, seq, heads, dim int) Tensor {
	t := bshd(batch, seq, heads, dim)
	t.Host = data
	return t
}

// DeviceBHSD views buffer, from byte offset on, as contiguous
// [batch, heads, seq, dim].
func DeviceBHSD(buffer *vk.Buffer, offset uint64, batch, heads, seq, dim int) Tensor {
	t := bhsd(batch, heads, seq, dim)
	t.Buffer, t.Offset = buffer, offset
	return t
}

// DeviceBSHD views buffer, from byte offset on, as contiguous
// [batch, seq, heads, dim].
func DeviceBSHD(buffer *vk.Buffer, offset uint64, batch, seq, heads, dim int) Tensor {
	t := bshd(batch, seq, heads, dim)
	t.Buffer, t.Offset = buffer, offset
	return t
}

func bhsd(batch, heads, seq, dim int) Tensor {
	return Tensor{Shape: [4]int{batch, heads, seq, dim}, Strides: [3]int{heads * seq * dim, seq * dim, dim}}
}

func bshd(batch, seq, heads, dim int) Tensor {
	return Tensor{Shape: [4]int{batch, heads, seq, dim}, Strides: [3]int{seq * heads * dim, dim, heads * dim}}
}

// At returns the row of head h at position s in batch b, head-dimension
// elements long, as a view of host memory. It panics, as a slice does, when an
// index is out of range or the tensor is not on the host.
func (t Tensor) At(b, h, s int) []float16.Float16 {
	for axis, index := range [3]int{b, h, s} {
		if index < 0 || index >= t.Shape[axis] {
			panic(fmt.Sprintf("attention: index %d on axis %d of a tensor of shape %v", index, axis, t.Shape))
		}
	}
	start := b*t.Strides[0] + h*t.Strides[1] + s*t.Strides[2]
	return t.Host[start : start+t.Shape[3] : start+t.Shape[3]]
}

// Elements is the number of elements from the first to the last one of the
// view, gaps included. It is only meaningful for a valid tensor.
func (t Tensor) Elements() int {
	n := t.Shape[3]
	for axis, stride := range t.Strides {
		n += (t.Shape[axis] - 1) * stride
	}
	return n
}

// Validate returns an [*ArgumentError] for the first thing wrong with the
// tensor itself; name ("Q") starts the error's field.
func (t Tensor) Validate(name string) error {
	for axis, n := range t.Shape {
		if n < 1 || n > MaxIndex {
			return Errorf(fmt.Sprintf("%s.Shape[%d]", name, axis), fmt.Sprintf("use 1 to %d", MaxIndex), "is %d", n)
		}
	}
	if try := headDimTry(t.Shape[3]); try != "" {
		return Errorf(name+".Shape[3]", try, "is %d, and a head dimension is a multiple of 8 up to %d", t.Shape[3], MaxHeadDim)
	}
	if err := t.validateStrides(name); err != nil {
		return err
	}
	return t.validateData(name)
}

// ValidateFor is Validate, and the shape must be the given one.
func (t Tensor) ValidateFor(name string, batch, heads, seq, dim int) error {
	want := [4]int{batch, heads, seq, dim}
	if t.Shape != want {
		try := "make the tensor and the problem agree; the order is [batch, heads, positions, head_dim] in every layout"
		switch {
		case name == "V" && [3]int(want[:3]) == [3]int(t.Shape[:3]) && t.Shape[3] < dim:
			try = fmt.Sprintf("pad each row of V with %d zeros, and leave the last %[1]d elements of each row of O out of account", dim-t.Shape[3])
		case name == "V" && [3]int(want[:3]) == [3]int(t.Shape[:3]):
			try = fmt.Sprintf("pad each row of Q and K with %d zeros, and set Params.Scale to %s", t.Shape[3]-dim, scaleText(dim))
		}
		return Errorf(name+".Shape", try, "is %v where %v is needed", t.Shape, want)
	}
	return t.Validate(name)
}

// headDimTry says what helps with a head dimension that kernels do not have,
// and "" for others.
func headDimTry(dim int) string {
	switch {
	case dim > MaxHeadDim:
		return "neither padding nor splitting helps; instead of compressed keys and values (MLA) pass those of each head, expanded"
	case dim%8 != 0:
		return fmt.Sprintf("pad each row of Q, K and V with zeros to %d elements, and set Params.Scale to %s", (dim+7)/8*8, scaleText(dim))
	}
	return ""
}

// scaleText is the scale of a head dimension before it was padded.
func scaleText(dim int) string {
	return fmt.Sprintf("%.9g, which is 1/sqrt(%d)", 1/math.Sqrt(float64(dim)), dim)
}

// stridesTry says which strides can be used.
const stridesTry = "use a contiguous layout (HostBHSD, HostBSHD), or strides in elements that are multiples of 8, not negative"

// validateStrides checks that rows start on 16 bytes and that the whole extent
// can be counted. Axes of size 1 are never stepped along, so that their strides
// are only checked for being countable.
func (t Tensor) validateStrides(name string) error {
	last := t.Shape[3] - 1 // index of the last element
	for axis, stride := range t.Strides {
		if stride < 0 || stride%8 != 0 {
			return Errorf(fmt.Sprintf("%s.Strides[%d]", name, axis), stridesTry, "is %d", stride)
		}
		span, ok := product(t.Shape[axis]-1, stride, HalfBytes)
		if !ok || last > math.MaxInt/HalfBytes-span/HalfBytes {
			return Errorf(fmt.Sprintf("%s.Strides[%d]", name, axis), stridesTry, "is %d, and %d steps of it overflow 64-bit sizes", stride, t.Shape[axis]-1)
		}
		last += span / HalfBytes
	}
	return nil
}

// ValidateRowsApart checks that no two rows of O, which is written, share an
// element: each axis, taken by growing stride, steps over all that the axes
// before it reach.
func (t Tensor) ValidateRowsApart() error {
	extent := t.Shape[3]
	for _, axis := range t.axesByStride() {
		if t.Shape[axis] == 1 {
			continue
		}
		if t.Strides[axis] < extent {
			return Errorf(fmt.Sprintf("O.Strides[%d]", axis), "leave each row that is written its own place", "is %d, so that rows overlap: a step must pass over %d elements", t.Strides[axis], extent)
		}
		extent += (t.Shape[axis] - 1) * t.Strides[axis]
	}
	return nil
}

// axesByStride returns the batch, head and position axes by growing stride.
func (t Tensor) axesByStride() [3]int {
	axes := [3]int{2, 1, 0}
	for i := 1; i < len(axes); i++ {
		for j := i; j > 0 && t.Strides[axes[j]] < t.Strides[axes[j-1]]; j-- {
			axes[j], axes[j-1] = axes[j-1], axes[j]
		}
	}
	return axes
}

// validateData checks that there is data, in one place, and enough of it.
func (t Tensor) validateData(name string) error {
	switch {
	case t.Host != nil && t.Buffer != nil:
		return Errorf(name, "set Host or Buffer, not both", "has data in host memory and on a device")
	case t.Host == nil && t.Buffer == nil:
		return Errorf(name, "set Host or Buffer", "has no data")
	case t.Host != nil && t.Offset != 0:
		return Errorf(name+".Offset", "slice Host instead", "is %d on a host tensor", t.Offset)
	case t.Host != nil && len(t.Host) < t.Elements():
		return Errorf(name+".Host", "pass a longer slice or correct the shape and strides", "has %s where shape %v with strides %v needs %d", plural.Of(len(t.Host), "element", "elements"), t.Shape, t.Strides, t.Elements())
	case t.Offset%16 != 0:
		return Errorf(name+".Offset", "start the tensor on a multiple of 16 bytes", "is %d", t.Offset)
	}
	if t.Buffer == nil {
		return nil
	}
	size, need := t.Buffer.Size(), uint64(t.Elements())*HalfBytes
	if t.Offset > size || size-t.Offset < need {
		return Errorf(name+".Buffer", "make the buffer larger or correct the offset, shape and strides", "has %s where offset %d, shape %v and strides %v need %d after the offset", plural.Of(size, "byte", "bytes"), t.Offset, t.Shape, t.Strides, need)
	}
	return nil
}
