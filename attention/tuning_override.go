package attention

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/anchorvk/anchorvk/vk"
)

// TuningOverride is a choice that goes before the tuning table's.
type TuningOverride struct {
	// Tier and HeadDim are what it is for; "" and 0: all.
	Tier    Tier
	HeadDim int
	// Choice replaces what it names; its zero fields leave the rest as it is.
	Choice TuningChoice
	// From and Why go into the plan: where the choice comes from, and its reason.
	From, Why string
	// Must makes a choice that the device or a kernel cannot take an
	// [*ArgumentError]; else it is left out, and the plan says why.
	Must bool
}

func (o *TuningOverride) isFor(tier Tier, headDim int) bool {
	return (o.Tier == "" || o.Tier == tier) && (o.HeadDim == 0 || o.HeadDim == headDim)
}

// tune takes the kernels' shape from the tuning table, and then from the
// overrides, of which later ones go before earlier ones.
func tune(r *vk.Report, tier Tier, headDim int, overrides []TuningOverride) (Tuning, error) {
	entry := lookUp(r, tier, headDim)
	choice := entry.choice
	t := choice.resolve(r, tier, headDim)
	t.From, t.Why = "table "+entry.name, entry.why
	for i := range overrides {
		o := &overrides[i]
		if !o.isFor(tier, headDim) {
			continue
		}
		next := o.Choice.over(choice)
		tuned := next.resolve(r, tier, headDim)
		problem := illegal(r, tier, headDim, tuned)
		if problem == "" {
			problem = o.Choice.unmet(tier, tuned)
		}
		switch {
		case problem == "":
			choice, t = next, tuned
			t.From, t.Why = o.From, o.Why
		case o.Must:
			return t, argument(o.From, "use other values, or none; --explain shows the choice of the table", "cannot be: %s", problem)
		default:
			t.Why += fmt.Sprintf("; %s is left out: %s", o.From, problem)
		}
	}
	return t, nil
}

// over replaces in base what c names.
func (c TuningChoice) over(base TuningChoice) TuningChoice {
	if base.Identify == (ShapeChoice{}) {
		base.Identify = base.Attend
	}
	if c.Way != "" {
		base.Way = c.Way
	}
	if c.SubgroupSize != 0 {
		base.SubgroupSize = c.SubgroupSize
	}
	if c.Matrix != (MatrixShape{}) {
		base.Matrix = c.Matrix
	}
	if c.Range != 0 {
		base.Range = c.Range
	}
	base.Attend, base.Identify = c.Attend.over(base.Attend), c.Identify.over(base.Identify)
	return base
}

func (c ShapeChoice) over(base ShapeChoice) ShapeChoice {
	if c.Local != 0 || c.Subgroups != 0 {
		base.Local, base.Subgroups = c.Local, c.Subgroups
	}
	base.Lean = base.Lean || c.Lean
	if c.Rows != 0 {
		base.Rows, base.Elements = c.Rows, c.Elements
	}
	for _, f := range []struct{ from, to *int }{{&c.Lanes, &base.Lanes}, {&c.Keys, &base.Keys}, {&c.Slices, &base.Slices}} {
		if *f.from != 0 {
			*f.to = *f.from
		}
	}
	return base
}

// unmet says what a choice names and a tuning made from it does not have, or "".
func (c TuningChoice) unmet(tier Tier, t Tuning) string {
	if c.Way != "" && c.Way != t.Way {
		return fmt.Sprintf("tier %s reads K and V as %s here, not as %s", tier, t.Way, c.Way)
	}
	if c.Range != t.Range && c.Range != 0 {
		return fmt.Sprintf("tier %s attends all keys at once, not %d at a time", tier, c.Range)
	}
	for _, k := range []kernel{kernelDense, kernelIdentify} {
		asked := c.Attend
		if k == kernelIdentify {
			asked = c.Identify
		}
		got := t.shapeOf(k)
		local := asked.Local
		if asked.Subgroups > 0 && t.Subgroup > 0 {
			local = asked.Subgroups * t.Subgroup
		}
		for _, f := range []struct {
			name       string
			asked, got int
		}{
			{"rows", asked.Rows, got.Rows},
			{"keys", asked.Keys, got.Keys},
			{"lanes", asked.Lanes, got.Lanes},
			{"slices", asked.Slices, max(got.Slices, 1)},
			{"invocations a workgroup", local, got.Local},
		} {
			if f.asked != 0 && f.asked != f.got {
				return fmt.Sprintf("%d %s is not possible for tier %s (%s), %d is", f.asked, f.name, tier, kernelWord(k), f.got)
			}
		}
	}
	return ""
}

// kernelWord names what a shape is for.
func kernelWord(k kernel) string {
	if k == kernelIdentify {
		return "identify"
	}
	return "attend"
}

// tuningFields are what ParseTuning reads, for each kernel.
func (c *ShapeChoice) tuningFields() map[string]*int {
	return map[string]*int{"subgroups": &c.Subgroups, "local": &c.Local, "lanes": &c.Lanes, "rows": &c.Rows, "keys": &c.Keys, "slices": &c.Slices}
}

// ParseTuning reads a choice as ANCHORVK_TUNING has it: "rows=32,keys=16" for
// the attention kernels, "identify.rows=16" for the stripe search, "way=uint",
// "subgroup_size=32", "matrix=16x8x16", "range=4096".
func ParseTuning(text string) (c TuningChoice, err error) {
	fail := func(problem string, args ...any) (TuningChoice, error) {
		return TuningChoice{}, argument("ANCHORVK_TUNING", "use off, or choices such as rows=2,keys=4,identify.rows=2,way=uint "+
			"(rows, keys, lanes, slices, and local or subgroups; way, subgroup_size, matrix, range)", problem, args...)
	}
	for _, part := range strings.Split(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return fail("holds %q, which is no name=value", part)
		}
		if name == "way" {
			if !slices.Contains(allWays, value) {
				return fail("has the way %q; there are %s", value, strings.Join(allWays, ", "))
			}
			c.Way = value
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
			if to = shape.tuningFields()[field]; to == nil {
				return fail("names %q, which cannot be chosen", name)
			}
		}
		if *to, err = strconv.Atoi(value); err != nil || *to < 1 || *to > 1<<16 {
			return fail("has %s=%s, which is no whole number from 1 to 65536", name, value)
		}
	}
	for _, s := range []ShapeChoice{c.Attend, c.Identify} {
		if s.Local != 0 && s.Subgroups != 0 {
			return fail("gives the size of a workgroup twice, as local and as subgroups")
		}
	}
	return c, nil
}

// parseMatrix reads a product as MatrixShape.String has it.
func parseMatrix(text string) (m MatrixShape, ok bool) {
	n, err := fmt.Sscanf(text, "%dx%dx%d", &m.M, &m.N, &m.K)
	return m, err == nil && n == 3 && m.M > 0 && m.N > 0 && m.K > 0 && m.String() == text
}
