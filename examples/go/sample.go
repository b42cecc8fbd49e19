package main

import (
	"encoding/binary"
	"hash/fnv"
	"math"

	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
)

// sample is the problem that the examples in every language compute. Inputs are
// whole multiples of 1/256 made from a hash: queries and every 29th key point
// the same way, the other keys the other way.
func sample() (attention.Problem, attention.Inputs) {
	s := attention.Shape{Batch: 1, Heads: 4, KVHeads: 2, QLen: 512, KVLen: 512, HeadDim: 32}
	params := attention.Params{Theta: 2, Step: 4, Block: 16, SinkBlocks: 1, WindowBlocks: 1}
	fill := func(heads int, value func(i, row, d int) int) attention.Tensor {
		data := make([]float16.Float16, heads*s.KVLen*s.HeadDim)
		for i := range data {
			data[i] = float16.Fromfloat32(float32(value(i, i/s.HeadDim%s.KVLen, i%s.HeadDim)) / 256)
		}
		return attention.HostBHSD(data, 1, heads, s.KVLen, s.HeadDim)
	}
	return attention.Problem{Shape: s, Params: params}, attention.Inputs{
		Q: fill(s.Heads, func(i, _, d int) int {
			if d == 0 {
				return 1024 + noise(1, i, 128)
			}
			return noise(1, i, 128)
		}),
		K: fill(s.KVHeads, func(i, row, d int) int {
			switch {
			case d == 0 && row%29 == 5:
				return 768 + noise(2, i, 128)
			case d == 0:
				return -768 + noise(2, i, 128)
			}
			return noise(2, i, 128)
		}),
		V: fill(s.KVHeads, func(i, _, _ int) int { return noise(3, i, 512) }),
	}
}

// noise is a hash of seed and i, from -span/2 to span/2-1.
func noise(seed, i, span int) int {
	x := uint32(i)*2654435761 + uint32(seed)*40503
	x ^= x >> 16
	x *= 0x85ebca6b
	x ^= x >> 13
	x *= 0xc2b2ae35
	x ^= x >> 16
	return int(x)%span - span/2
}

// digest is FNV-1a over the bytes of output and log-sum-exps.
func digest(out attention.Outputs) uint64 {
	h := fnv.New64a()
	for _, x := range out.O.Host {
		_ = binary.Write(h, binary.LittleEndian, x.Bits())
	}
	for _, x := range out.LSE {
		_ = binary.Write(h, binary.LittleEndian, math.Float32bits(x))
	}
	return h.Sum64()
}
