package attention

import (
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/internal/plural"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// Problem is what is to be computed.
type Problem struct {
	Shape  Shape
	Mode   Mode
	Params Params // ignored for ModeDense, except Scale
}

// PlanOptions steer the choices of a plan. The zero value chooses by itself.
type PlanOptions struct {
	// Tier asks for a tier; "" takes the best that the device passes.
	Tier Tier
	// NoFallback keeps ModeAnchor on the sparse path even where dense is
	// predicted to be cheaper.
	NoFallback bool
	// SliceMS is the longest that one submission should keep the device busy,
	// in milliseconds. 0 means 100.
	SliceMS float64
	// ScratchBytes bounds the scratch memory, which holds one unit, a (head,
	// group) pair, in any case. 0 means 60 MiB.
	ScratchBytes uint64
	// MemoryBudget bounds Plan.Memory.Total: fewer (head, group) pairs are held
	// at a time where that helps, and a problem that does not fit is refused
	// with a *vk.MemoryBudgetError. 0 means no bound in NewPlan and the device's
	// (vk.Options.MemoryBudget) in Engine.Plan.
	MemoryBudget uint64
	// DeviceTensors says that Q, K, V and O lie on the device already, so that
	// their memory is not counted.
	DeviceTensors bool
	// StripeShare is the share of candidates that is expected to become
	// stripes, for the choice between sparse and dense. 0 means 0.1.
	StripeShare float64
	// Tuning are choices that go before all others, such as "rows=2,keys=4". What
	// the device or a kernel cannot take is an [*ArgumentError]. "" chooses by
	// itself.
	Tuning string
	// Rules are choices that go before the tuning table's, later ones before
	// earlier ones: what package tune has found on a device. What cannot be
	// taken is left out, and the plan says why.
	Rules []tuning.Rule

	refused map[Tier]string // tiers that the engine could not build, with the reason
}

const (
	defaultSliceMS      = 100
	defaultScratchBytes = 60 << 20
	defaultStripeShare  = 0.1
	// minGain is how much cheaper the sparse path must look before it is
	// taken: its passes cost something that operations do not count.
	minGain = 0.97
)

// PlanOptionsFromEnv reads ANCHORVK_TIER, ANCHORVK_SLICE_MS and
// ANCHORVK_TUNING, whose value "off" is for programs that keep choices of their
// own and means nothing here.
func PlanOptionsFromEnv() (PlanOptions, error) {
	o := PlanOptions{Tier: Tier(strings.TrimSpace(os.Getenv("ANCHORVK_TIER")))}
	if text := strings.TrimSpace(os.Getenv("ANCHORVK_TUNING")); text != "" && text != "off" {
		o.Tuning = text
		var wrong *ArgumentError
		if _, err := tuning.Parse("ANCHORVK_TUNING", text); errors.As(err, &wrong) {
			wrong.Try = "use off, or " + strings.TrimPrefix(wrong.Try, "use ")
			return o, wrong
		}
	}
	if text := strings.TrimSpace(os.Getenv("ANCHORVK_SLICE_MS")); text != "" {
		ms, err := strconv.ParseFloat(text, 64)
		if err != nil || !(ms > 0) || math.IsInf(ms, 0) {
			return o, argument("ANCHORVK_SLICE_MS", "use a number of milliseconds above 0, such as 100", "is %q", text)
		}
		o.SliceMS = ms
	}
	return o, nil
}

// Plan says how a problem is computed on a device: a value that can be printed
// (String, or as JSON) and run any number of times. It holds no device object.
type Plan struct {
	Shape    Shape         `json:"shape"`
	Asked    Mode          `json:"mode"`     // as asked for
	Params   Params        `json:"-"`        // Theta may be infinite, which JSON cannot hold
	Mode     Mode          `json:"runs"`     // what is run
	Fallback string        `json:"fallback"` // why dense runs where anchor was asked for, or ""
	Device   string        `json:"device"`
	Tier     Tier          `json:"tier"`
	Refused  string        `json:"refused,omitempty"` // better tiers that the driver could not build, with the reason
	Tuning   tuning.Tuning `json:"tuning"`
	Cost     Cost          `json:"cost"`
	SliceMS  float64       `json:"slice_ms"`
	// Units are the (head, group) pairs that have candidates; Slots of them
	// are in scratch memory at a time.
	Units        int    `json:"units"`
	Slots        int    `json:"slots"`
	ScratchBytes uint64 `json:"scratch_bytes"`
	Memory       Memory `json:"memory"`
	// Warnings are sentences about what the caller should know though the
	// result is right; runs repeat them in Stats.Warnings.
	Warnings []string `json:"warnings,omitempty"`

	options PlanOptions // as asked for, to plan again on another tier
	report  *vk.Report  // of the device that it was made for

	scratch scratchLayout
}

// checkMade says whether the plan is what NewPlan made: JSON leaves parts out.
func (p *Plan) checkMade() error {
	if p == nil || p.Tuning.Attend.Local == 0 || p.Params.Block == 0 {
		return argument("plan", "make it with NewPlan", "is empty, or was read from JSON, which holds only a part of it")
	}
	return nil
}

// madeFor says whether the plan is what NewPlan would make for a device: two
// equal devices share plans, and the same one with other features does not.
func (p *Plan) madeFor(r *vk.Report) bool { return p.report == r || reflect.DeepEqual(p.report, r) }

// NewPlan checks a problem and decides how a device is to compute it. It is
// pure: no device is touched. Errors are [*ArgumentError], [*vk.FeatureError],
// [*vk.LimitError] and [*vk.MemoryBudgetError].
func NewPlan(report *vk.Report, problem Problem, options PlanOptions) (*Plan, error) {
	if err := problem.validate(); err != nil {
		return nil, err
	}
	asked := options
	if err := options.setDefaults(); err != nil {
		return nil, err
	}
	if report.Limits.PushConstants < uint32(pushBytes) {
		return nil, &vk.LimitError{What: "every kernel", Limit: "maxPushConstantsSize", Asked: uint64(pushBytes), Max: uint64(report.Limits.PushConstants), Try: "another device"}
	}
	chosen, err := options.choose(report, problem.Shape.HeadDim)
	if err != nil {
		return nil, err
	}
	chosen.Tuning.ShareKeys(problem.Shape.Heads / problem.Shape.KVHeads)
	p := &Plan{
		Shape: problem.Shape, Asked: problem.Mode, Params: problem.Params, Mode: problem.Mode,
		Device: report.Name, Tier: chosen.Tier, Tuning: chosen.Tuning, SliceMS: options.SliceMS,
		options: asked, report: report,
	}
	if options.Tier == "" {
		p.Refused = tuning.RefusalText(options.refused)
	}
	p.chooseMode(problem, options)
	if warning := chunkWarning(p.Shape, p.Params); p.Mode == ModeAnchor && warning != "" {
		p.Warnings = []string{warning}
	}
	if report.Type != "cpu" {
		p.Tuning.Compact = min(listLocal, tuning.LargestGroup(report))
	}
	if err := p.keepToRounds(report); err != nil {
		return nil, err
	}
	if err := p.fitScratch(report, &options); err != nil {
		return nil, err
	}
	return p, p.checkItems()
}

func (p *Problem) validate() error {
	if err := p.Shape.Validate(); err != nil {
		return err
	}
	if err := p.Mode.Validate(); err != nil {
		return err
	}
	if p.Mode == ModeDense { // only the scale matters
		scale := p.Params.Scale
		p.Params = DefaultParams()
		p.Params.Scale = scale
	}
	return p.Params.ValidateFor(p.Shape)
}

func (o *PlanOptions) setDefaults() error {
	if o.SliceMS == 0 {
		o.SliceMS = defaultSliceMS
	}
	if o.ScratchBytes == 0 {
		o.ScratchBytes = defaultScratchBytes
	}
	if o.StripeShare == 0 {
		o.StripeShare = defaultStripeShare
	}
	if !(o.SliceMS > 0) || math.IsInf(o.SliceMS, 1) {
		return argument("PlanOptions.SliceMS", "use milliseconds above 0, or 0 for the default of 100", "is %v", o.SliceMS)
	}
	if !(o.StripeShare > 0 && o.StripeShare <= 1) {
		return argument("PlanOptions.StripeShare", "use a share above 0 and up to 1, or 0 for the default", "is %v", o.StripeShare)
	}
	return nil
}

// chooseMode falls back to dense attention where that is predicted cheaper.
func (p *Plan) chooseMode(problem Problem, o PlanOptions) {
	p.Cost = predict(problem.Shape, problem.Params, o.StripeShare)
	if problem.Mode == ModeDense {
		return
	}
	if p.sparseHeads() == 0 {
		p.Mode, p.Fallback = ModeDense, "every head is dense"
		return
	}
	if o.NoFallback {
		return
	}
	switch {
	case firstSparseGroup(problem.Shape, problem.Params)*problem.Params.Group() >= problem.Shape.KVLen:
		p.Mode = ModeDense
		p.Fallback = "sink and window cover every key at this length, so that anchor attention is dense attention"
	case p.Cost.Sparse() > minGain*p.Cost.Dense:
		p.Mode = ModeDense
		p.Fallback = fmt.Sprintf("dense is predicted cheaper: the sparse path needs %.0f %% of its operations at this length", 100*p.Cost.Sparse()/p.Cost.Dense)
		if !math.IsInf(problem.Params.Theta, 0) {
			p.Fallback += fmt.Sprintf(", with %.0f %% of the candidates kept", 100*o.StripeShare)
		}
	}
}

// firstSparseGroup is the first group with candidates among those that the
// call's rows lie in.
func firstSparseGroup(s Shape, p Params) int {
	return max(s.Prefix()/p.Group(), (p.Sink()+p.Window())/p.Group()+1)
}

// checkItems makes sure that work items can be counted in 32 bits.
func (p *Plan) checkItems() error {
	tiles := uint64(ceil.Div(p.Shape.KVLen, p.Tuning.TileRows()) + 1)
	if items := tiles * uint64(p.Shape.Heads); items > math.MaxInt32 {
		return &vk.LimitError{What: "the plan", Limit: "number of work items", Asked: items, Max: math.MaxInt32, Try: "prefill fewer heads at a time"}
	}
	return nil
}

// String describes the plan in lines.
func (p *Plan) String() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	s := p.Shape
	line("shape", "batch %d, heads %d, kv_heads %d, q_len %d, kv_len %d, head_dim %d", s.Batch, s.Heads, s.KVHeads, s.QLen, s.KVLen, s.HeadDim)
	line("mode", "%v, runs %v", p.Asked, p.Mode)
	if p.Fallback != "" {
		line("fallback", "%s", p.Fallback)
	}
	if p.Asked == ModeAnchor {
		line("params", "theta %v, step %d, block %d, sink_blocks %d, window_blocks %d", p.Params.Theta, p.Params.Step, p.Params.Block, p.Params.SinkBlocks, p.Params.WindowBlocks)
		if n := len(p.Params.Heads); n > 0 {
			line("", "of %s %s, %s", plural.Of(n, "query head", "query heads"), plural.Of(p.ownHeads(), "has a mode of its own", "have a mode of their own"), plural.Of(n-p.sparseHeads(), "is dense", "are dense"))
		}
		if sample := p.Params.Sample; sample.On() {
			line("", "sample stride %d, weight %g, part %d", sample.Stride, sample.Weight, sample.PartSize())
		}
		if guard := p.Params.Guard; p.Params.Tail > 0 || guard.On() {
			line("", "tail %d, guard stride %d, peak %g, limit %g, look %d", p.Params.Tail, guard.Stride, guard.Peak, guard.Limit, guard.Look)
		}
	}
	line("device", "%s", p.Device)
	b.WriteString(p.tierLines())
	if p.Refused != "" {
		line("refused", "%s", p.Refused)
	}
	shape := p.Tuning.Attend
	line("tile", "%s: %s", plural.Of(shape.TileRows(), "query row", "query rows"), shape.Describe("row", "rows"))
	if search := p.Tuning.Identify; p.Mode == ModeAnchor && search != shape {
		line("", "stripe search: %s", search.Describe("block", "blocks"))
	}
	if p.Tuning.Range > 0 {
		line("", "attends %d keys a dispatch at most, with the state of its rows in scratch memory between", p.Tuning.Range)
	}
	line("tuning", "%s: %s", p.Tuning.From, p.Tuning.Why)
	line("work", "dense %.3g Gflop", p.Cost.Dense/1e9)
	if p.Asked == ModeAnchor {
		line("", "sparse %.3g Gflop predicted: anchor %.3g, identify %.3g, guard %.3g, stripes %.3g, tail %.3g",
			p.Cost.Sparse()/1e9, p.Cost.Anchor/1e9, p.Cost.Identify/1e9, p.Cost.Guard/1e9, p.Cost.Stripes/1e9, p.Cost.Tail/1e9)
	}
	switch {
	case p.Mode != ModeAnchor && p.ScratchBytes > 0:
		line("scratch", "%d bytes: the state of %s at a time", p.ScratchBytes, plural.Of(p.tileStates(), "row tile", "row tiles"))
	case p.Mode == ModeAnchor:
		line("scratch", "%d bytes: %d of %d (head, group) pairs at a time", p.ScratchBytes, p.Slots, p.Units)
	}
	m := p.Memory
	line("memory", "%d bytes: tensors %d, staging %d, scratch %d, counts and log-sum-exps %d", m.Total, m.Tensors, m.Staging, m.Scratch, m.Counts+m.LSE)
	line("slices", "at most %g ms of device time each", p.SliceMS)
	for _, warning := range p.Warnings {
		line("warning", "%s", warning)
	}
	return b.String()
}

// tierLines describe how the tier's kernels take their tensors.
func (p *Plan) tierLines() string {
	return fmt.Sprintf("%-10s %s\n%-10s %s\n%-10s %s\n", "tier", p.Tier, "K and V", p.Tuning.Loads(), "queries", p.Tuning.Queries())
}
