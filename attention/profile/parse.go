package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/plural"
)

// MaxSize bounds what Load and Parse take, in bytes: 100,000 heads fit.
const MaxSize = 16 << 20

// document is the JSON form. Pointers tell what is missing from what is zero.
type document struct {
	Schema *int    `json:"schema"`
	Model  string  `json:"model"`
	Preset *string `json:"preset"`
	Heads  []entry `json:"heads"`
}

type entry struct {
	Layer  *int                `json:"layer"`
	Head   *int                `json:"head"`
	Mode   *attention.HeadMode `json:"mode,omitempty"`
	Theta  *float64            `json:"theta,omitempty"`
	Weight *float64            `json:"weight,omitempty"`
}

// Load reads the profile in a file. Errors are [*Error] and name the file.
func Load(path string) (*Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &Error{Path: path, Why: "no such file; make one with `anchorvk eval --target recall=0.98 --profile-out FILE`"}
		}
		return nil, &Error{Path: path, Why: "cannot be opened: " + plain(err).Error()}
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, &Error{Path: path, Why: "cannot be read: " + plain(err).Error()}
	}
	p, err := Parse(text)
	var wrong *Error
	if errors.As(err, &wrong) {
		wrong.Path = path
	}
	return p, err
}

// plain drops the operation and path of a PathError.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Parse reads a profile. Unknown names, names that occur twice, text after the
// object, missing numbers and all that [Profile.Validate] names are an
// [*Error].
func Parse(text []byte) (*Profile, error) {
	if len(text) > MaxSize {
		return nil, &Error{Why: fmt.Sprintf("more than %d bytes; this is no profile", MaxSize)}
	}
	if err := checkNames(text); err != nil {
		return nil, err
	}
	var doc document
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, &Error{Why: "not a profile: " + err.Error()}
	}
	switch {
	case doc.Schema == nil:
		return nil, &Error{Where: "schema", Why: fmt.Sprintf("is missing; this version reads %d", Schema)}
	case *doc.Schema != Schema:
		return nil, &Error{Where: "schema", Why: fmt.Sprintf("%d is not supported, this version reads %d; make the profile again", *doc.Schema, Schema)}
	case doc.Preset == nil:
		return nil, &Error{Where: "preset", Why: "is missing; name one such as safe"}
	}
	p := &Profile{Model: doc.Model, Preset: *doc.Preset, Heads: make([]Head, len(doc.Heads))}
	for i, e := range doc.Heads {
		var why string
		if p.Heads[i], why = e.head(); why != "" {
			return nil, &Error{Where: fmt.Sprintf("heads[%d]", i), Why: why}
		}
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// head says what an entry lacks, "" for nothing.
func (e entry) head() (h Head, lacks string) {
	switch {
	case e.Layer == nil || e.Head == nil:
		return h, "layer and head are both needed, counted from 0"
	case e.Mode == nil && e.Theta == nil && e.Weight == nil:
		return h, "mode, theta and weight are all missing; say what the head has of its own"
	case e.Theta != nil && e.Weight != nil:
		return h, "has both theta and weight; pooled rows use the one, sampled rows the other"
	case e.Mode != nil && *e.Mode == attention.HeadAnchor && e.Theta == nil && e.Weight == nil:
		return h, "mode anchor needs a theta, or a weight"
	}
	h = Head{Layer: *e.Layer, Head: *e.Head, Own: attention.Head{Mode: attention.HeadAnchor}}
	if e.Mode != nil {
		h.Own.Mode = *e.Mode
	}
	if e.Theta != nil {
		if h.Own.Theta = *e.Theta; h.Own.Mode != attention.HeadAnchor {
			return h, fmt.Sprintf("mode %v has no theta; leave theta out", h.Own.Mode)
		}
	}
	if e.Weight != nil {
		if h.Own.Weight = *e.Weight; h.Own.Mode != attention.HeadAnchor {
			return h, fmt.Sprintf("mode %v has no weight; leave weight out", h.Own.Mode)
		}
		if h.Own.Weight == 0 { // which Own would take for a theta
			return h, "weight is 0; use a number above 0 such as 0.2, or mode dense for every key"
		}
	}
	return h, ""
}

// checkNames walks the JSON for names that occur twice in an object, of which
// a decoder would silently take the last, and for text after it.
func checkNames(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := checkValue(dec, 0); err != nil {
		return err
	}
	if rest := bytes.TrimSpace(text[dec.InputOffset():]); len(rest) > 0 {
		return &Error{Why: plural.Of(len(rest), "byte follows", "bytes follow") + " the JSON object"}
	}
	return nil
}

// maxDepth of nested JSON; a profile has three levels.
const maxDepth = 8

func checkValue(dec *json.Decoder, depth int) error {
	broken := func(err error) error {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return &Error{Why: "not valid JSON: " + err.Error()}
	}
	token, err := dec.Token()
	if err != nil {
		return broken(err)
	}
	delim, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if depth >= maxDepth {
		return &Error{Why: fmt.Sprintf("nests deeper than %d levels; this is no profile", maxDepth)}
	}
	seen := map[string]bool{}
	for dec.More() {
		if delim == '{' {
			key, err := dec.Token()
			if err != nil {
				return broken(err)
			}
			name, _ := key.(string) // a decoder gives no other key
			if seen[name] {
				return &Error{Why: fmt.Sprintf("the name %q is there twice in one object", name)}
			}
			seen[name] = true
		}
		if err := checkValue(dec, depth+1); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return broken(err)
	}
	return nil
}

// Encode returns the profile as JSON that [Parse] reads, one head a line.
func (p *Profile) Encode() ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	model, err := json.Marshal(p.Model)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "{\"schema\":%d,\"model\":%s,\"preset\":%q,\"heads\":[", Schema, model, p.Preset)
	for i, h := range p.Heads {
		e := entry{Layer: &h.Layer, Head: &h.Head}
		switch {
		case h.Own.Mode == attention.HeadAnchor && h.Own.Weight != 0:
			e.Weight = &h.Own.Weight
		case h.Own.Mode == attention.HeadAnchor:
			e.Theta = &h.Own.Theta
		default:
			e.Mode = &h.Own.Mode
		}
		line, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n  ")
		b.Write(line)
	}
	b.WriteString("]}\n")
	return b.Bytes(), nil
}
