package oracle

import (
	"runtime"
	"sync"

	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/x448/float16"
)

// headRows holds the keys and values of one KV head in float64, row after row.
type headRows struct {
	dim  int
	k, v []float64
}

func (r *headRows) key(j int) []float64   { return r.k[j*r.dim : (j+1)*r.dim] }
func (r *headRows) value(j int) []float64 { return r.v[j*r.dim : (j+1)*r.dim] }

// kvCache keeps the converted keys and values of the KV heads used last, one
// for each goroutine that can run, so that a head is converted once and not
// for every row. The zero value is ready.
type kvCache struct {
	mu    sync.Mutex
	heads []*kvEntry // most recent last
}

type kvEntry struct {
	batch, head int
	once        sync.Once
	rows        headRows
}

// head returns the keys and values of KV head kvHead in batch b.
func (o *Oracle) head(b, kvHead int) *headRows {
	entry := o.cache.entry(b, kvHead)
	entry.once.Do(func() {
		entry.rows = headRows{dim: o.Shape.HeadDim, k: o.keys(1, o.K, b, kvHead), v: o.keys(2, o.V, b, kvHead)}
	})
	return &entry.rows
}

func (c *kvCache) entry(b, kvHead int) *kvEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, e := range c.heads {
		if e.batch == b && e.head == kvHead {
			copy(c.heads[i:], c.heads[i+1:])
			c.heads[len(c.heads)-1] = e
			return e
		}
	}
	e := &kvEntry{batch: b, head: kvHead}
	if len(c.heads) > runtime.GOMAXPROCS(0) {
		copy(c.heads, c.heads[1:])
		c.heads[len(c.heads)-1] = e
	} else {
		c.heads = append(c.heads, e)
	}
	return e
}

// keys returns one head of K (which 1) or V (2) in float64.
func (o *Oracle) keys(which int, t problem.Tensor, b, h int) []float64 {
	if o.wide == nil {
		return toFloat64(t, b, h)
	}
	size := o.Shape.KVLen * o.Shape.HeadDim
	out := make([]float64, size)
	for i, x := range o.wide[which][(b*o.Shape.KVHeads+h)*size:][:size] {
		out[i] = float64(x)
	}
	return out
}

// toFloat64 converts one head of t.
func toFloat64(t problem.Tensor, b, h int) []float64 {
	seq, dim := t.Shape[2], t.Shape[3]
	out := make([]float64, seq*dim)
	for s := range seq {
		widen(out[s*dim:(s+1)*dim], t.At(b, h, s))
	}
	return out
}

// widen converts a row to float64, which is exact.
func widen(dst []float64, src []float16.Float16) {
	for i, x := range src {
		dst[i] = float64(x.Float32())
	}
}
