package attention

import (
	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/anchorvk/anchorvk/vk"
	"github.com/x448/float16"
)

// What is to be computed, by the names of package [problem].
type (
	Shape         = problem.Shape
	Params        = problem.Params
	Head          = problem.Head
	HeadMode      = problem.HeadMode
	Sample        = problem.Sample
	Guard         = problem.Guard
	Mode          = problem.Mode
	Tensor        = problem.Tensor
	ArgumentError = problem.ArgumentError
)

// The constants of package [problem].
const (
	ModeAnchor     = problem.ModeAnchor
	ModeDense      = problem.ModeDense
	HeadDefault    = problem.HeadDefault
	HeadAnchor     = problem.HeadAnchor
	HeadDense      = problem.HeadDense
	HeadAnchorOnly = problem.HeadAnchorOnly
	MaxHeadDim     = problem.MaxHeadDim
)

// DefaultParams is [problem.DefaultParams]: the values of the paper.
func DefaultParams() Params { return problem.DefaultParams() }

// Preset is [problem.Preset]: parameters by name.
func Preset(name string) (Params, error) { return problem.Preset(name) }

// Presets is [problem.Presets]: the names that Preset knows.
func Presets() []string { return problem.Presets() }

// ParseMode is [problem.ParseMode]: it reads "anchor" or "dense".
func ParseMode(name string) (Mode, error) { return problem.ParseMode(name) }

// HostBHSD is [problem.HostBHSD]: a view of data in host memory as contiguous
// [batch, heads, seq, dim].
func HostBHSD(data []float16.Float16, batch, heads, seq, dim int) Tensor {
	return problem.HostBHSD(data, batch, heads, seq, dim)
}

// HostBSHD is [problem.HostBSHD]: a view of data in host memory as contiguous
// [batch, seq, heads, dim].
func HostBSHD(data []float16.Float16, batch, seq, heads, dim int) Tensor {
	return problem.HostBSHD(data, batch, seq, heads, dim)
}

// DeviceBHSD is [problem.DeviceBHSD]: a view of a buffer, from byte offset on, as
// contiguous [batch, heads, seq, dim].
func DeviceBHSD(buffer *vk.Buffer, offset uint64, batch, heads, seq, dim int) Tensor {
	return problem.DeviceBHSD(buffer, offset, batch, heads, seq, dim)
}

// DeviceBSHD is [problem.DeviceBSHD]: a view of a buffer, from byte offset on, as
// contiguous [batch, seq, heads, dim].
func DeviceBSHD(buffer *vk.Buffer, offset uint64, batch, seq, heads, dim int) Tensor {
	return problem.DeviceBSHD(buffer, offset, batch, seq, heads, dim)
}

// The size of an element, and the largest length in positions.
const (
	halfBytes = problem.HalfBytes
	maxIndex  = problem.MaxIndex
)

// argument returns an *ArgumentError whose problem is formatted with args.
func argument(field, try, format string, args ...any) error {
	return problem.Errorf(field, try, format, args...)
}
