package quality

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/plural"
	"github.com/anchorvk/anchorvk/internal/tensorfile"
)

// Capture describes a file with q, k and v of one layer of a model. Its
// metadata may hold
//
//	model     the model's name
//	layer     the layer's number, counted from 0
//	heads     the model's numbers of the query heads in q, in order: "3,4,5"
//	kv_heads  the same of k and v (kv_head where there is one)
//
// Without them the file's place in the list is the layer, and heads are
// numbered as they stand.
type Capture struct {
	Path  string
	Model string
	Layer int
	Heads []int // number of each query head in the model
	Shape attention.Shape
	// Named says that the metadata number the heads, of which the model may have
	// others.
	Named bool
	// Generated says that the input is made up, and Path no file.
	Generated bool
}

// Describe says what is in the file that stands at a place in the list, of
// which the shape is known.
func Describe(file *tensorfile.File, path string, shape attention.Shape, place int) (Capture, error) {
	c := Capture{Path: path, Model: file.Metadata("model"), Layer: place, Shape: shape}
	fail := func(format string, args ...any) (Capture, error) {
		return c, &tensorfile.FormatError{Path: path, Why: fmt.Sprintf(format, args...)}
	}
	var err error
	if text := file.Metadata("layer"); text != "" {
		if c.Layer, err = strconv.Atoi(strings.TrimSpace(text)); err != nil || c.Layer < 0 {
			return fail("the metadata name layer %q, which is no number from 0", text)
		}
	}
	for h := range shape.Heads {
		c.Heads = append(c.Heads, h)
	}
	if text := file.Metadata("heads"); text != "" {
		if c.Heads, err = numbers(text, shape.Heads); err != nil {
			return fail("the metadata name heads %q for a q of %s: %v", text, plural.Of(shape.Heads, "head", "heads"), err)
		}
		c.Named = len(c.Heads) == 1 || strings.Contains(text, ",") // else it is how many there are
	}
	for _, key := range []string{"kv_heads", "kv_head"} {
		if text := file.Metadata(key); text != "" {
			if _, err := numbers(text, shape.KVHeads); err != nil {
				return fail("the metadata name %s %q for a k of %s: %v", key, text, plural.Of(shape.KVHeads, "head", "heads"), err)
			}
		}
	}
	return c, nil
}

// Holds says whether a head of the model is in the capture.
func (c Capture) Holds(layer, head int) bool {
	return layer == c.Layer && slices.Contains(c.Heads, head)
}

// numbers reads a list of so many different head numbers; a single number where
// there are several heads is how many the model has.
func numbers(text string, count int) ([]int, error) {
	parts := strings.Split(text, ",")
	all := make([]int, 0, count)
	seen := map[int]bool{}
	for _, part := range parts {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		switch {
		case err != nil || n < 0:
			return nil, fmt.Errorf("%q is no number from 0", part)
		case seen[n]:
			return nil, fmt.Errorf("%d is there twice", n)
		}
		seen[n] = true
		all = append(all, n)
	}
	if len(all) == 1 && count > 1 && all[0] == count {
		all = all[:0]
		for h := range count {
			all = append(all, h)
		}
	}
	if len(all) != count {
		return nil, fmt.Errorf("that is %d", len(all))
	}
	return all, nil
}
