package main

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/profile"
	"github.com/anchorvk/anchorvk/internal/plural"
	"github.com/anchorvk/anchorvk/internal/quality"
	"github.com/anchorvk/anchorvk/internal/report"
)

// evalRecord is what `eval` says about one setting of one head.
type evalRecord struct {
	File           string       `json:"file"`
	Model          string       `json:"model"`
	Layer          int          `json:"layer"`
	Batch          int          `json:"batch"`
	Head           int          `json:"head"`
	KVLen          int          `json:"kv_len"`
	Generated      bool         `json:"generated"` // of a made-up input, and no model
	Setting        string       `json:"setting"`
	Params         *evalParams  `json:"params,omitempty"` // not of rivals
	RecallMass     report.Float `json:"recall_mass"`
	PeakedMiss     report.Float `json:"peaked_miss"`
	RelL2          report.Float `json:"rel_l2"`
	ComputedRatio  report.Float `json:"computed_ratio"`
	Parts          *evalParts   `json:"parts,omitempty"` // not of rivals
	SelectionRatio report.Float `json:"selection_ratio"`
	LookRatio      report.Float `json:"look_ratio"` // the guard's second looks, of selection_ratio
	GuardedRatio   report.Float `json:"guarded_ratio"`
	TimeMS         report.Float `json:"time_ms"`       // of the call with all heads of the file; null where no device ran it
	RelL2Device    report.Float `json:"rel_l2_device"` // of whole outputs against the device's dense ones
	Rows           int          `json:"rows"`
}

type evalParams struct {
	Theta        report.Limit `json:"theta"`
	Step         int          `json:"step"`
	Block        int          `json:"block"`
	SinkBlocks   int          `json:"sink_blocks"`
	WindowBlocks int          `json:"window_blocks"`
	Tail         int          `json:"tail"`
	Sample       [3]float64   `json:"sample"` // stride, weight, part; zeros for pooled rows
	Guard        [4]float64   `json:"guard"`  // stride, peak, limit, look; zeros for none
	Mode         string       `json:"mode"`   // of the head: anchor, dense or anchor_only
	Scale        float64      `json:"scale"`  // 0 for 1/sqrt(head_dim)
}

// evalSummary is the mean and the worst of one setting over all heads.
type evalSummary struct {
	Setting        string       `json:"setting"`
	Heads          int          `json:"heads"`
	ComputedRatio  report.Float `json:"computed_ratio"`
	SelectionRatio report.Float `json:"selection_ratio"`
	GuardedRatio   report.Float `json:"guarded_ratio"`
	RecallMass     meanAndWorst `json:"recall_mass"`
	PeakedMiss     meanAndWorst `json:"peaked_miss"`
	RelL2          meanAndWorst `json:"rel_l2"`
	TimeMS         report.Float `json:"time_ms"` // sum over files
}

// meanAndWorst has the head of the worst as "layer.head".
type meanAndWorst struct {
	Mean  report.Float `json:"mean"`
	Worst report.Float `json:"worst"`
	Head  string       `json:"head"`
}

// evaluation gathers the records of `eval`.
type evaluation struct {
	flags    *evalFlags
	settings []quality.Setting
	records  []evalRecord // head by head, in the order of settings
	search   *quality.Search
	profile  *profile.Profile
	chosen   []evalRecord // what --target took of each head
	took     map[attention.Head]int
	length   int // of the longest input

	files, generated int
}

// add appends the records of one head.
func (e *evaluation) add(c quality.Capture, batch, head int, measured []quality.Measures, timed deviceResults, rows int) {
	e.length = max(e.length, c.Shape.KVLen)
	for i, s := range e.settings {
		m := measured[i]
		r := evalRecord{
			File: filepath.Base(c.Path), Model: c.Model, Layer: c.Layer, Batch: batch, Head: c.Heads[head],
			KVLen: c.Shape.KVLen, Generated: c.Generated, Setting: s.Name,
			RecallMass: report.Float(m.RecallMass), PeakedMiss: report.Float(m.PeakedMiss), RelL2: report.Float(m.RelL2),
			ComputedRatio: report.Float(m.ComputedRatio), SelectionRatio: report.Float(m.SelectionRatio), GuardedRatio: report.Float(m.GuardedRatio),
			Parts: newEvalParts(m.Parts), LookRatio: report.Float(m.LookRatio),
			TimeMS: report.Float(math.NaN()), RelL2Device: report.Float(math.NaN()), Rows: rows,
		}
		if s.Method == nil {
			r.Params = newEvalParams(s.Params, s.HeadOf(c, head))
		}
		if t, ran := timed[i]; ran {
			r.TimeMS, r.RelL2Device = report.Float(t.ms), report.Float(t.relL2[batch*c.Shape.Heads+head])
		}
		e.records = append(e.records, r)
	}
	if e.search != nil {
		first := len(e.flags.settings) - len(e.flags.options)
		e.search.Add(quality.At{Layer: c.Layer, Head: c.Heads[head]}, measured[first:][:len(e.flags.options)])
	}
}

