package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Stream prints the records of a document as they come, so that work that is
// cut short has shown what it found: rows of a Markdown table and JSON lines at
// once. JSON and CSV, which are one whole, come with Close.
type Stream struct {
	// Document gives columns; Members and Foot may be set until Close.
	Document

	w      io.Writer
	format Format
	widths []int // of the table's columns, from its head and first row
}

// NewStream returns a stream of the document, whose Records are empty.
func NewStream(d Document, w io.Writer, f Format) *Stream {
	return &Stream{Document: d, w: w, format: f}
}

// Add adds a record. Nothing is written when encoding fails.
func (s *Stream) Add(r any) error {
	flat, err := flatten(r)
	if err != nil {
		return err
	}
	s.Records = append(s.Records, r)
	var b bytes.Buffer
	switch s.format {
	case Markdown:
		s.row(&b, flat)
	case JSONL:
		err = Document{Records: []any{r}}.jsonl(&b)
	}
	if err != nil || b.Len() == 0 {
		return err
	}
	_, err = s.w.Write(b.Bytes())
	return err
}

// row prints a row of the table, before the first one its head.
func (s *Stream) row(b *bytes.Buffer, flat record) {
	cells := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		cells[i] = escape(c.text(flat))
	}
	if s.widths == nil {
		heads, rules := make([]string, len(cells)), make([]string, len(cells))
		s.widths = make([]int, len(cells))
		for i, c := range s.Columns {
			heads[i], rules[i] = escape(c.Head), c.rule()
			s.widths[i] = max(c.Width, utf8.RuneCountInString(heads[i]), len(rules[i]), utf8.RuneCountInString(cells[i]))
		}
		s.line(b, heads)
		s.line(b, rules)
	}
	s.line(b, cells)
}

func (s *Stream) line(b *bytes.Buffer, cells []string) {
	for i, cell := range cells {
		fmt.Fprintf(b, "| %s%s ", cell, strings.Repeat(" ", max(0, s.widths[i]-utf8.RuneCountInString(cell))))
	}
	b.WriteString("|\n")
}

// Close prints what is left: the foot of a table, or the whole of a format that
// cannot come in parts.
func (s *Stream) Close() error {
	switch s.format {
	case Markdown:
		if s.widths == nil {
			return s.Write(s.w, s.format)
		}
		if s.Foot == "" {
			return nil
		}
		_, err := fmt.Fprintln(s.w, s.Foot)
		return err
	case JSONL:
		return nil
	}
	return s.Write(s.w, s.format)
}
