package tensorfile

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/internal/plural"
)

// decoder returns the function that decodes one little-endian element, and the
// bytes per element.
func decoder(dtype string) (decode func([]byte) float32, width int, err error) {
	switch dtype {
	case "F16":
		return func(in []byte) float32 { return float16.Frombits(binary.LittleEndian.Uint16(in)).Float32() }, 2, nil
	case "BF16":
		return func(in []byte) float32 {
			return math.Float32frombits(uint32(binary.LittleEndian.Uint16(in)) << 16)
		}, 2, nil
	case "F32":
		return func(in []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(in)) }, 4, nil
	}
	return nil, 0, fmt.Errorf("dtype %s is not supported; save it as F16, BF16 or F32", dtype)
}

// maxLoss is the relative error, over a tensor, that rounding to F16 can cause
// where all values are in its normal range: half of its step. More is lost only
// where values fall below that range, from 6.1e-05 down, and at 3e-08 to zero.
const maxLoss = 1.0 / 2048

// loss sums up what values lose when they become F16.
type loss struct {
	err, norm float64 // sums of squares
	largest   float64 // magnitude
	nonzero   int
	zeroed    int // values that become zero without being it
}

func (l *loss) add(wide float32, half float16.Float16) {
	w, h := float64(wide), float64(half.Float32())
	l.err += (w - h) * (w - h)
	l.norm += w * w
	l.largest = math.Max(l.largest, math.Abs(w))
	if w != 0 {
		l.nonzero++
		if h == 0 {
			l.zeroed++
		}
	}
}

func (l *loss) merge(other loss) {
	l.err += other.err
	l.norm += other.norm
	l.largest = math.Max(l.largest, other.largest)
	l.nonzero += other.nonzero
	l.zeroed += other.zeroed
}

// isTooMuch says whether the values are too small for F16.
func (l *loss) isTooMuch() bool { return l.err > maxLoss*maxLoss*l.norm }

func (l *loss) String() string {
	return fmt.Sprintf("its values, at most %.2g, are too small for F16, which has steps of 6e-08 there: %d of %d would become zero, and together they would be off by %.2g %%",
		l.largest, l.zeroed, l.nonzero, 100*math.Sqrt(l.err/l.norm))
}

// exponent is the power of two that brings the largest value to about 1.
func (l *loss) exponent() int { return -math.Ilogb(l.largest) }

// oddities are the values of a tensor that are not finite.
type oddities struct {
	nans, infs int
	first      int64 // flat position of the first of either
}

func (o *oddities) add(x float16.Float16, at int64) {
	if o.nans+o.infs == 0 {
		o.first = at
	}
	if x.IsNaN() {
		o.nans++
	} else {
		o.infs++
	}
}

// text describes them, or is empty.
func (o *oddities) text(info Info) string {
	var what string
	switch {
	case o.nans+o.infs == 0:
		return ""
	case o.infs == 0:
		what = fmt.Sprintf("%d NaN", o.nans)
	case o.nans == 0:
		what = plural.Of(o.infs, "infinity", "infinities")
	default:
		what = fmt.Sprintf("%d NaN and %s", o.nans, plural.Of(o.infs, "infinity", "infinities"))
	}
	return fmt.Sprintf("%s holds %s, the first at %v: rows that attend them become NaN or infinite", info.Name, what, index(o.first, info.Shape))
}
