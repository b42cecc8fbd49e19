package attention

import (
	"errors"
	"maps"

	"github.com/anchorvk/anchorvk/vk"
)

// A driver may refuse to build what its properties promise: a compiler gives
// up, a subgroup size is not granted. That must not end a call which another
// tier can compute, so the engine remembers the tier as refused for that head
// dimension and plans again. A tier that was asked for by name is not replaced:
// its caller gets the error.

// refusalKey names what cannot be built.
type refusalKey struct {
	tier    Tier
	headDim int
}

// refusals returns the tiers that cannot be built for a head dimension, with
// the reasons.
func (e *Engine) refusals(headDim int) map[Tier]string {
	e.pipelines.Lock()
	defer e.pipelines.Unlock()
	var all map[Tier]string
	for key, why := range e.pipelines.refused {
		if key.headDim == headDim {
			if all == nil {
				all = map[Tier]string{}
			}
			all[key.tier] = why.Error()
		}
	}
	return all
}

// buildable makes the pipelines of a plan. Where one cannot be built it
// returns the problem's plan on the next tier, with its pipelines made.
func (e *Engine) buildable(p *Plan, in Inputs) (*Plan, error) {
	for {
		err := e.build(p, p.wayOf(in.K, in.V))
		if err == nil || p.options.Tier != "" || !isRefusal(err) {
			return p, err
		}
		known := e.refuse(p, err)
		next, planErr := e.Plan(Problem{Shape: p.Shape, Mode: p.Asked, Params: p.Params}, p.options)
		if planErr != nil {
			e.forget(p.Shape.HeadDim) // with no tier left, the next call is to try them again
			return p, errors.Join(err, planErr)
		}
		if !known {
			e.log.Warn("a tier cannot be built on this device: the next one is taken", "tier", p.Tier, "next", next.Tier, "error", err)
		}
		p = next
	}
}

// refuse notes why a plan's tier cannot be built; known is true where it was
// noted before, as for a plan that is older than the note.
func (e *Engine) refuse(p *Plan, why error) (known bool) {
	e.pipelines.Lock()
	defer e.pipelines.Unlock()
	key := refusalKey{p.Tier, p.Shape.HeadDim}
	_, known = e.pipelines.refused[key]
	e.pipelines.refused[key] = why
	return known
}

// ForgetRefusals lets later plans take the tiers again that the driver could
// not build, as after a failure that has passed. A kernel that cannot be built
// is tried twice before its tier is refused, and where no tier is left the
// refusals are forgotten at once.
func (e *Engine) ForgetRefusals() {
	e.pipelines.Lock()
	clear(e.pipelines.refused)
	e.pipelines.Unlock()
}

// forget is ForgetRefusals for a head dimension.
func (e *Engine) forget(headDim int) {
	e.pipelines.Lock()
	maps.DeleteFunc(e.pipelines.refused, func(key refusalKey, _ error) bool { return key.headDim == headDim })
	e.pipelines.Unlock()
}

// runs says whether a plan dispatches a kernel.
func (p *Plan) runs(k kernel) bool {
	switch k {
	case kernelDense:
		return true
	case kernelPool, kernelIdentify:
		return p.pools()
	case kernelSample:
		return p.samples() || p.guards()
	case kernelPick, kernelPickMatrix:
		if !p.samples() {
			return false
		}
		pick, _ := p.pickKernel()
		return k == pick
	case kernelMiss:
		return p.anyHead(func(p Params, h Head) bool { return p.GuardsHead(h) && !p.SamplesHead(h) })
	case kernelGuard:
		return p.guards()
	case kernelPeaks:
		return p.guards() && p.Params.Guard.Look > 0
	}
	return p.Mode == ModeAnchor
}

// isRefusal tells a driver that cannot build a kernel from a device that can
// do nothing more, and from one that has no memory left just now: a later call
// may find some, and must find its tier too.
func isRefusal(err error) bool {
	var lost *vk.DeviceLostError
	var hung *vk.TimeoutError
	var full *vk.OutOfMemoryError
	var over *vk.MemoryBudgetError
	var panicked *PanicError
	return !errors.As(err, &panicked) && !errors.As(err, &lost) && !errors.As(err, &hung) && !errors.As(err, &full) && !errors.As(err, &over) &&
		!errors.Is(err, vk.ErrClosed)
}

// mayPass tells a driver's refusal, which may be a passing one, from what the
// device's properties rule out.
func mayPass(err error) bool {
	var limit *vk.LimitError
	var feature *vk.FeatureError
	return isRefusal(err) && !errors.As(err, &limit) && !errors.As(err, &feature)
}
