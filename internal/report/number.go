package report

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Float is a measured number. JSON has no NaN and no infinities, so they
// become null; null is read back as NaN.
type Float float64

// MarshalJSON writes the shortest text that reads back as the same number.
func (f Float) MarshalJSON() ([]byte, error) {
	if v := float64(f); math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

// UnmarshalJSON reads a number or null.
func (f *Float) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*f = Float(math.NaN())
		return nil
	}
	return json.Unmarshal(text, (*float64)(f))
}

// Limit is a setting for which infinity is a meaning of its own, such as
// theta: JSON has it as the texts "inf" and "-inf".
type Limit float64

// MarshalJSON writes a number, "inf" or "-inf".
func (l Limit) MarshalJSON() ([]byte, error) {
	switch v := float64(l); {
	case math.IsInf(v, 1):
		return []byte(`"inf"`), nil
	case math.IsInf(v, -1):
		return []byte(`"-inf"`), nil
	default:
		return json.Marshal(v)
	}
}

// UnmarshalJSON reads what MarshalJSON writes.
func (l *Limit) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case `"inf"`:
		*l = Limit(math.Inf(1))
		return nil
	case `"-inf"`:
		*l = Limit(math.Inf(-1))
		return nil
	}
	return json.Unmarshal(text, (*float64)(l))
}

// Fixed shows a number with so many decimals.
func Fixed(decimals int) func(any) string {
	return number(func(v float64) string { return strconv.FormatFloat(v, 'f', decimals, 64) })
}

// Percent shows a share as a percentage.
func Percent(decimals int) func(any) string {
	return number(func(v float64) string { return strconv.FormatFloat(100*v, 'f', decimals, 64) + " %" })
}

// Short shows a number with three significant digits.
func Short(value any) string {
	return number(func(v float64) string { return fmt.Sprintf("%.3g", v) })(value)
}

// Bytes shows a byte count in binary units.
func Bytes(value any) string {
	return number(func(v float64) string {
		for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
			if v < 1024 {
				return fmt.Sprintf("%.4g %s", v, unit)
			}
			v /= 1024
		}
		return fmt.Sprintf("%.4g TiB", v)
	})(value)
}

// number applies show to numbers and prints anything else as it is.
func number(show func(float64) string) func(any) string {
	return func(value any) string {
		if n, ok := value.(json.Number); ok {
			if v, err := n.Float64(); err == nil {
				return show(v)
			}
		}
		return fmt.Sprint(value)
	}
}
