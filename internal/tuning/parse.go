package tuning

import (
	"strconv"
	"strings"

	"github.com/anchorvk/anchorvk/attention/problem"
)

// fields are what Parse reads, for each kernel.
func (c *ShapeChoice) fields() map[string]*int {
	return map[string]*int{"subgroups": &c.Subgroups, "local": &c.Local, "lanes": &c.Lanes, "rows": &c.Rows, "keys": &c.Keys, "slices": &c.Slices}
}

// Parse reads a choice as PlanOptions.Tuning has it: "rows=32,keys=16" for the
// attention kernels, "identify.rows=16" for the stripe search, "way=uint",
// "subgroup_size=32", "matrix=16x8x16", "range=4096". Errors are
// [*problem.ArgumentError] on the field, which is where the text is from.
func Parse(field, text string) (c Choice, err error) {
	fail := func(what string, args ...any) (Choice, error) {
		return Choice{}, problem.Errorf(field, "use choices such as rows=2,keys=4,identify.rows=2,way=uint "+
			"(rows, keys, lanes, slices, and local or subgroups; way, subgroup_size, matrix, range)", what, args...)
	}
	for _, part := range strings.Split(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return fail("holds %q, which is no name=value", part)
		}
		if name == "way" {
			if c.Way, err = parseWay(value); err != nil {
				return fail("%v", err)
			}
			continue
		}
		if name == "matrix" {
			if c.Matrix, ok = parseMatrix(value); !ok {
				return fail("has the matrix product %q, which is not like 16x8x16", value)
			}
			continue
		}
		to := &c.SubgroupSize
		if name == "range" {
			to = &c.Range
		} else if name != "subgroup_size" {
			shape, field := &c.Attend, name
			if rest, found := strings.CutPrefix(name, "identify."); found {
				shape, field = &c.Identify, rest
			}
			if to = shape.fields()[field]; to == nil {
				return fail("names %q, which cannot be chosen", name)
			}
		}
		if *to, err = strconv.Atoi(value); err != nil || *to < 1 || *to > mostOfAny {
			return fail("has %s=%s, which is no whole number from 1 to %d", name, value, mostOfAny)
		}
	}
	for _, s := range []ShapeChoice{c.Attend, c.Identify} {
		if s.Local != 0 && s.Subgroups != 0 {
			return fail("gives the size of a workgroup twice, as local and as subgroups")
		}
	}
	return c, nil
}