// newEvalParams are the parameters of a head that has something of its own, or
// the zero value.
func newEvalParams(p attention.Params, own attention.Head) *evalParams {
	mode := attention.HeadAnchor
	if own.Mode != attention.HeadDefault {
		mode = own.Mode
	}
	if own.Mode == attention.HeadAnchor {
		if own.Weight != 0 {
			p.Sample.Weight = own.Weight
		} else {
			p.Theta, p.Sample = own.Theta, attention.Sample{} // pooled rows choose
		}
	}
	return &evalParams{
		Theta: report.Limit(p.Theta), Step: p.Step, Block: p.Block, SinkBlocks: p.SinkBlocks, WindowBlocks: p.WindowBlocks, Tail: p.Tail,
		Sample: [3]float64{float64(p.Sample.Stride), p.Sample.Weight, float64(p.Sample.Part)},
		Guard:  [4]float64{float64(p.Guard.Stride), p.Guard.Peak, p.Guard.Limit, float64(p.Guard.Look)}, Mode: mode.String(), Scale: p.Scale,
	}
}

// finish makes the profile, and records of what it chose.
func (e *evaluation) finish(captures []quality.Capture) error {
	for _, c := range captures {
		if c.Generated {
			e.generated++
		} else {
			e.files++
		}
	}
	if e.search == nil {
		return nil
	}
	var err error
	if e.profile, err = e.search.Profile(captures[0].Model); err != nil {
		return err
	}
	e.took = map[attention.Head]int{}
	for at := 0; at < len(e.records); at += len(e.settings) {
		head := e.records[at : at+len(e.settings)]
		best := e.search.Best(quality.At{Layer: head[0].Layer, Head: head[0].Head})
		e.took[e.flags.options[best]]++
		r := head[best]
		r.Setting = "profile for " + e.flags.target.String()
		r.TimeMS, r.RelL2Device = report.Float(math.NaN()), report.Float(math.NaN()) // of a call that had other heads
		e.chosen = append(e.chosen, r)
	}
	return nil
}

// document is the table of summaries, or of heads, and the records of heads in
// every other format.
func (e *evaluation) document(format report.Format) report.Document {
	summaries := e.summaries()
	records := slices.Concat(e.records, e.chosen)
	doc := report.Document{Key: "results", Members: []report.Member{{Key: "summary", Value: summaries}}, Columns: summaryColumns(e.flags.time)}
	if e.profile != nil {
		doc.Members = append(doc.Members, report.Member{Key: "target", Value: e.flags.target.String()})
		doc.Foot += "\n" + e.describeProfile()
	}
	if e.flags.parts {
		doc.Members = append(doc.Members, report.Member{Key: "parts", Value: partsOf(records)})
	}
	switch {
	case format != report.Markdown || e.flags.byHead:
		doc.Columns = e.headColumns()
		for _, r := range records {
			doc.Records = append(doc.Records, r)
		}
	case e.flags.parts:
		doc.Columns = partsColumns()
		for _, p := range partsOf(records) {
			doc.Records = append(doc.Records, p)
		}
	default:
		for _, s := range summaries {
			doc.Records = append(doc.Records, s)
		}
	}
	doc.Foot += e.unequal(summaries)
	heads := len(e.records) / len(e.settings)
	doc.Foot += fmt.Sprintf("\n%s of %s, up to %d positions, about %s sampled of each; ", plural.Of(heads, "head", "heads"), e.inputs(), e.length, plural.Of(e.records[0].Rows, "row", "rows"))
	if e.flags.parts {
		doc.Foot += "computed is the sum of its parts, and selection has the second look"
	} else {
		doc.Foot += "worst heads as layer.head"
	}
	return doc
}

// nearShare is how far from equal a share may be without a word.
const nearShare = 0.03

// unequal names the rivals that --equal-share could not bring to the share of
// the first setting.
func (e *evaluation) unequal(summaries []evalSummary) string {
	if !e.flags.equalShare {
		return ""
	}
	want := summaries[0].ComputedRatio + summaries[0].SelectionRatio
	var off []string
	for i, s := range e.settings {
		if s.Method == nil {
			continue
		}
		share := summaries[i].ComputedRatio
		if !s.Method.ScoresAll {
			share += summaries[i].SelectionRatio
		}
		if math.Abs(float64(share-want)) > nearShare {
			off = append(off, fmt.Sprintf("%s (%.3f)", s.Name, float64(share)))
		}
	}
	if len(off) == 0 {
		return ""
	}
	return fmt.Sprintf("\nnot at the share of the first setting, %.3f: %s", float64(want), strings.Join(off, ", "))
}

// inputs counts files and generated inputs.
func (e *evaluation) inputs() string {
	generated := plural.Of(e.generated, "generated input", "generated inputs")
	switch {
	case e.generated == 0:
		return plural.Of(e.files, "file", "files")
	case e.files == 0:
		return generated
	}
	return plural.Of(e.files, "file", "files") + " and " + generated
}

