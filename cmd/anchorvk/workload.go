package main

import (
	"context"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/synth"
)

// variant is one way to compute a workload.
type variant struct {
	mode   attention.Mode
	params attention.Params
}

// variantsOf lists every mode with every combination of parameters; dense
// attention, which has none, once.
func variantsOf(modes []attention.Mode, params []attention.Params) []variant {
	var all []variant
	for _, mode := range modes {
		for _, p := range params {
			if all = append(all, variant{mode, p}); mode == attention.ModeDense {
				break
			}
		}
	}
	return all
}

// workload is one shape to measure; load makes its inputs when it is its turn,
// and says what is odd about them.
type workload struct {
	shape attention.Shape
	load  func() (attention.Inputs, []string, error)
	extra float64 // bytes of host memory that load takes beside the inputs
}

// generated is a workload of made-up inputs.
func generated(c synth.Config) workload {
	return workload{shape: c.Shape, load: func() (attention.Inputs, []string, error) {
		q, k, v, err := synth.Generate(c)
		return attention.Inputs{Q: q, K: k, V: v}, nil, err
	}}
}

func (f *benchFlags) workloads(ctx context.Context) ([]workload, func(), error) {
	if f.input.path == "" {
		var all []workload
		for _, dim := range f.headDims {
			for _, n := range f.lengths {
				all = append(all, generated(f.config(n, dim)))
			}
		}
		return all, func() {}, nil
	}
	file, err := f.input.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := f.params.of(file, f.input.path); err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return []workload{{file.shape, file.load, file.extraBytes()}}, func() { _ = file.Close() }, nil
}

// madeUp is the input of one length that bench makes where no flag says
// otherwise.
func madeUp(n int) synth.Config {
	return synth.Config{
		Shape: attention.Shape{Batch: 1, Heads: 4, KVHeads: 1, QLen: n, KVLen: n, HeadDim: 128},
		Seed:  1, StripeFraction: 0.05,
	}
}

func (f *benchFlags) config(n, headDim int) synth.Config {
	return synth.Config{
		Shape: attention.Shape{Batch: f.batch, Heads: f.heads, KVHeads: f.kvHeads, QLen: n, KVLen: n, HeadDim: headDim},
		Seed:  f.seed, StripeFraction: f.stripes,
	}
}
