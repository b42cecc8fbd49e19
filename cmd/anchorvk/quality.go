package main

import (
	"fmt"
	"math"

	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/plural"
	"github.com/anchorvk/anchorvk/internal/report"
)

// denseRecord says how far the whole output of a mode lies from the output of dense
// attention, where both ran. It is about the algorithm, not about the kernels.
type denseRecord struct {
	RelL2Dense  report.Float `json:"rel_l2_dense"`
	MaxAbsDense report.Float `json:"max_abs_dense"`
}

// besideDense compares a result with the dense one of the same run; nil where
// there is none beside it.
func besideDense(r result, all []result) *denseRecord {
	if r.mode == attention.ModeDense {
		return nil
	}
	for _, dense := range all {
		if dense.mode == attention.ModeDense {
			relL2, maxAbs := distance(r.out.O.Host, dense.out.O.Host)
			return &denseRecord{report.Float(relL2), report.Float(maxAbs)}
		}
	}
	return nil
}

// distance is ||got-ref|| / ||ref|| and the largest |got-ref| over all elements
// that are finite in ref; NaN where got is not finite there.
func distance(got, ref []float16.Float16) (relL2, maxAbs float64) {
	var err, norm float64
	for i, x := range ref {
		r := float64(x.Float32())
		if math.IsNaN(r) || math.IsInf(r, 0) {
			continue
		}
		e := float64(got[i].Float32()) - r
		err += e * e
		norm += r * r
		maxAbs = math.Max(maxAbs, math.Abs(e)) // keeps NaN
	}
	if err == 0 {
		return 0, 0
	}
	return math.Sqrt(err / norm), maxAbs
}

// qualityNote is a line under the table of what the sparsity costs: from whole
// outputs where dense ran too, else from sampled rows.
func qualityNote(r runRecord) string {
	if r.Mode == attention.ModeDense.String() || r.denseRecord == nil && r.verifyRecord == nil {
		return ""
	}
	text := fmt.Sprintf("\nquality of %s beside dense attention: ", r.Mode)
	if d := r.denseRecord; d != nil {
		text += fmt.Sprintf("rel L2 %.3g, largest difference %.3g, over the whole output", d.RelL2Dense, d.MaxAbsDense)
		if r.verifyRecord == nil {
			return text
		}
		text += "; "
	}
	v := r.verifyRecord
	text += fmt.Sprintf("recall %.2f %%", 100*v.RecallMass)
	if r.denseRecord == nil {
		text += fmt.Sprintf(", rel L2 %.3g, largest difference %.3g", v.RelL2, v.MaxAbs)
	}
	text += fmt.Sprintf(", over %s", plural.Of(v.RowsVerified, "sampled row", "sampled rows"))
	if v.NonFinite > 0 {
		text += fmt.Sprintf(", without the %.3g %% that the input makes NaN or infinite", 100*v.NonFinite)
	}
	return text
}

// warn says on stderr what the user should know though the result stands.
func (a *app) warn(texts []string) {
	if a.quiet {
		return
	}
	for _, text := range texts {
		fmt.Fprintln(a.stderr, "anchorvk: warning:", printable(text))
	}
}