// describeProfile counts what --target chose.
func (e *evaluation) describeProfile() string {
	var parts []string
	for _, own := range e.flags.options {
		name := own.Mode.String()
		switch {
		case own.Mode == attention.HeadAnchor && own.Weight != 0:
			name = fmt.Sprintf("weight %v", own.Weight)
		case own.Mode == attention.HeadAnchor:
			name = fmt.Sprintf("theta %v", own.Theta)
		}
		if n := e.took[own]; n > 0 {
			parts = append(parts, plural.Of(n, "head", "heads")+" "+name)
		}
	}
	return fmt.Sprintf("profile for %s: %s", e.flags.target, strings.Join(parts, ", "))
}

// summaries are one a setting, and one of the profile.
func (e *evaluation) summaries() []evalSummary {
	var all []evalSummary
	for i := range e.settings {
		var of []evalRecord
		for at := i; at < len(e.records); at += len(e.settings) {
			of = append(of, e.records[at])
		}
		all = append(all, summary(of))
	}
	if len(e.chosen) > 0 {
		all = append(all, summary(e.chosen))
	}
	return all
}

func summary(of []evalRecord) evalSummary {
	mean := func(get func(evalRecord) report.Float) report.Float {
		sum := 0.0
		for _, r := range of {
			sum += float64(get(r))
		}
		return report.Float(sum / float64(len(of)))
	}
	worst := func(get func(evalRecord) report.Float, sign report.Float) meanAndWorst {
		at := slices.MaxFunc(of, func(a, b evalRecord) int { return worse(sign*get(a), sign*get(b)) })
		return meanAndWorst{mean(get), get(at), fmt.Sprintf("%d.%d", at.Layer, at.Head)}
	}
	s := evalSummary{
		Setting: of[0].Setting, Heads: len(of),
		ComputedRatio:  mean(func(r evalRecord) report.Float { return r.ComputedRatio }),
		SelectionRatio: mean(func(r evalRecord) report.Float { return r.SelectionRatio }),
		GuardedRatio:   mean(func(r evalRecord) report.Float { return r.GuardedRatio }),
		RecallMass:     worst(func(r evalRecord) report.Float { return r.RecallMass }, -1),
		PeakedMiss:     worst(func(r evalRecord) report.Float { return r.PeakedMiss }, 1),
		RelL2:          worst(func(r evalRecord) report.Float { return r.RelL2 }, 1),
	}
	last := evalRecord{}
	for _, r := range of { // once a file: its heads run in one call
		if r.File != last.File || r.Layer != last.Layer {
			s.TimeMS += r.TimeMS
		}
		last = r
	}
	return s
}

// worse orders numbers so that NaN is the worst of all.
func worse(a, b report.Float) int {
	switch {
	case a == b || math.IsNaN(float64(a)) && math.IsNaN(float64(b)):
		return 0
	case a > b || math.IsNaN(float64(a)):
		return 1
	}
	return -1
}

func summaryColumns(timed bool) []report.Column {
	columns := []report.Column{
		{Head: "setting", Key: "setting"},
		shareColumn("computed", "computed_ratio"), shareColumn("selection", "selection_ratio"), shareColumn("guarded", "guarded_ratio"),
		{Head: "recall", Key: "recall_mass.mean", Right: true, Show: report.Fixed(4)},
		{Head: "worst", Key: "recall_mass.worst", Right: true, Show: report.Fixed(4)},
		{Head: "peaked miss", Key: "peaked_miss.mean", Right: true, Show: report.Fixed(4)},
		{Head: "worst", Key: "peaked_miss.worst", Right: true, Show: report.Fixed(4)},
		{Head: "rel L2", Key: "rel_l2.mean", Right: true, Show: report.Fixed(4)},
		{Head: "worst", Key: "rel_l2.worst", Right: true, Show: report.Fixed(4)},
		{Head: "at", Key: "rel_l2.head"},
	}
	if timed {
		columns = append(columns, report.Column{Head: "ms", Key: "time_ms", Right: true, Show: report.Fixed(2)})
	}
	return columns
}

func (e *evaluation) headColumns() []report.Column {
	columns := []report.Column{
		{Head: "layer", Key: "layer", Right: true},
		{Head: "head", Key: "head", Right: true},
		{Head: "setting", Key: "setting"},
		shareColumn("computed", "computed_ratio"),
	}
	if e.flags.parts {
		columns = append(columns, shareColumns()...)
	}
	columns = append(columns, []report.Column{
		shareColumn("selection", "selection_ratio"), shareColumn("guarded", "guarded_ratio"),
		{Head: "recall", Key: "recall_mass", Right: true, Show: report.Fixed(4)},
		{Head: "peaked miss", Key: "peaked_miss", Right: true, Show: report.Fixed(4)},
		{Head: "rel L2", Key: "rel_l2", Right: true, Show: report.Fixed(4)},
	}...)
	if e.flags.time {
		columns = append(columns,
			report.Column{Head: "device rel L2", Key: "rel_l2_device", Right: true, Show: report.Fixed(4)},
			report.Column{Head: "ms", Key: "time_ms", Right: true, Show: report.Fixed(2)})
	}
	return columns
}

func shareColumn(head, key string) report.Column {
	return report.Column{Head: head, Key: key, Right: true, Show: report.Fixed(3)}
}
