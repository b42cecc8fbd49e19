package attention

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// pipelines holds the pipelines of an engine. Each is compiled once: callers that
// want one that is being compiled wait for it, and others do not. A compiler may
// take most of a minute, so no lock is held around it.
type pipelines struct {
	sync.Mutex
	made    map[pipelineKey]*vk.Pipeline
	running map[pipelineKey]*compilation
	refused map[refusalKey]error // why the driver could not build a tier
	closed  bool
	slots   chan struct{} // holds a token for each compiler that runs
	// compile is pipelineKey.build; tests have it fail.
	compile func(pipelineKey, *vk.Device) (*vk.Pipeline, error)
}

// compilation is a pipeline that somebody is making.
type compilation struct {
	done     chan struct{} // closed when the rest is known
	pipeline *vk.Pipeline
	err      error
}

func (c *pipelines) init() {
	c.made, c.running, c.refused = map[pipelineKey]*vk.Pipeline{}, map[pipelineKey]*compilation{}, map[refusalKey]error{}
	c.slots = make(chan struct{}, runtime.GOMAXPROCS(0))
	c.compile = pipelineKey.build
}

// close frees the pipelines; those that are being compiled are freed when they
// are made.
func (c *pipelines) close() {
	c.Lock()
	defer c.Unlock()
	c.closed = true
	for _, p := range c.made {
		_ = p.Close()
	}
}

// pipeline returns a plan's kernel that takes its tensors in the given way,
// compiling it on first use.
func (e *Engine) pipeline(k kernel, p *Plan, way tuning.Way) (*vk.Pipeline, error) {
	return e.pipelineOf(keyFor(k, p, way))
}

func keyFor(k kernel, p *Plan, way tuning.Way) pipelineKey {
	t := p.Tuning
	t.Way = way
	return pipelineFor(k, p.Tier, t, p.Shape.HeadDim)
}

func (e *Engine) pipelineOf(key pipelineKey) (*vk.Pipeline, error) {
	c := &e.pipelines
	c.Lock()
	if c.closed {
		c.Unlock()
		return nil, vk.ErrClosed
	}
	if made, ok := c.made[key]; ok {
		c.Unlock()
		return made, nil
	}
	x, running := c.running[key]
	if !running {
		x = &compilation{done: make(chan struct{})}
		c.running[key] = x
	}
	c.Unlock()
	if running {
		<-x.done
	} else {
		e.compile(key, x)
	}
	return x.pipeline, x.err
}

// compile makes a pipeline for all that wait for it.
func (e *Engine) compile(key pipelineKey, x *compilation) {
	c := &e.pipelines
	c.slots <- struct{}{}
	x.err = guard(func() (err error) {
		x.pipeline, err = c.compile(key, e.device)
		if err != nil && mayPass(err) {
			e.log.Debug("a kernel could not be built, which is tried once more", "module", key.module(), "error", err)
			x.pipeline, err = c.compile(key, e.device)
		}
		return err
	})
	<-c.slots
	c.Lock()
	defer c.Unlock()
	defer close(x.done)
	delete(c.running, key)
	switch {
	case x.err != nil:
	case c.closed:
		_ = x.pipeline.Close()
		x.pipeline, x.err = nil, vk.ErrClosed
	default:
		c.made[key] = x.pipeline
		e.log.Debug("kernel compiled", "module", key.module(), "constants", fmt.Sprint(key.constants))
	}
}

// build makes the pipelines that a plan runs, side by side.
func (e *Engine) build(p *Plan, way tuning.Way) error {
	if ready, err := e.pipelines.ready(p, way); ready || err != nil {
		return err
	}
	var keys []pipelineKey
	for k := range kernelCount {
		if p.runs(k) {
			keys = append(keys, keyFor(k, p, way))
		}
	}
	return e.buildAll(keys)
}

// ready says whether all that a plan runs is made, or why it is not to be.
func (c *pipelines) ready(p *Plan, way tuning.Way) (bool, error) {
	c.Lock()
	defer c.Unlock()
	if c.closed {
		return false, vk.ErrClosed
	}
	if why := c.refused[refusalKey{p.Tier, p.Shape.HeadDim}]; why != nil && p.options.Tier == "" {
		return false, why
	}
	for k := range kernelCount {
		if p.runs(k) && c.made[keyFor(k, p, way)] == nil {
			return false, nil
		}
	}
	return true, nil
}

// buildAll makes pipelines, and returns the first of the errors in their order.
func (e *Engine) buildAll(keys []pipelineKey) error {
	failed := make([]error, len(keys))
	var all sync.WaitGroup
	for i, key := range keys {
		all.Add(1)
		go func() {
			defer all.Done()
			_, failed[i] = e.pipelineOf(key)
		}()
	}
	all.Wait()
	for i, key := range keys {
		var full *vk.OutOfMemoryError
		if errors.As(failed[i], &full) { // memory that is short for all of them may do for one
			_, failed[i] = e.pipelineOf(key)
		}
		if failed[i] != nil {
			return failed[i]
		}
	}
	return nil
}
