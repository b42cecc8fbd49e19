package profile

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/anchorvk/anchorvk/attention"
)

// fields are the values of a JSON object by their exact names. The decoder's own
// way into a struct takes names in any case, and speaks of Go's types.
type fields map[string]any

// object returns the fields of a value that may have these names and no others,
// or says what is wrong. What is null counts as missing.
func object(value any, names ...string) (f fields, why string) {
	f, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Sprintf("%s stands where an object {...} with %s is needed", show(value), strings.Join(names, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if slices.Contains(names, name) {
			if f[name] == nil {
				delete(f, name)
			}
			continue
		}
		for _, known := range names {
			if strings.EqualFold(known, name) {
				return nil, fmt.Sprintf("the name %q is unknown; write %q, in small letters", name, known)
			}
		}
		return nil, fmt.Sprintf("the name %q is unknown; the names here are %s", name, strings.Join(names, ", "))
	}
	return f, ""
}

// show is a value as it stands in the file, cut where it is long.
func show(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case string:
		if runes := []rune(v); len(runes) > 40 {
			v = string(runes[:40]) + "..."
		}
		return strconv.Quote(v)
	}
	text := fmt.Sprint(value) // true, false or a number's digits
	if len(text) > 40 {
		text = text[:40] + "..."
	}
	return text
}

// whole reads a whole number, nil where there is none.
func (f fields) whole(name, instead string) (n *int, why string) {
	value, ok := f[name]
	if !ok {
		return nil, ""
	}
	if digits, ok := value.(json.Number); ok {
		if n, err := strconv.Atoi(digits.String()); err == nil {
			return &n, ""
		}
	}
	return nil, fmt.Sprintf("%s is %s; %s", name, show(value), instead)
}

// number reads a number, nil where there is none.
func (f fields) number(name, instead string) (x *float64, why string) {
	value, ok := f[name]
	if !ok {
		return nil, ""
	}
	if digits, ok := value.(json.Number); ok {
		if x, err := digits.Float64(); err == nil && !math.IsInf(x, 0) {
			return &x, ""
		}
	}
	return nil, fmt.Sprintf("%s is %s; %s", name, show(value), instead)
}

// text reads a text, "" where there is none.
func (f fields) text(name, instead string) (text, why string) {
	value, ok := f[name]
	if !ok {
		return "", ""
	}
	if text, ok = value.(string); !ok {
		return "", fmt.Sprintf("is %s; %s", show(value), instead)
	}
	return text, ""
}

// profile reads the file's outermost object.
func (f fields) profile() (*Profile, error) {
	schema, why := f.whole("schema", fmt.Sprintf("write %d, the format that this version reads", Schema))
	switch {
	case why != "":
		return nil, &Error{Why: why}
	case schema == nil:
		return nil, &Error{Where: "schema", Why: fmt.Sprintf("is missing; this version reads %d", Schema)}
	case *schema != Schema:
		return nil, &Error{Where: "schema", Why: fmt.Sprintf("%d is not supported, this version reads %d; make the profile again", *schema, Schema)}
	}
	p := &Profile{}
	if p.Model, why = f.text("model", "write the model's name in quotes, or leave model out"); why != "" {
		return nil, &Error{Where: "model", Why: why}
	}
	if p.Preset, why = f.text("preset", `write a name in quotes, such as "safe"`); why != "" {
		return nil, &Error{Where: "preset", Why: why}
	}
	if _, ok := f["preset"]; !ok {
		return nil, &Error{Where: "preset", Why: "is missing; name one such as safe"}
	}
	heads, ok := f["heads"].([]any)
	if _, there := f["heads"]; there && !ok {
		return nil, &Error{Where: "heads", Why: fmt.Sprintf("is %s; write a list [...] with an object for each head, or leave heads out", show(f["heads"]))}
	}
	p.Heads = make([]Head, len(heads))
	for i, value := range heads {
		entry, why := object(value, "layer", "head", "mode", "theta", "weight")
		if why == "" {
			p.Heads[i], why = entry.head()
		}
		if why != "" {
			return nil, &Error{Where: fmt.Sprintf("heads[%d]", i), Why: why}
		}
	}
	return p, nil
}

// modes are those that a head can have in a file.
var modes = []attention.HeadMode{attention.HeadAnchor, attention.HeadDense, attention.HeadAnchorOnly}

// mode reads a head's mode, nil where there is none.
func (f fields) mode() (mode *attention.HeadMode, why string) {
	value, ok := f["mode"]
	if !ok {
		return nil, ""
	}
	for _, mode := range modes {
		if value == mode.String() {
			return &mode, ""
		}
	}
	return nil, fmt.Sprintf(`mode is %s; write "anchor", "dense" or "anchor_only", or leave the head out where the preset's way suits it`, show(value))
}

// head reads an entry, or says what it lacks or has too much.
func (f fields) head() (h Head, why string) {
	layer, why := f.whole("layer", "write a whole number that counts from 0")
	if why != "" {
		return h, why
	}
	head, why := f.whole("head", "write a whole number that counts from 0")
	if why != "" {
		return h, why
	}
	mode, why := f.mode()
	if why != "" {
		return h, why
	}
	theta, why := f.number("theta", "write a finite number such as 8, without quotes")
	if why != "" {
		return h, why
	}
	weight, why := f.number("weight", "write a number above 0 such as 0.2, without quotes")
	if why != "" {
		return h, why
	}
	switch {
	case layer == nil || head == nil:
		return h, "layer and head are both needed, counted from 0"
	case mode == nil && theta == nil && weight == nil:
		return h, "mode, theta and weight are all missing; say what the head has of its own"
	case theta != nil && weight != nil:
		return h, "has both theta and weight; pooled rows use the one, sampled rows the other"
	case mode != nil && *mode == attention.HeadAnchor && theta == nil && weight == nil:
		return h, "mode anchor needs a theta, or a weight"
	case mode != nil && *mode != attention.HeadAnchor && theta != nil:
		return h, fmt.Sprintf("mode %v has no theta; leave theta out", *mode)
	case mode != nil && *mode != attention.HeadAnchor && weight != nil:
		return h, fmt.Sprintf("mode %v has no weight; leave weight out", *mode)
	case weight != nil && *weight == 0: // which Own would take for a theta
		return h, "weight is 0; use a number above 0 such as 0.2, or mode dense for every key"
	}
	h = Head{Layer: *layer, Head: *head, Own: attention.Head{Mode: attention.HeadAnchor}}
	if mode != nil {
		h.Own.Mode = *mode
	}
	if theta != nil {
		h.Own.Theta = *theta
	}
	if weight != nil {
		h.Own.Weight = *weight
	}
	return h, ""
}
