package attention

import (
	"github.com/anchorvk/anchorvk/vk"

	"github.com/anchorvk/anchorvk/internal/plural"
)

// check raises every argument error of a call on the engine's device.
func (e *Engine) check(p *Plan, in Inputs, out Outputs) error {
	if err := checkCall(p, in, out); err != nil {
		return err
	}
	if r := e.device.Report(); !p.madeFor(r) {
		if p.Device == r.Name {
			return argument("plan", "make it with Engine.Plan", "was made for another %s, or for this one with other features", p.Device)
		}
		return argument("plan", "make it with Engine.Plan", "was made for %s, and this engine's device is %s", p.Device, r.Name)
	}
	for _, b := range [5]struct {
		name   string
		buffer *vk.Buffer
	}{{"Q.Buffer", in.Q.Buffer}, {"K.Buffer", in.K.Buffer}, {"V.Buffer", in.V.Buffer}, {"O.Buffer", out.O.Buffer}, {"LSEBuffer", out.LSEBuffer}} {
		if b.buffer != nil && b.buffer.Device() != e.device {
			return argument(b.name, "make it on the engine's device, or lend it to that", "is of another device")
		}
	}
	return nil
}

// checkCall raises those that do not depend on the engine.
func checkCall(p *Plan, in Inputs, out Outputs) error {
	if err := p.checkMade(); err != nil {
		return err
	}
	s := p.Shape
	for _, t := range [4]struct {
		name       string
		tensor     Tensor
		heads, seq int
	}{
		{"Q", in.Q, s.Heads, s.QLen}, {"K", in.K, s.KVHeads, s.KVLen}, {"V", in.V, s.KVHeads, s.KVLen}, {"O", out.O, s.Heads, s.QLen},
	} {
		if err := t.tensor.ValidateFor(t.name, s.Batch, t.heads, t.seq, s.HeadDim); err != nil {
			return err
		}
	}
	if err := out.O.ValidateRowsApart(); err != nil {
		return err
	}
	if want := s.Batch * s.Heads * s.QLen; out.LSE != nil && len(out.LSE) != want {
		return argument("LSE", "make it batch*heads*q_len long, or nil", "has %s where %d are needed", plural.Of(len(out.LSE), "element", "elements"), want)
	}
	if err := checkLSEBuffer(s, out); err != nil {
		return err
	}
	groups := p.Params.Groups(s.KVLen)
	if want := s.Batch * s.Heads * groups * s.KVLen; out.Stripes != nil && len(out.Stripes) != want {
		return argument("Stripes", "make it batch*heads*groups*kv_len long, or nil", "has %s where %d are needed", plural.Of(len(out.Stripes), "element", "elements"), want)
	}
	return checkOverlap(&in, &out, s.Batch*s.Heads*s.QLen)
}
