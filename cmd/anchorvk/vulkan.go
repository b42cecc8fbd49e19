package main

import (
	"context"
	"errors"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/place"
	"github.com/anchorvk/anchorvk/shaders"
	"github.com/anchorvk/anchorvk/vk"
)

// vulkan is the backend that runs on real devices.
type vulkan struct{}

func (vulkan) list(o vk.Options) ([]vk.Report, error) { return vk.List(o) }

func (vulkan) tiers(r *vk.Report) []tierRecord {
	var all []tierRecord
	for _, t := range attention.Tiers(r) {
		all = append(all, tierRecord{t.Name, t.OK, t.Why})
	}
	return all
}

func (vulkan) loader() string {
	version, err := vk.LoaderVersion()
	if err != nil {
		return ""
	}
	return version
}

func (vulkan) layers() []vk.Layer { return vk.ActiveLayers() }

func (vulkan) modules() ([]moduleRecord, error) {
	list, err := shaders.Modules()
	if err != nil {
		return nil, err
	}
	var all []moduleRecord
	for _, m := range list {
		digest, err := shaders.Digest(m.Name)
		if err != nil {
			return nil, err
		}
		all = append(all, moduleRecord{m.Name, digest})
	}
	return all, nil
}

func (vulkan) open(o vk.Options, options attention.Options) (session, error) {
	device, err := vk.Open(o)
	if err != nil {
		return nil, err
	}
	engine, err := attention.NewEngine(device, options)
	if err != nil {
		_ = device.Close()
		return nil, err
	}
	return &vulkanSession{device, engine}, nil
}

// vulkanSession is an open device.
type vulkanSession struct {
	device *vk.Device
	engine *attention.Engine
}

func (s *vulkanSession) report() *vk.Report { return s.device.Report() }

func (s *vulkanSession) plan(p attention.Problem, o attention.PlanOptions) (*attention.Plan, error) {
	return s.engine.Plan(p, o)
}

func (s *vulkanSession) run(ctx context.Context, p *attention.Plan, in attention.Inputs, out attention.Outputs, o attention.RunOptions) (attention.Stats, error) {
	if err := s.engine.Warmup(ctx, p); err != nil { // so that host_ms holds no compilation
		return attention.Stats{}, err
	}
	c, err := s.engine.Bind(p, in, out)
	if err != nil {
		return attention.Stats{}, err
	}
	return c.Run(ctx, o)
}

func (s *vulkanSession) close() error {
	return errors.Join(s.engine.Close(), s.device.Close())
}

func (s *vulkanSession) place(ctx context.Context, shape attention.Shape, load func() (attention.Inputs, error)) (attention.Inputs, attention.Outputs, func(), error) {
	return place.Tensors(ctx, s.device, shape, load)
}
