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

// entry is a head as Encode writes it. Pointers leave out what the head lacks.
type entry struct {
	Layer  int                 `json:"layer"`
	Head   int                 `json:"head"`
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
	if err != nil {
		return nil, err
	}
	p.path = path // for the errors of later
	return p, nil
}

// plain drops the operation and path of a PathError.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Parse reads a profile. Unknown names, also those that differ in case only,
// names that occur twice, text after the object, missing numbers and all that
// [Profile.Validate] names are an [*Error].
func Parse(text []byte) (*Profile, error) {
	if len(text) > MaxSize {
		return nil, &Error{Why: fmt.Sprintf("more than %d bytes; this is no profile", MaxSize)}
	}
	if err := checkNames(text); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, &Error{Why: "not valid JSON: " + err.Error()}
	}
	doc, why := object(tree, "schema", "model", "preset", "heads")
	if why != "" {
		return nil, &Error{Why: "not a profile: " + why}
	}
	p, err := doc.profile()
	if err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// checkNames walks the JSON for names that occur twice in an object, of which
// a decoder would silently take the last, and for text after it.
func checkNames(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // one too large for a float64 is refused later, by its name
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
		e := entry{Layer: h.Layer, Head: h.Head}
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
