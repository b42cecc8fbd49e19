package tuning

import (
	"fmt"
	"slices"
	"strings"
)

// Load is how kernels read K and V.
type Load string

// Ways to read K and V.
const (
	LoadUint    Load = "uint"    // words of 16 bytes, which are unpacked or pass through shared memory
	LoadHalf    Load = "half"    // halves, through bindings
	LoadAddress Load = "address" // halves, through addresses of buffers
)

// Layout is how queries lie in matrices of scores that stay in registers
// (shaders/include/registers_layout.glsl): always in tier coop2, in tier coop where
// it is chosen. "" where scores pass through shared memory, and where there are
// no matrices.
type Layout string

// Layouts of scores in registers.
const (
	LayoutRows    Layout = "rows"
	LayoutColumns Layout = "columns"
)

// Way is how kernels take their tensors. Kernels that keep scores in registers
// load K and V in one way only, so that a single word stands for both in
// JSON and in PlanOptions.Tuning: the layout where there is one, else the load.
type Way struct {
	Load   Load
	Layout Layout
}

// The ways that there are.
var (
	wayAddress = Way{Load: LoadAddress}
	wayHalf    = Way{Load: LoadHalf}
	wayUint    = Way{Load: LoadUint}
	wayRows    = Way{LoadUint, LayoutRows}
	wayColumns = Way{LoadUint, LayoutColumns}
)

// Ways are all of them; [Way.fit] says which a tier has.
func Ways() []Way { return []Way{wayAddress, wayHalf, wayUint, wayRows, wayColumns} }

// String is the word for a way.
func (w Way) String() string {
	if w.Layout != "" {
		return string(w.Layout)
	}
	return string(w.Load)
}

// MarshalText writes the word.
func (w Way) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads the word; "" leaves the way open.
func (w *Way) UnmarshalText(text []byte) (err error) {
	if *w = (Way{}); len(text) > 0 {
		*w, err = parseWay(string(text))
	}
	return err
}

func parseWay(word string) (Way, error) {
	var words []string
	for _, w := range Ways() {
		words = append(words, w.String())
	}
	if i := slices.Index(words, word); i >= 0 {
		return Ways()[i], nil
	}
	return Way{}, fmt.Errorf("has the way %q; there are %s", word, strings.Join(words, ", "))
}

// place is where a layout has the scores of queries, in words.
func (l Layout) place() string {
	if l == "" {
		return "rows outside of registers"
	}
	return string(l) + " of matrices in registers"
}
