package tensorfile

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/anchorvk/anchorvk/internal/plural"
)

// Bounds of a header beside its bytes, so that a hostile or a strange file
// costs little memory and time. Files of the largest models stay far below.
const (
	maxNames = 1 << 17 // tensors and entries of metadata together
	maxRank  = 32
	maxDepth = 8 // of JSON; the format needs three levels
)

// entry is what the header says of a tensor.
type entry struct {
	dtype      string
	shape      []uint64
	begin, end uint64 // byte range within the data
}

// headerReader decodes the JSON header as it is read: what a general decoder
// would keep of a large header, or let through, such as names that occur twice,
// is refused on the way.
type headerReader struct {
	dec   *json.Decoder
	names int
	meta  map[string]string
}

// described are the names of metadata that are kept; others are passed over.
var described = map[string]bool{"model": true, "layer": true, "heads": true, "kv_heads": true, "kv_head": true}

// contextReader ends reading when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// readHeader reads the header's object and whatever follows it, which may only
// be spaces. Errors are those of ctx or say what is wrong.
func readHeader(ctx context.Context, r io.Reader) (map[string]entry, map[string]string, error) {
	buffered := bufio.NewReaderSize(&unicodeReader{r: contextReader{ctx, r}}, 1<<16)
	if first, err := buffered.Peek(1); err != nil || first[0] != '{' {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		return nil, nil, errNoObject
	}
	h := &headerReader{dec: json.NewDecoder(buffered), meta: map[string]string{}}
	h.dec.UseNumber()
	entries, err := h.entries()
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err != nil {
		return nil, nil, err
	}
	rest, wrong := 0, false
	for after := bufio.NewReader(io.MultiReader(h.dec.Buffered(), buffered)); ; rest++ {
		b, err := after.ReadByte()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		wrong = wrong || b != ' '
	}
	if wrong {
		return nil, nil, fmt.Errorf("%s the header's JSON object", plural.Of(rest, "byte follows", "bytes follow"))
	}
	return entries, h.meta, nil
}

var errNoObject = fmt.Errorf("the header is not a JSON object")

func (h *headerReader) entries() (map[string]entry, error) {
	entries := map[string]entry{}
	err := h.object("the header", func(name string) error {
		if name == "__metadata__" {
			return h.object("__metadata__", h.describe)
		}
		e, err := h.entry(name)
		entries[name] = e
		return err
	})
	return entries, err
}

// describe reads one value of the metadata.
func (h *headerReader) describe(name string) error {
	if !described[name] {
		return h.skip(0)
	}
	token, err := h.token()
	if err != nil {
		return err
	}
	text, ok := token.(string)
	if !ok {
		return fmt.Errorf("the metadata have a %s that is no text", name)
	}
	h.meta[name] = text
	return nil
}

// entry reads one tensor's object.
func (h *headerReader) entry(name string) (e entry, err error) {
	missing := map[string]bool{"dtype": true, "shape": true, "data_offsets": true}
	what := fmt.Sprintf("tensor %q", name)
	err = h.object(what, func(field string) error {
		delete(missing, field)
		var err error
		switch field {
		case "dtype":
			var token json.Token
			if token, err = h.token(); err == nil {
				var ok bool
				if e.dtype, ok = token.(string); !ok {
					err = fmt.Errorf("%s: dtype is %v, not a name", what, token)
				}
			}
		case "shape":
			e.shape, err = h.numbers(what+": shape", maxRank)
		case "data_offsets":
			var offsets []uint64
			if offsets, err = h.numbers(what+": data_offsets", 2); err == nil {
				if len(offsets) != 2 {
					return fmt.Errorf("%s: data_offsets are %s, not 2", what, plural.Of(len(offsets), "number", "numbers"))
				}
				e.begin, e.end = offsets[0], offsets[1]
			}
		default:
			err = h.skip(0)
		}
		return err
	})
	for _, field := range []string{"dtype", "shape", "data_offsets"} {
		if err == nil && missing[field] {
			err = fmt.Errorf("%s: %s is missing", what, field)
		}
	}
	return e, err
}

func (h *headerReader) token() (json.Token, error) {
	token, err := h.dec.Token()
	if err != nil {
		return nil, fmt.Errorf("the header is not valid JSON: %w", err)
	}
	return token, nil
}

// object reads an object and calls field for each name, to read its value.
func (h *headerReader) object(what string, field func(name string) error) error {
	token, err := h.token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		return fmt.Errorf("%s is no JSON object", what)
	}
	seen := map[string]bool{}
	for h.dec.More() {
		if token, err = h.token(); err != nil {
			return err
		}
		name, ok := token.(string)
		switch {
		case !ok:
			return fmt.Errorf("the header is not valid JSON: %v where a name should be", token)
		case seen[name]:
			return fmt.Errorf("the header has the name %q twice", name)
		}
		if h.names++; h.names > 5*maxNames || len(seen) >= maxNames {
			return fmt.Errorf("the header has more than %d names; save q, k and v in a file of their own", maxNames)
		}
		seen[name] = true
		if err := field(name); err != nil {
			return err
		}
	}
	_, err = h.token()
	return err
}

// numbers reads a list of whole numbers from 0 on.
func (h *headerReader) numbers(what string, most int) ([]uint64, error) {
	token, err := h.token()
	if err != nil {
		return nil, err
	}
	if token != json.Delim('[') {
		return nil, fmt.Errorf("%s is no list", what)
	}
	all := []uint64{}
	for h.dec.More() {
		if token, err = h.token(); err != nil {
			return nil, err
		}
		text, ok := token.(json.Number)
		n, wrong := strconv.ParseUint(text.String(), 10, 64)
		switch {
		case !ok || wrong != nil:
			return nil, fmt.Errorf("%s holds %v, which is no whole number from 0 to 2^64-1", what, token)
		case len(all) == most:
			return nil, fmt.Errorf("%s has more than %d numbers", what, most)
		}
		all = append(all, n)
	}
	_, err = h.token()
	return all, err
}

// skip passes over a value that means nothing here.
func (h *headerReader) skip(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("the header nests deeper than %d levels", maxDepth)
	}
	token, err := h.token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		for h.dec.More() {
			if _, err := h.token(); err != nil { // the name
				return err
			}
			if err := h.skip(depth + 1); err != nil {
				return err
			}
		}
	case json.Delim('['):
		for h.dec.More() {
			if err := h.skip(depth + 1); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	_, err = h.token()
	return err
}
