package main

import (
	"context"

	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/quality"
)

// evalDevice is the device on which `eval --time` runs settings.
type evalDevice struct {
	session session
	options attention.PlanOptions
}

// deviceResults are what the device did for settings, by their index.
type deviceResults map[int]deviceResult

type deviceResult struct {
	ms    float64   // of the call
	relL2 []float64 // of each (batch, head) against the device's dense output
}

func (a *app) openEvalDevice() (*evalDevice, error) {
	s, options, err := a.openDevice(attention.Options{}, manners{})
	if err != nil {
		return nil, err
	}
	options.NoFallback = true // a setting is measured as it is called
	return &evalDevice{s, options}, nil
}

// timeSettings runs every setting of AnchorAttention on the device, nothing
// without one.
func (a *app) timeSettings(ctx context.Context, d *evalDevice, in quality.Input, settings []quality.Setting) (deviceResults, error) {
	if d == nil {
		return nil, nil
	}
	if err := a.fits("the outputs", 4*float64(in.Shape.Batch)*float64(in.Shape.Heads)*float64(in.Shape.QLen)*float64(in.Shape.HeadDim)); err != nil {
		return nil, err
	}
	dense, _, err := d.run(ctx, in, attention.ModeDense, settings[0].Params)
	if err != nil {
		return nil, err
	}
	results := deviceResults{}
	bar := a.progress("time", float64(len(settings)))
	defer bar.done()
	for i, s := range settings {
		if s.Method == nil {
			out, ms, err := d.run(ctx, in, attention.ModeAnchor, s.ParamsFor(in.Capture))
			if err != nil {
				return nil, err
			}
			results[i] = deviceResult{ms, relL2OfHeads(out, dense, in.Shape)}
		}
		bar.add(1)
	}
	return results, nil
}

// run computes the call twice, because the first makes pipelines, and returns
// the output and the time of the second.
func (d *evalDevice) run(ctx context.Context, in quality.Input, mode attention.Mode, p attention.Params) ([]float16.Float16, float64, error) {
	s := in.Shape
	plan, err := d.session.plan(attention.Problem{Shape: s, Mode: mode, Params: p}, d.options)
	if err != nil {
		return nil, 0, err
	}
	o := attention.HostBHSD(make([]float16.Float16, s.Batch*s.Heads*s.QLen*s.HeadDim), s.Batch, s.Heads, s.QLen, s.HeadDim)
	var stats attention.Stats
	for range 2 {
		if stats, err = d.session.run(ctx, plan, attention.Inputs{Q: in.Q, K: in.K, V: in.V}, attention.Outputs{O: o}, attention.RunOptions{}); err != nil {
			return nil, 0, err
		}
	}
	return o.Host, clock(stats), nil
}

func relL2OfHeads(out, dense []float16.Float16, s attention.Shape) []float64 {
	size := s.QLen * s.HeadDim
	all := make([]float64, s.Batch*s.Heads)
	x, ref := make([]float64, size), make([]float64, size)
	for h := range all {
		for i := range x {
			x[i], ref[i] = float64(out[h*size+i].Float32()), float64(dense[h*size+i].Float32())
		}
		all[h] = oracle.RelL2(x, ref)
	}
	return all
}
