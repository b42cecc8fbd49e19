package synth

import (
	"math/rand/v2"
	"runtime"
	"sync"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/x448/float16"
)

// chunk is how many positions share one table of RoPE's sines.
const chunk = 256

// generator holds the structure of all heads while rows are made.
type generator struct {
	config  Config
	l       *layout
	ones    []float32
	keys    []*keyHead   // [batch, kv_heads]
	queries []*queryHead // [batch, heads]
	q, k, v attention.Tensor
}

// Generate makes q [batch, heads, q_len, head_dim] and k and v [batch,
// kv_heads, kv_len, head_dim], contiguous in host memory, on GOMAXPROCS
// goroutines. Errors are [*attention.ArgumentError].
func Generate(c Config) (q, k, v attention.Tensor, err error) {
	if err := c.Validate(); err != nil {
		return q, k, v, err
	}
	g := newGenerator(c)
	starts := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			var t turns
			row := make([]float32, c.HeadDim)
			for start := range starts {
				g.positions(start, min(start+chunk, c.KVLen), &t, row)
			}
		}()
	}
	for start := 0; start < c.KVLen; start += chunk {
		starts <- start
	}
	close(starts)
	workers.Wait()
	return g.q, g.k, g.v, nil
}

func newGenerator(c Config) *generator {
	g := &generator{config: c, l: newLayout(c.Shape), ones: make([]float32, c.HeadDim)}
	for i := range g.ones {
		g.ones[i] = 1
	}
	topics := len(g.l.topics)
	density := c.StripeFraction / keptShare * float64(topics) / float64(unionTopics(topics))
	for b := range c.Batch {
		for h := range c.KVHeads {
			g.keys = append(g.keys, newKeyHead(g.l, stream(c.Seed, streamKeys, b, h), density))
		}
		for h := range c.Heads {
			keys := g.keys[b*c.KVHeads+c.KVHead(h)]
			g.queries = append(g.queries, newQueryHead(g.l, keys, stream(c.Seed, streamQueries, b, h), c.KindOf(h)))
		}
	}
	g.q = hostTensor(c.Batch, c.Heads, c.QLen, c.HeadDim)
	g.k = hostTensor(c.Batch, c.KVHeads, c.KVLen, c.HeadDim)
	g.v = hostTensor(c.Batch, c.KVHeads, c.KVLen, c.HeadDim)
	return g
}

func hostTensor(batch, heads, seq, dim int) attention.Tensor {
	return attention.HostBHSD(make([]float16.Float16, batch*heads*seq*dim), batch, heads, seq, dim)
}

// positions makes every row of all heads at positions [from, to).
func (g *generator) positions(from, to int, t *turns, row []float32) {
	c := g.config
	t.fill(g.l, from, to-from)
	var p rand.PCG
	for b := range c.Batch {
		for h := range c.KVHeads {
			for j := from; j < to; j++ {
				seed(&p, c.Seed, streamKeyRows, b, h, j)
				g.keys[b*c.KVHeads+h].keyRow(row, j, &p)
				t.rotate(row, j)
				narrow(g.k.At(b, h, j), row)
				seed(&p, c.Seed, streamValueRows, b, h, j)
				valueRow(row, g.ones, j, &p)
				narrow(g.v.At(b, h, j), row)
			}
		}
		for h := range c.Heads {
			for j := max(from, c.Prefix()); j < to; j++ {
				seed(&p, c.Seed, streamQueryRows, b, h, j)
				g.queries[b*c.Heads+h].queryRow(row, j, &p)
				t.rotate(row, j)
				narrow(g.q.At(b, h, j-c.Prefix()), row)
			}
		}
	}
}

// narrow rounds to fp16.
func narrow(dst []float16.Float16, src []float32) {
	for i, x := range src {
		dst[i] = float16.Fromfloat32(x)
	}
}
