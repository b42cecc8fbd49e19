package main

import (
	"fmt"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/report"
	"github.com/anchorvk/anchorvk/internal/verify"
	"github.com/anchorvk/anchorvk/vk"
)

// The records of `run` and `bench`. Their keys are a contract with scripts:
// see report.Schema before changing one.

type deviceRecord struct {
	Name   string `json:"name"`
	Driver string `json:"driver"`
	API    string `json:"api"`
	Type   string `json:"type"`
}

type shapeRecord struct {
	attention.Shape
	DType string `json:"dtype"`
}

type paramsRecord struct {
	Theta        report.Limit `json:"theta"`
	Step         int          `json:"step"`
	Block        int          `json:"block"`
	SinkBlocks   int          `json:"sink_blocks"`
	WindowBlocks int          `json:"window_blocks"`
	Scale        float64      `json:"scale"` // as used, never 0
	Tail         int          `json:"tail"`
	// Sample and Guard are off where their stride is 0; with Sample theta is not used.
	Sample attention.Sample `json:"sample"`
	Guard  attention.Guard  `json:"guard"`
	// Heads are those of the profile, one for each query head; left out where
	// none has anything of its own.
	Heads []attention.Head `json:"heads,omitempty"`
}

// callRecord is what `run` and `bench` say about one mode alike.
type callRecord struct {
	Mode   string         `json:"mode"`
	Device deviceRecord   `json:"device"`
	Tier   attention.Tier `json:"tier"`
	Shape  shapeRecord    `json:"shape"`
	Preset string         `json:"preset"` // which params began from
	Params paramsRecord   `json:"params"`
}

// ratioRecord is the second half of what they say alike.
type ratioRecord struct {
	ComputedRatio report.Float `json:"computed_ratio"`
	Sparsity      report.Float `json:"sparsity"`
	StripeRatio   report.Float `json:"stripe_ratio"`
	ScratchBytes  uint64       `json:"scratch_bytes"`
	Slices        int          `json:"slices"`
	Fallback      string       `json:"fallback"`
	// What the choice of keys cost, and what the guard did and measured.
	SelectionRatio report.Float `json:"selection_ratio"`
	GuardedRatio   report.Float `json:"guarded_ratio"`
	MissedMass     report.Float `json:"missed_mass"`
}

type timesRecord struct {
	Total     report.Float `json:"total"`
	Anchor    report.Float `json:"anchor"`
	Identify  report.Float `json:"identify"`
	Attention report.Float `json:"attention"`
}

type runRecord struct {
	callRecord
	TimeMS   timesRecord  `json:"time_ms"`
	HostMS   report.Float `json:"host_ms"`
	PausedMS report.Float `json:"paused_ms"` // part of host_ms, see --duty
	ratioRecord
	*denseRecord
	*verifyRecord
	Warnings []string `json:"warnings"`
}

// verifyRecord is added by --verify.
type verifyRecord struct {
	RelL2         report.Float `json:"rel_l2"`
	MaxAbs        report.Float `json:"max_abs"`
	RecallMass    report.Float `json:"recall_mass"`
	RecallClose   report.Float `json:"recall_close"`
	NMSE          report.Float `json:"nmse"`
	MaxError      report.Float `json:"max_error"`
	HalfMaxError  report.Float `json:"half_max_error"`
	StripesDiffer int          `json:"stripes_differ"`
	StripesWrong  int          `json:"stripes_wrong"`
	RowsVerified  int          `json:"rows_verified"`
	NMSEOfFile    report.Float `json:"nmse_of_file"` // against the file's BF16 or F32 numbers; null where it holds F16
	NonFinite     report.Float `json:"non_finite"`   // share of the sampled output that the input makes NaN or infinite; left out of the measures
	Check         string       `json:"check"`        // of the kernels, not of what the sparsity costs: OK or FAIL
	Verdict       string       `json:"verdict"`      // older name of check
}

func newCallRecord(preset string, mode attention.Mode, r *vk.Report, shape attention.Shape, p attention.Params, stats attention.Stats) callRecord {
	return callRecord{
		Mode:   mode.String(),
		Device: deviceRecord{r.Name, r.Driver, r.API, r.Type},
		Tier:   stats.Tier,
		Shape:  shapeRecord{shape, "f16"},
		Preset: preset,
		Params: newParamsRecord(p, shape.HeadDim),
	}
}

func newParamsRecord(p attention.Params, headDim int) paramsRecord {
	return paramsRecord{report.Limit(p.Theta), p.Step, p.Block, p.SinkBlocks, p.WindowBlocks, p.ScaleFor(headDim), p.Tail, p.Sample, p.Guard, p.Heads}
}

func newRatioRecord(s attention.Stats) ratioRecord {
	return ratioRecord{
		report.Float(s.ComputedRatio), report.Float(s.Sparsity), report.Float(s.StripeRatio),
		s.ScratchBytes, s.Slices, s.Fallback,
		report.Float(s.SelectionRatio), report.Float(s.GuardedRatio), report.Float(s.MissedMass),
	}
}

func newVerifyRecord(m verify.Measures, failures []string) *verifyRecord {
	v := &verifyRecord{
		RelL2: report.Float(m.RelL2), MaxAbs: report.Float(m.MaxAbs),
		RecallMass: report.Float(m.RecallMass), RecallClose: report.Float(m.RecallClose),
		NMSE: report.Float(m.NMSE), MaxError: report.Float(m.MaxErr), HalfMaxError: report.Float(m.HalfMaxErr),
		StripesDiffer: m.StripesDiffer, StripesWrong: m.StripesWrong, RowsVerified: m.Rows,
		NonFinite: report.Float(m.NonFinite),
		Check:     verdictOK,
	}
	if len(failures) > 0 {
		v.Check = verdictFail
	}
	v.Verdict = v.Check
	return v
}

// runColumns is the table of `run`.
func runColumns(verified bool) []report.Column {
	ms := func(head, key string) report.Column {
		return report.Column{Head: head, Key: key, Right: true, Show: report.Fixed(2)}
	}
	columns := []report.Column{
		{Head: "mode", Key: "mode"},
		{Head: "tier", Key: "tier"},
		ms("GPU ms", "time_ms.total"), ms("anchor", "time_ms.anchor"), ms("identify", "time_ms.identify"), ms("attention", "time_ms.attention"),
		ms("host ms", "host_ms"),
		{Head: "computed", Key: "computed_ratio", Right: true, Show: report.Percent(1)},
		{Head: "stripes", Key: "stripe_ratio", Right: true, Show: report.Percent(1)},
		{Head: "guarded", Key: "guarded_ratio", Right: true, Show: report.Percent(1)},
		{Head: "scratch", Key: "scratch_bytes", Right: true, Show: report.Bytes},
	}
	if verified {
		columns = append(columns,
			report.Column{Head: "NMSE", Key: "nmse", Right: true, Show: report.Short},
			report.Column{Head: "kernels", Key: "check"})
	}
	return columns
}

// fallbackNote is a line under the table where another mode ran than asked.
func fallbackNote(c callRecord, why string) string {
	if why == "" {
		return ""
	}
	return fmt.Sprintf("\n%s at kv %d ran as dense: %s", c.Mode, c.Shape.KVLen, why)
}
