package isa

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

var keyColumns = []string{"tier", "head_dim", "kernel", "size", "module", "shape"}

// header names the columns of a file.
func header() []string {
	names := slices.Clone(keyColumns)
	for _, c := range columns {
		names = append(names, c.name)
	}
	return names
}

// Write stores a table as CSV behind a line with the driver, in an order that
// does not depend on the order of its rows.
func (t *Table) Write(w io.Writer) error {
	rows := slices.Clone(t.Rows)
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.HeadDim, b.HeadDim), cmp.Compare(a.Kernel, b.Kernel), cmp.Compare(a.Size, b.Size))
	})
	if _, err := fmt.Fprintf(w, "# %s\n", t.Driver); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	_ = out.Write(header())
	for i := range rows {
		r := &rows[i]
		record := []string{r.Tier, strconv.Itoa(r.HeadDim), r.Kernel, r.Size, r.Module, r.Shape}
		for _, c := range columns {
			record = append(record, show(*c.value(r)))
		}
		_ = out.Write(record)
	}
	out.Flush()
	return out.Error()
}

// show prints a figure; unknown ones are empty.
func show(v int) string {
	if v == Unknown {
		return ""
	}
	return strconv.Itoa(v)
}

// Read reads what Write wrote.
func Read(r io.Reader) (Table, error) {
	all, err := io.ReadAll(r)
	if err != nil {
		return Table{}, err
	}
	first, rest, _ := strings.Cut(string(all), "\n")
	driver, ok := strings.CutPrefix(first, "# ")
	if !ok {
		return Table{}, fmt.Errorf("isa: the first line is %q, not # and the driver", first)
	}
	t := Table{Driver: driver}
	records, err := csv.NewReader(strings.NewReader(rest)).ReadAll()
	if err != nil {
		return Table{}, fmt.Errorf("isa: %w", err)
	}
	if len(records) == 0 || !slices.Equal(records[0], header()) {
		return Table{}, fmt.Errorf("isa: the columns are not those of this version: %s", strings.Join(header(), ","))
	}
	for i, record := range records[1:] {
		row := Row{Key: Key{Tier: record[0], Kernel: record[2], Size: record[3]}, Module: record[4], Shape: record[5]}
		if row.HeadDim, err = strconv.Atoi(record[1]); err != nil {
			return Table{}, fmt.Errorf("isa: row %d: head_dim: %w", i+1, err)
		}
		for j, c := range columns {
			v := c.value(&row)
			*v = Unknown
			if text := record[len(keyColumns)+j]; text != "" {
				if *v, err = strconv.Atoi(text); err != nil {
					return Table{}, fmt.Errorf("isa: row %d: %s: %w", i+1, c.name, err)
				}
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}
