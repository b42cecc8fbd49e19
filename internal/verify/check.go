package verify

import (
	"context"
	"fmt"
	"math"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
)

// sampledRows is how many evenly spread rows of each head are compared; every
// output element is checked for being written all the same.
const sampledRows = 24

// Runner computes a case on a device and tier. It writes the output, the
// log-sum-exps and, for ModeAnchor, the stripes in place, never falling back
// to another mode. An error that is a *vk.FeatureError or *vk.LimitError
// means that the device cannot run the case.
type Runner func(ctx context.Context, c Case, in Inputs, out Output) error

// Check runs a case and compares its output with the oracle. The failures are
// empty when it passes; err is the runner's or the context's.
func Check(ctx context.Context, c Case, run Runner) (m Measures, failures []string, err error) {
	in := c.Inputs()
	o, err := oracle.New(c.Shape, c.Params, in.Q, in.K, in.V)
	if err != nil {
		return m, nil, err
	}
	out := Output{
		Mode: c.Mode, Tier: c.Tier,
		O:   c.Output(),
		LSE: make([]float32, c.Shape.Batch*c.Shape.Heads*c.Shape.QLen),
	}
	for i := range out.LSE {
		out.LSE[i] = float32(math.NaN())
	}
	if c.Mode == attention.ModeAnchor {
		out.Stripes = make([]byte, c.Shape.Batch*c.Shape.Heads*o.Groups()*c.Shape.KVLen)
		for i := range out.Stripes {
			out.Stripes[i] = 0xff
		}
	}
	if err := run(ctx, c, in, out); err != nil {
		return m, nil, err
	}
	if c.Data.Plant == "" {
		failures = append(failures, unwritten(out)...)
	}
	for _, s := range out.Stripes {
		if s > 1 {
			failures = append(failures, "a stripe byte is neither 0 nor 1")
			break
		}
	}
	m, err = Measure(ctx, o, out, Sample{Rows: c.rows(o), Groups: Groups(o, o.Groups())})
	if err != nil {
		return m, nil, err
	}
	m.Digest = out.digest()
	return m, append(failures, m.Failures()...), nil
}

// rows are the rows of each head to compare. Around a planted value every row
// of its group is looked at, because one kernel tile may spoil its neighbours.
func (c Case) rows(o *oracle.Oracle) []int {
	switch {
	case c.Data.Scores != "":
		return Rows(o, sampledRows/4) // long rows
	case c.Data.Plant == "":
		return Rows(o, sampledRows)
	}
	all := make([]int, 0, c.Shape.QLen)
	for row := 0; row < c.Shape.QLen; row += 3 {
		all = append(all, row)
	}
	if third := c.Shape.QLen / 3; third%3 != 0 {
		all = append(all, third) // the row of a planted query
	}
	return all
}

// unwritten finds poison that is left in the output of finite inputs.
func unwritten(out Output) []string {
	var bad []string
	count := 0
	for _, x := range out.O.Host {
		if x.IsNaN() || x.IsInf(0) {
			count++
		}
	}
	if count > 0 {
		bad = append(bad, fmt.Sprintf("%d of %d output elements are NaN or infinite", count, len(out.O.Host)))
	}
	count = 0
	for _, x := range out.LSE {
		if kind(float64(x)) != finite {
			count++
		}
	}
	if count > 0 {
		bad = append(bad, fmt.Sprintf("%d of %d log-sum-exps are NaN or infinite", count, len(out.LSE)))
	}
	return bad
}
