package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"reflect"
	"slices"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/report"
	"github.com/anchorvk/anchorvk/internal/stat"
)

// spreadRecord sums up the samples of one quantity.
type spreadRecord struct {
	Median  report.Float   `json:"median"`
	Min     report.Float   `json:"min"`
	Max     report.Float   `json:"max"`
	Samples []report.Float `json:"samples"`
}

func spread(samples []float64) spreadRecord {
	s := spreadRecord{Median: report.Float(stat.Median(samples)), Min: report.Float(slices.Min(samples)), Max: report.Float(slices.Max(samples))}
	for _, x := range samples {
		s.Samples = append(s.Samples, report.Float(x))
	}
	return s
}

// benchRecord is what `bench` says about one mode of one shape.
type benchRecord struct {
	callRecord
	Clock  string       `json:"clock"` // gpu timestamps, or host where they are not known of every run
	TimeMS spreadRecord `json:"time_ms"`
	// Medians of the three passes.
	PassMS struct {
		Anchor    report.Float `json:"anchor"`
		Identify  report.Float `json:"identify"`
		Attention report.Float `json:"attention"`
	} `json:"pass_ms"`
	HostMS   report.Float `json:"host_ms"`   // median
	PausedMS report.Float `json:"paused_ms"` // median, part of host_ms
	TFLOPS   report.Float `json:"tflops"`
	ratioRecord
	// Median over repetitions of dense time / this mode's time of the same
	// repetition; null without a dense run beside it.
	SpeedupOverDense report.Float   `json:"speedup_over_dense"`
	Compare          *compareRecord `json:"compare,omitempty"`
	Warnings         []string       `json:"warnings"`
}

// compareRecord sets a measurement against an earlier one.
type compareRecord struct {
	OldMedian report.Float `json:"old_median"`
	Speedup   report.Float `json:"speedup"` // old median / new median
}

// measure times every variant of one shape. When it ends early, with an error,
// the records hold the repetitions that were whole until then; there are none
// where not one was.
func (a *app) measure(ctx context.Context, f *benchFlags, s session, w workload, plans []*attention.Plan, bar *progress) ([]benchRecord, error) {
	if err := a.fits("the inputs", inputBytes(w.shape)+w.extra); err != nil {
		return nil, err
	}
	var odd []string
	in, out, free, err := s.place(ctx, w.shape, func() (in attention.Inputs, err error) {
		in, odd, err = w.load()
		return in, err
	})
	if err != nil {
		return nil, err
	}
	defer free()
	a.warn(odd)
	runs, err := f.repeat(ctx, s, plans, in, out, bar)
	whole := len(runs[len(runs)-1])
	if whole == 0 {
		return nil, err
	}
	onOneClock(runs)
	dense := slices.IndexFunc(f.variants, func(v variant) bool { return v.mode == attention.ModeDense })
	records := make([]benchRecord, len(plans))
	for i, v := range f.variants {
		v.params.Heads = plans[i].Params.Heads // the profile's, for so many heads
		records[i] = summarise(f.params.preset, s, w.shape, v, runs[i][:whole], odd)
		for _, text := range records[i].Warnings[len(odd):] {
			a.warn([]string{records[i].Mode + ": " + text})
		}
		records[i].SpeedupOverDense = report.Float(math.NaN())
		if dense >= 0 && dense != i {
			ratios := make([]float64, whole)
			for n := range ratios {
				ratios[n] = clock(runs[dense][n]) / clock(runs[i][n])
			}
			records[i].SpeedupOverDense = report.Float(stat.Median(ratios))
		}
	}
	return records, err
}

// repeat runs every plan once to make pipelines and warm caches, then as often
// as asked for, and returns what each run of each plan took.
func (f *benchFlags) repeat(ctx context.Context, s session, plans []*attention.Plan, in attention.Inputs, out attention.Outputs, bar *progress) ([][]attention.Stats, error) {
	runs := make([][]attention.Stats, len(plans))
	for repetition := range f.repetitions + 1 {
		for i, plan := range plans { // in turn, so that what drifts hits all alike
			bar.begin(work(plan))
			stats, err := s.run(ctx, plan, in, out, f.manners.runOptions(bar))
			if err != nil {
				return runs, err
			}
			if repetition > 0 {
				runs[i] = append(runs[i], stats)
			}
			bar.add(work(plan))
		}
	}
	return runs, nil
}

