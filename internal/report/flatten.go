package report

import (
	"bytes"
	"encoding/json"
	"strings"
)

// field is one leaf of a record: nested keys joined by dots, and the value.
type field struct {
	key   string
	value any // json.Number, string, bool or nil
}

// record is a flattened value with its keys in the order of the struct.
type record []field

func (r record) value(key string) (any, bool) {
	for _, f := range r {
		if f.key == key {
			return f.value, true
		}
	}
	return nil, false
}

// flatten turns a value into its leaves. A list of scalars becomes one text
// joined by ";", a list of objects its JSON text.
func flatten(v any) (record, error) {
	text, err := encode(v)
	if err != nil {
		return nil, err
	}
	var r record
	err = r.walk("", text)
	return r, err
}

func (r *record) walk(prefix string, text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if len(text) == 0 || text[0] != '{' {
		var value any
		if err := dec.Decode(&value); err != nil {
			return err
		}
		if list, ok := value.([]any); ok {
			value = join(list, text)
		}
		*r = append(*r, field{prefix, value})
		return nil
	}
	if _, err := dec.Token(); err != nil { // the opening brace
		return err
	}
	if prefix != "" {
		prefix += "."
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		if err := r.walk(prefix+key.(string), value); err != nil {
			return err
		}
	}
	return nil
}

// join prints a list of scalars; anything nested stays JSON.
func join(list []any, text []byte) string {
	parts := make([]string, len(list))
	for i, item := range list {
		switch x := item.(type) {
		case json.Number:
			parts[i] = x.String()
		case string:
			parts[i] = x
		default:
			return string(text)
		}
	}
	return strings.Join(parts, ";")
}
