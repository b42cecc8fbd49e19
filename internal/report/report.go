// Package report prints one value as a Markdown table, JSON, JSON lines or
// CSV.
//
// The records are structs with json tags; every format is derived from their
// JSON form, so a key is spelled once: the Markdown columns name keys of it,
// and CSV joins nested keys with an underscore. Numbers are never localised.
package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Schema is the version of the JSON output. It grows when a key changes its
// meaning or disappears; new keys leave it as it is.
const Schema = 1

// Format is an output format.
type Format string

// The formats, by the names that --output takes.
const (
	Markdown Format = "md"
	JSON     Format = "json"
	JSONL    Format = "jsonl"
	CSV      Format = "csv"
)

// Formats lists every format.
var Formats = []Format{Markdown, JSON, JSONL, CSV}

// ParseFormat returns the format of that name.
func ParseFormat(name string) (Format, error) {
	for _, f := range Formats {
		if name == string(f) {
			return f, nil
		}
	}
	return "", fmt.Errorf("unknown output format %q; choose md, json, jsonl or csv", name)
}

// Column is one column of the Markdown table.
type Column struct {
	Head  string // heading
	Key   string // key in the flattened record, e.g. "time_ms.total"
	Right bool   // align right in Markdown
	Width int    // at least, where rows come one by one
	// Show turns the JSON value (json.Number, string, bool or nil) into text;
	// nil prints it as it is, with "-" for null and for a missing key.
	Show func(value any) string
}

// Member is one more member of the JSON document beside the records.
type Member struct {
	Key   string
	Value any
}

// Document is a value to print.
type Document struct {
	// Key names the JSON member that holds the list of records. Empty means
	// that the document is its only record.
	Key     string
	Records []any
	Members []Member
	Columns []Column
	// Foot is printed under the Markdown table.
	Foot string
}

// Write prints the document. Nothing is written when encoding fails.
func (d Document) Write(w io.Writer, f Format) error {
	flat := make([]record, len(d.Records))
	for i, r := range d.Records {
		var err error
		if flat[i], err = flatten(r); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	var err error
	switch f {
	case Markdown:
		err = d.markdown(&b, flat)
	case JSON:
		err = d.json(&b)
	case JSONL:
		err = d.jsonl(&b)
	case CSV:
		err = writeCSV(&b, flat)
	default:
		_, err = ParseFormat(string(f))
	}
	if err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

func (d Document) markdown(b *bytes.Buffer, flat []record) error {
	w := tabwriter.NewWriter(b, 0, 0, 1, ' ', 0)
	row := func(cell func(Column) string) {
		for _, c := range d.Columns {
			fmt.Fprintf(w, "| %s\t", escape(cell(c)))
		}
		fmt.Fprintln(w, "|")
	}
	row(func(c Column) string { return c.Head })
	row(Column.rule)
	for _, r := range flat {
		row(func(c Column) string { return c.text(r) })
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if d.Foot != "" {
		fmt.Fprintln(b, d.Foot)
	}
	return nil
}

// rule is the column's cell in the line under the heads.
func (c Column) rule() string {
	if c.Right {
		return "--:"
	}
	return "---"
}

func (c Column) text(r record) string {
	value, ok := r.value(c.Key)
	switch {
	case !ok || value == nil:
		return "-"
	case c.Show != nil:
		return c.Show(value)
	}
	return fmt.Sprint(value)
}

// escape keeps a cell within its cell.
func escape(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\t", " ").Replace(s)
}

// json writes {"schema":1, members, key:[records]} with two-space indents.
func (d Document) json(b *bytes.Buffer) error {
	var compact bytes.Buffer
	if err := d.compact(&compact); err != nil {
		return err
	}
	if err := json.Indent(b, compact.Bytes(), "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	return nil
}

func (d Document) compact(b *bytes.Buffer) error {
	if d.Key == "" {
		if len(d.Records) != 1 {
			return fmt.Errorf("a document without a key has one record, not %d", len(d.Records))
		}
		return object(b, d.Records[0])
	}
	fmt.Fprintf(b, `{"schema":%d`, Schema)
	for _, m := range d.Members {
		text, err := encode(m.Value)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, `,%q:%s`, m.Key, text)
	}
	fmt.Fprintf(b, `,%q:[`, d.Key)
	for i, r := range d.Records {
		text, err := encode(r)
		if err != nil {
			return err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(text)
	}
	b.WriteString("]}")
	return nil
}

// jsonl writes one object a line, each with the schema.
func (d Document) jsonl(b *bytes.Buffer) error {
	for _, r := range d.Records {
		if err := object(b, r); err != nil {
			return err
		}
		b.WriteByte('\n')
	}
	return nil
}

// object writes a record with the schema as its first member.
func object(b *bytes.Buffer, r any) error {
	text, err := encode(r)
	if err != nil {
		return err
	}
	if len(text) < 2 || text[0] != '{' {
		return fmt.Errorf("a record must be a JSON object, not %s", text)
	}
	fmt.Fprintf(b, `{"schema":%d`, Schema)
	if text[1] != '}' {
		b.WriteByte(',')
	}
	b.Write(text[1:])
	return nil
}

// encode is json.Marshal without the HTML escapes.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// writeCSV writes a header line with every key in the order of its first
// appearance, then one line per record. Null and missing are empty.
func writeCSV(b *bytes.Buffer, flat []record) error {
	var keys []string
	seen := map[string]bool{}
	for _, r := range flat {
		for _, f := range r {
			if !seen[f.key] {
				seen[f.key] = true
				keys = append(keys, f.key)
			}
		}
	}
	w := csv.NewWriter(b)
	head := make([]string, len(keys))
	for i, k := range keys {
		head[i] = strings.ReplaceAll(k, ".", "_")
	}
	if err := w.Write(head); err != nil {
		return err
	}
	line := make([]string, len(keys))
	for _, r := range flat {
		for i, k := range keys {
			line[i] = ""
			if value, ok := r.value(k); ok && value != nil {
				line[i] = fmt.Sprint(value)
			}
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}
