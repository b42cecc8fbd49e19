package oracle

import (
	"runtime"
	"sync"

	"github.com/anchorvk/anchorvk/attention/problem"
)

// Result is the whole output of the oracle for one problem.
type Result struct {
	// O is the attention output, [Batch, Heads, QLen, HeadDim].
	O []float64
	// LSE is the log-sum-exp of every row (natural log), [Batch, Heads, QLen].
	LSE []float64
	// Stripes is true for kept stripes, [Batch, Heads, Groups, KVLen]. Nil
	// after ModeDense.
	Stripes []bool
}

// Forward computes every row of the problem. It is quadratic: use DenseRow and
// AnchorRow on sampled rows where the problem is large.
func (o *Oracle) Forward(mode problem.Mode) *Result {
	s := o.Shape
	r := &Result{
		O:   make([]float64, s.Batch*s.Heads*s.QLen*s.HeadDim),
		LSE: make([]float64, s.Batch*s.Heads*s.QLen),
	}
	if mode == problem.ModeAnchor {
		r.Stripes = make([]bool, s.Batch*s.Heads*o.Groups()*s.KVLen)
	}
	o.EachGroup(func(b, h, group int) {
		head := b*s.Heads + h
		var kept []bool
		if mode == problem.ModeAnchor {
			kept = o.Select(b, h, group).Kept
			copy(r.Stripes[(head*o.Groups()+group)*s.KVLen:], kept)
		}
		lo, hi := o.GroupRows(group)
		for row := lo; row < hi; row++ {
			at := head*s.QLen + row
			out := r.O[at*s.HeadDim : (at+1)*s.HeadDim]
			if mode == problem.ModeDense {
				r.LSE[at] = o.DenseRow(b, h, row, out)
			} else {
				r.LSE[at] = o.AnchorRow(b, h, row, kept, out)
			}
		}
	})
	return r
}

// EachGroup calls visit for every batch, query head and group that has rows in
// the call, on GOMAXPROCS goroutines, and returns when all calls have. Groups
// of one KV head follow each other, so that its keys are converted once.
func (o *Oracle) EachGroup(visit func(b, h, group int)) {
	type task struct{ b, h, group int }
	tasks := make(chan task)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for t := range tasks {
				visit(t.b, t.h, t.group)
			}
		}()
	}
	for b := range o.Shape.Batch {
		for h := range o.Shape.Heads {
			// Late groups are the longest: first, so that no goroutine is left
			// alone with one at the end.
			for group := o.Groups() - 1; group >= o.FirstGroup(); group-- {
				tasks <- task{b, h, group}
			}
		}
	}
	close(tasks)
	workers.Wait()
}

// SampleRows returns n rows of the call in ascending order, evenly spread, the
// first and the last among them; all rows when there are no more than n.
func (o *Oracle) SampleRows(n int) []int {
	last := o.Shape.QLen - 1
	if n > last {
		n = last + 1
	}
	rows := make([]int, n)
	for i := range rows {
		if n == 1 {
			rows[i] = last
		} else {
			rows[i] = int(int64(i) * int64(last) / int64(n-1))
		}
	}
	return rows
}
