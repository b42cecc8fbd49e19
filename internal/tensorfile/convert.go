package tensorfile

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/x448/float16"
)

// converter returns the function that fills out from little-endian bytes,
// and the bytes per element. The function returns the position of the first
// finite value that does not fit F16, or -1.
func converter(dtype string) (convert func(out []float16.Float16, in []byte) int, width int, err error) {
	switch dtype {
	case "F16":
		return func(out []float16.Float16, in []byte) int {
			for i := range out {
				out[i] = float16.Frombits(binary.LittleEndian.Uint16(in[2*i:]))
			}
			return -1
		}, 2, nil
	case "BF16", "F32":
		width = 4
		if dtype == "BF16" {
			width = 2
		}
		return func(out []float16.Float16, in []byte) int {
			for i := range out {
				wide := decode(dtype, in[i*width:])
				out[i] = float16.Fromfloat32(wide) // rounds to nearest even
				if out[i].IsInf(0) && !math.IsInf(float64(wide), 0) {
					return i
				}
			}
			return -1
		}, width, nil
	}
	return nil, 0, fmt.Errorf("dtype %s is not supported; save it as F16, BF16 or F32", dtype)
}

// decode reads one BF16 or F32 element.
func decode(dtype string, in []byte) float32 {
	if dtype == "BF16" {
		return math.Float32frombits(uint32(binary.LittleEndian.Uint16(in)) << 16)
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(in))
}
