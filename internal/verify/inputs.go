package verify

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/x448/float16"
)

// Inputs are a case's tensors in host memory.
type Inputs struct{ Q, K, V attention.Tensor }

// shared is how many neighbouring positions have a query direction in common;
// without it, pooled queries would vanish and no stripe would stand out.
const shared = 64

// heavy is the distance between the keys that are longer than the others, and
// so stripes for many queries. Prime, so that it meets every tile position.
const heavy = 61

// Inputs generates the tensors of a case: the same bits on every machine.
func (c Case) Inputs() Inputs {
	hash := fnv.New64a()
	hash.Write([]byte(c.Name))
	random := rand.New(rand.NewPCG(hash.Sum64(), 1))
	s := c.Shape
	in := Inputs{
		Q: c.tensor(s.Heads, s.QLen),
		K: c.tensor(s.KVHeads, s.KVLen),
		V: c.tensor(s.KVHeads, s.KVLen),
	}
	direction := make([]float64, s.HeadDim)
	for b := range s.Batch {
		for h := range s.Heads {
			for i := range s.QLen {
				if i == 0 || (s.Prefix()+i)%shared == 0 {
					for d := range direction {
						direction[d] = random.NormFloat64()
					}
				}
				for d, row := 0, in.Q.At(b, h, i); d < s.HeadDim; d++ {
					row[d] = half(c.Data.Amplitude * (0.8*direction[d] + 0.6*random.NormFloat64()))
				}
			}
		}
		for h := range s.KVHeads {
			for j := range s.KVLen {
				length := 1.0
				if j%heavy == heavy/2 {
					length = 1.6
				}
				k, v := in.K.At(b, h, j), in.V.At(b, h, j)
				for d := range k {
					k[d] = half(length * random.NormFloat64())
					v[d] = half(random.NormFloat64())
				}
			}
		}
	}
	c.score(in)
	c.plant(in)
	return in
}

// score replaces the keys, and for stairs the queries, as Data.Scores says.
func (c Case) score(in Inputs) {
	s := c.Shape
	for b := range s.Batch {
		for h := range s.KVHeads {
			for j := range s.KVLen {
				for d, k := 0, in.K.At(b, h, j); c.Data.Scores != "" && d < len(k); d++ {
					level := 0.0
					if c.Data.Scores == "stairs" {
						level = float64(j * stairs / s.KVLen)
						// Over all elements, with queries of 1: their product is level / scale.
						k[d] = half(level/math.Sqrt(float64(s.HeadDim)) + 0.02*float64(k[d].Float32()))
						continue
					}
					k[d] = half(level)
				}
			}
		}
	}
	switch c.Data.Scores {
	case "stairs":
		for i := range in.Q.Host {
			in.Q.Host[i] = half(1)
		}
	case "late":
		growLate(in)
	}
}

// growLate points query i along dimension i mod head_dim, and among keys of zero
// one late key along each dimension, which outweighs all others for the queries
// of its dimension, and is nothing to the rest.
func growLate(in Inputs) {
	const apart = 16 // as many keys as the smallest tiles have
	dim, end := in.Q.Shape[3], in.K.Shape[2]
	for b := range in.Q.Shape[0] {
		for h := range in.Q.Shape[1] {
			for i := range in.Q.Shape[2] {
				row := in.Q.At(b, h, i)
				clear(row)
				row[i%dim] = half(8)
			}
		}
		for h := range in.K.Shape[1] {
			for n := range dim {
				in.K.At(b, h, end-apart*(dim+2-n)+n%apart)[n] = half(7) // at head_dim 40 a weight of e^8.9
			}
		}
	}
}

// plant puts the non-finite value of the case about a third into the sequence.
func (c Case) plant(in Inputs) {
	which, value, ok := strings.Cut(c.Data.Plant, " ")
	if !ok {
		return
	}
	bits := map[string]float32{"nan": float32(math.NaN()), "inf": float32(math.Inf(1)), "-inf": float32(math.Inf(-1))}[value]
	t := map[string]attention.Tensor{"q": in.Q, "k": in.K, "v": in.V}[which]
	t.At(0, t.Shape[1]-1, t.Shape[2]/3)[5] = float16.Fromfloat32(bits)
}

// Output returns a tensor for the case's output, every element NaN, so that
// whatever the device leaves out is found.
func (c Case) Output() attention.Tensor {
	t := c.tensor(c.Shape.Heads, c.Shape.QLen)
	for i := range t.Host {
		t.Host[i] = float16.NaN()
	}
	return t
}

func (c Case) tensor(heads, seq int) attention.Tensor {
	s := c.Shape
	data := make([]float16.Float16, s.Batch*heads*seq*s.HeadDim)
	if c.BSHD {
		return attention.HostBSHD(data, s.Batch, seq, heads, s.HeadDim)
	}
	return attention.HostBHSD(data, s.Batch, heads, seq, s.HeadDim)
}

func half(x float64) float16.Float16 { return float16.Fromfloat32(float32(x)) }
