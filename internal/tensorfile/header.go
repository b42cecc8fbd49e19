package tensorfile

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// checkHeaderJSON rejects what a JSON decoder lets through: names that occur
// twice (the last one would win silently), and anything but spaces after the
// object. The decoding itself is left to the safetensors package.
func checkHeaderJSON(header []byte) error {
	if len(header) == 0 || header[0] != '{' {
		return fmt.Errorf("the header is not a JSON object")
	}
	dec := json.NewDecoder(bytes.NewReader(header))
	dec.UseNumber()
	if err := checkValue(dec, 0); err != nil {
		return err
	}
	if rest := bytes.Trim(header[dec.InputOffset():], " "); len(rest) != 0 {
		return fmt.Errorf("%d bytes follow the header's JSON object", len(rest))
	}
	return nil
}

// maxDepth of JSON nesting; the format needs three levels.
const maxDepth = 8

func checkValue(dec *json.Decoder, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("the header nests deeper than %d levels", maxDepth)
	}
	token, err := dec.Token()
	if err != nil {
		return fmt.Errorf("the header is not valid JSON: %w", err)
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for dec.More() {
		if delim == '{' {
			key, err := dec.Token()
			if err != nil {
				return fmt.Errorf("the header is not valid JSON: %w", err)
			}
			name, ok := key.(string)
			if !ok {
				return fmt.Errorf("the header is not valid JSON: %v where a name should be", key)
			}
			if seen[name] {
				return fmt.Errorf("the header has the name %q twice", name)
			}
			seen[name] = true
		}
		if err := checkValue(dec, depth+1); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("the header is not valid JSON: %w", err)
	}
	return nil
}
