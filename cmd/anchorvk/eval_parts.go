package main

import (
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/report"
)

// evalParts are the shares that computed_ratio is the sum of, each of all
// causal pairs. A pair that several of them keep is of the first.
type evalParts struct {
	Sink    report.Float `json:"sink"`
	Window  report.Float `json:"window"`
	Group   report.Float `json:"group"` // the group's own keys
	Stripes report.Float `json:"stripes"`
	Guard   report.Float `json:"guard"` // stripes that the guard adds
	Tail    report.Float `json:"tail"`  // what only the last rows attend
	Dense   report.Float `json:"dense"` // dense heads
}

// newEvalParts is nil for nil.
func newEvalParts(p *oracle.Parts) *evalParts {
	if p == nil {
		return nil
	}
	return &evalParts{
		Sink: report.Float(p.Sink), Window: report.Float(p.Window), Group: report.Float(p.Group), Stripes: report.Float(p.Stripes),
		Guard: report.Float(p.Guard), Tail: report.Float(p.Tail), Dense: report.Float(p.Dense),
	}
}

// evalPartsMean is the mean of one setting over the heads of all inputs of one
// length.
type evalPartsMean struct {
	Input          string       `json:"input"` // "files" or "generated"
	KVLen          int          `json:"kv_len"`
	Setting        string       `json:"setting"`
	Heads          int          `json:"heads"`
	ComputedRatio  report.Float `json:"computed_ratio"`
	Parts          *evalParts   `json:"parts,omitempty"` // not of rivals
	SelectionRatio report.Float `json:"selection_ratio"`
	LookRatio      report.Float `json:"look_ratio"`
}

// partsOf are the means of records, in the order in which length and setting
// appear first.
func partsOf(records []evalRecord) []*evalPartsMean {
	type key struct {
		kvLen     int
		generated bool
		setting   string
	}
	var all []*evalPartsMean
	of := map[key]*evalPartsMean{}
	for _, r := range records {
		k := key{r.KVLen, r.Generated, r.Setting}
		m := of[k]
		if m == nil {
			m = &evalPartsMean{Input: "files", KVLen: r.KVLen, Setting: r.Setting}
			if r.Generated {
				m.Input = "generated"
			}
			of[k] = m
			all = append(all, m)
		}
		m.add(r)
	}
	for _, m := range all {
		m.divide(report.Float(m.Heads))
	}
	return all
}

func (m *evalPartsMean) add(r evalRecord) {
	m.Heads++
	m.ComputedRatio += r.ComputedRatio
	m.SelectionRatio += r.SelectionRatio
	m.LookRatio += r.LookRatio
	if r.Parts == nil {
		return
	}
	if m.Parts == nil {
		m.Parts = &evalParts{}
	}
	sums := m.Parts.fields()
	for i, x := range r.Parts.fields() {
		*sums[i] += *x
	}
}

func (m *evalPartsMean) divide(by report.Float) {
	m.ComputedRatio /= by
	m.SelectionRatio /= by
	m.LookRatio /= by
	if m.Parts != nil {
		for _, x := range m.Parts.fields() {
			*x /= by
		}
	}
}

func (p *evalParts) fields() []*report.Float {
	return []*report.Float{&p.Sink, &p.Window, &p.Group, &p.Stripes, &p.Guard, &p.Tail, &p.Dense}
}

// shareColumns are the parts of computed.
func shareColumns() []report.Column {
	var columns []report.Column
	for _, name := range []string{"sink", "window", "group", "stripes", "guard", "tail", "dense"} {
		columns = append(columns, report.Column{Head: name, Key: "parts." + name, Right: true, Show: report.Fixed(4)})
	}
	return columns
}

func partsColumns() []report.Column {
	columns := append([]report.Column{
		{Head: "input", Key: "input"},
		{Head: "kv", Key: "kv_len", Right: true},
		{Head: "setting", Key: "setting"},
		{Head: "computed", Key: "computed_ratio", Right: true, Show: report.Fixed(4)},
	}, shareColumns()...)
	return append(columns,
		report.Column{Head: "selection", Key: "selection_ratio", Right: true, Show: report.Fixed(4)},
		report.Column{Head: "second look", Key: "look_ratio", Right: true, Show: report.Fixed(4)})
}