// clock is the GPU time of a run in ms, or the host's where that is not known.
func clock(s attention.Stats) float64 {
	if s.TimeMS.Total > 0 {
		return s.TimeMS.Total
	}
	return s.HostMS - s.PausedMS
}

func summarise(preset string, s session, shape attention.Shape, v variant, runs []attention.Stats, odd []string) benchRecord {
	last := runs[len(runs)-1]
	r := benchRecord{
		callRecord:  newCallRecord(preset, v.mode, s.report(), shape, v.params, last),
		Clock:       clockGPU,
		ratioRecord: newRatioRecord(last),
		Warnings:    append([]string{}, odd...),
	}
	for _, run := range runs {
		for _, text := range run.Warnings {
			if !slices.Contains(r.Warnings, text) {
				r.Warnings = append(r.Warnings, text)
			}
		}
	}
	if last.TimeMS.Total <= 0 {
		r.Clock = clockHost
	}
	pick := func(get func(attention.Stats) float64) []float64 {
		all := make([]float64, len(runs))
		for i, run := range runs {
			all[i] = get(run)
		}
		return all
	}
	r.TimeMS = spread(pick(clock))
	r.PassMS.Anchor = report.Float(stat.Median(pick(func(s attention.Stats) float64 { return s.TimeMS.Anchor })))
	r.PassMS.Identify = report.Float(stat.Median(pick(func(s attention.Stats) float64 { return s.TimeMS.Identify })))
	r.PassMS.Attention = report.Float(stat.Median(pick(func(s attention.Stats) float64 { return s.TimeMS.Attention })))
	r.HostMS = report.Float(stat.Median(pick(func(s attention.Stats) float64 { return s.HostMS })))
	r.PausedMS = report.Float(stat.Median(pick(func(s attention.Stats) float64 { return s.PausedMS })))
	r.TFLOPS = report.Float(denseFlops(shape) / (float64(r.TimeMS.Median) * 1e9))
	return r
}

// denseFlops counts dense causal attention: a multiplication and an addition
// per element for q.k and again for the weighted sum of v.
func denseFlops(s attention.Shape) float64 {
	q, prefix := float64(s.QLen), float64(s.Prefix())
	pairs := q*prefix + q*(q+1)/2
	return 4 * pairs * float64(s.HeadDim) * float64(s.Heads) * float64(s.Batch)
}

// readBench reads the records of `bench --json`.
func readBench(path string) ([]benchRecord, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: no such file; make one with `anchorvk bench --json`", path)
		}
		return nil, fmt.Errorf("cannot %w", err)
	}
	var doc struct {
		Schema  int           `json:"schema"`
		Results []benchRecord `json:"results"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%s: not the output of `anchorvk bench --json`: %w", path, err)
	}
	if doc.Schema != report.Schema {
		return nil, fmt.Errorf("%s: schema %d is not supported, this version reads %d; make the file again", path, doc.Schema, report.Schema)
	}
	for _, r := range doc.Results {
		if !(r.TimeMS.Median > 0) { // as in the output of `run`
			doc.Results = nil
		}
	}
	if len(doc.Results) == 0 {
		return nil, fmt.Errorf("%s: holds no results of `anchorvk bench --json`; make one with it", path)
	}
	return doc.Results, nil
}

// sameParams says whether two records of one mode computed the same. Of mode
// dense only the scale matters.
func (r callRecord) sameParams(other callRecord) bool {
	if r.Mode == attention.ModeDense.String() {
		return r.Params.Scale == other.Params.Scale
	}
	return reflect.DeepEqual(r.Params, other.Params)
}

// compareWith adds the comparison with the earlier record of the same mode,
// shape, parameters and clock, and says whether there is one.
func compareWith(old []benchRecord, r *benchRecord) bool {
	for _, o := range old {
		if o.Mode == r.Mode && o.Shape == r.Shape && o.sameParams(r.callRecord) && o.Clock == r.Clock {
			r.Compare = &compareRecord{o.TimeMS.Median, o.TimeMS.Median / r.TimeMS.Median}
			return true
		}
	}
	return false
}
