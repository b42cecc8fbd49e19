package isa

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Print shows the table in Markdown, without the columns that the driver says
// nothing about, and sums it up.
func (t *Table) Print(out io.Writer) error {
	var known []column
	for _, c := range columns {
		for i := range t.Rows {
			if *c.value(&t.Rows[i]) != Unknown {
				known = append(known, c)
				break
			}
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	line := func(cells ...string) { fmt.Fprintf(w, "| %s\t|\n", strings.Join(cells, "\t| ")) }
	heads, rules := []string{"tier", "head_dim", "kernel", "size", "module", "shape"}, []string{"---", "--:", "---", "---", "---", "---"}
	for _, c := range known {
		heads, rules = append(heads, strings.ReplaceAll(c.name, "_", " ")), append(rules, "--:")
	}
	line(heads...)
	line(rules...)
	for i := range t.Rows {
		r := &t.Rows[i]
		cells := []string{r.Tier, strconv.Itoa(r.HeadDim), r.Kernel, r.Size, r.Module, r.Shape}
		for _, c := range known {
			cells = append(cells, show(*c.value(r)))
		}
		line(cells...)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, why := range t.Refused {
		fmt.Fprintln(out, "refused:", why)
	}
	_, err := fmt.Fprintln(out, t.Summary())
	return err
}

// Summary counts the pipelines and says which of those that a plan takes spill
// or use scratch memory.
func (t *Table) Summary() string {
	var planned, forced int
	var bad []string
	for i := range t.Rows {
		r := &t.Rows[i]
		if r.Size != PlanSize {
			forced++
			continue
		}
		planned++
		if r.Spills > 0 || r.Fills > 0 || r.Scratch > 0 {
			bad = append(bad, fmt.Sprintf("%s (%d spills, %d bytes of scratch)", r.Key, max(r.Spills, 0), max(r.Scratch, 0)))
		}
	}
	text := fmt.Sprintf("%d pipelines as planned and %d at other subgroup sizes; as planned ", planned, forced)
	if len(bad) == 0 {
		return text + "none spills or uses scratch memory"
	}
	return text + fmt.Sprintf("%d spill or use scratch memory:\n  %s", len(bad), strings.Join(bad, "\n  "))
}
