package attention

import (
	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/anchorvk/anchorvk/vk"
	"github.com/x448/float16"
)

// What is to be computed, by the names of package [problem].
type (
	// Shape is [problem.Shape], the size of a problem.
	Shape = problem.Shape
	// Params is [problem.Params], the knobs of AnchorAttention.
	Params = problem.Params
	// Head is [problem.Head], what one query head has of its own.
	Head = problem.Head
	// HeadMode is [problem.HeadMode], how such a head is computed.
	HeadMode = problem.HeadMode
	// Sample is [problem.Sample], rows that choose stripes.
	Sample = problem.Sample
	// Guard is [problem.Guard], a look after units whose stripes are not enough.
	Guard = problem.Guard
	// Mode is [problem.Mode], which attention is computed.
	Mode = problem.Mode
	// Tensor is [problem.Tensor], a view of F16 data.
	Tensor = problem.Tensor
	// ArgumentError is [problem.ArgumentError], an argument that cannot be used.
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
