package tune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/tolerance"
	"github.com/anchorvk/anchorvk/vk"
)

// computed is what a choice computes in one mode.
type computed struct {
	rows    []float16.Float16
	stripes []byte
}

// compute runs a candidate in every mode, with the output on the host.
func (w *Sweep) compute(ctx context.Context, c *candidate) (map[attention.Mode]computed, error) {
	all := map[attention.Mode]computed{}
	s := w.Shape
	for _, mode := range w.Modes {
		rows := make([]float16.Float16, s.Batch*s.Heads*s.QLen*s.HeadDim)
		for i := range rows {
			rows[i] = float16.NaN()
		}
		out := attention.Outputs{O: attention.HostBHSD(rows, s.Batch, s.Heads, s.QLen, s.HeadDim)}
		if mode == attention.ModeAnchor {
			out.Stripes = make([]byte, s.Batch*s.Heads*w.groups()*s.KVLen)
		}
		if _, err := w.Runner.Run(ctx, c.plans[mode], w.In, out, attention.RunOptions{}); err != nil {
			return nil, err
		}
		all[mode] = computed{rows, out.Stripes}
	}
	return all, nil
}

// groups is the number of groups up to the last key, counted from position 0.
func (w *Sweep) groups() int { return w.Params.Groups(w.Shape.KVLen) }

// HostBytes is the host memory for two results, the reference's and a
// candidate's.
func (w *Sweep) HostBytes() float64 {
	s := w.Shape
	heads := float64(s.Batch) * float64(s.Heads)
	return 2 * heads * (float64(len(w.Modes))*2*float64(s.QLen)*float64(s.HeadDim) + float64(w.groups())*float64(s.KVLen))
}

// isFatal distinguishes errors that end the whole sweep from those of one candidate.
func isFatal(ctx context.Context, err error) bool {
	var lost *vk.DeviceLostError
	var timeout *vk.TimeoutError
	return ctx.Err() != nil || errors.As(err, &lost) || errors.As(err, &timeout) || errors.Is(err, vk.ErrClosed)
}

// admit makes a candidate and compares what it computes with the reference.
// The error is fatal; a candidate that is not to be measured has a verdict.
func (w *Sweep) admit(ctx context.Context, trial Trial) (*candidate, error) {
	fail := func(verdict, why string) (*candidate, error) {
		trial.Verdict, trial.Why = verdict, why
		return &candidate{trial: trial}, nil
	}
	if time.Now().After(w.Deadline) {
		return fail(Skipped, fmt.Sprintf("the limit of %v was over", w.Limit))
	}
	began := time.Now()
	c, err := w.plan(trial.Choice)
	var results map[attention.Mode]computed
	if err == nil {
		results, err = w.compute(ctx, c)
	}
	trial.FirstRun = time.Since(began).Seconds()
	switch {
	case err != nil && isFatal(ctx, err):
		return nil, err
	case err != nil:
		return fail(Failed, err.Error())
	}
	for _, mode := range w.Modes {
		if why := differs(w.reference[mode], results[mode], w.Shape.HeadDim, tolerance.Tier(w.Tier).Row); why != "" {
			return fail(Wrong, fmt.Sprintf("%v: %s", mode, why))
		}
	}
	c.trial = trial
	return c, nil
}

// differs says where two results of the same problem are not the same beyond
// rounding, or "". A single bad row shows, which means over all would hide.
// Rounding moves few keys across the threshold of the stripes.
func differs(want, got computed, headDim int, tolerance float64) string {
	kept, others := 0, 0
	for i, flag := range want.stripes {
		kept += int(flag)
		if flag != got.stripes[i] {
			others++
		}
	}
	if others > 4+kept/500 {
		return fmt.Sprintf("%d keys are stripes in one and not in the other, of %d", others, kept)
	}
	for row := range len(want.rows) / headDim {
		var apart, length float64
		for i := row * headDim; i < (row+1)*headDim; i++ {
			w, g := float64(want.rows[i].Float32()), float64(got.rows[i].Float32())
			apart += (w - g) * (w - g)
			length += w * w
		}
		apart, length = math.Sqrt(apart), math.Sqrt(length)
		if !(apart <= tolerance*length+1e-4) { // NaN is apart from everything
			return fmt.Sprintf("row %d of the output is %.2g away from one of length %.2g", row, apart, length)
		}
	}
	return ""
}
