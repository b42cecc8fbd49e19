package attention

import (
	"context"
	"fmt"

	"github.com/anchorvk/anchorvk/vk"
)

// Scratch is the scratch memory of recordings that run one after the other.
type Scratch struct {
	buffers engineBuffers
	size    uint64
}

// NewScratch makes scratch memory that suits a plan and every plan that needs
// no more, for recordings that run one after the other on one queue, as the
// layers of a model do. Recordings that may run at the same time need one each.
func (e *Engine) NewScratch(p *Plan) (*Scratch, error) {
	if err := p.checkMade(); err != nil {
		return nil, err
	}
	s := &Scratch{buffers: engineBuffers{device: e.device}, size: p.ScratchBytes}
	if s.size == 0 {
		return s, nil // dense attention needs none
	}
	if err := s.buffers.grow(&s.buffers.scratch, "scratch", s.size, vk.DeviceLocal); err != nil {
		return nil, err
	}
	return s, nil
}

// Bytes is the size of the memory.
func (s *Scratch) Bytes() uint64 { return s.size }

// Close frees the memory, once the recordings that use it are closed. It may
// be called more than once.
func (s *Scratch) Close() error {
	s.buffers.close()
	return nil
}

// PrepareOptions steer a recording.
type PrepareOptions struct {
	// Scratch is memory that the recording shares; nil gives it its own.
	Scratch *Scratch
}

// Recording is a call that is recorded into command buffers of the caller's.
// Nothing is submitted by it. One goroutine uses it at a time.
type Recording struct {
	call     call
	buffers  engineBuffers
	shared   *Scratch
	commands *vk.Recording
}

// Prepare makes all that a plan needs to be recorded into the caller's command
// buffers, on an adopted device (vk.Adopt). Tensors and log-sum-exps are on the
// device, and Outputs.Stripes is nil. Buffers stay alive until the recording
// is closed.
//
// Any number of recordings may be in flight, each with scratch memory of its
// own. Recordings that share a Scratch run in the order of one queue.
//
// A watchdog may reset a device that works for long on one submission, and the
// caller submits. So the work is cut into parts of about Plan.SliceMS each, as
// the pace of the calls before suggests; on short calls there is one. Results
// do not depend on it, nor on how parts are spread over command buffers.
func (e *Engine) Prepare(p *Plan, in Inputs, out Outputs, options PrepareOptions) (*Recording, error) {
	if err := e.Check(p, in, out); err != nil {
		return nil, err
	}
	if err := checkOnDevice(in, out); err != nil {
		return nil, err
	}
	if !e.device.Borrowed() {
		return nil, argument("engine", "use Run or Submit, or make the device by vk.Adopt", "is on a device of its own, so that there is no command buffer to record into")
	}
	if e.jobs.isClosed() {
		return nil, vk.ErrClosed
	}
	p, err := e.buildable(p, in)
	if err != nil {
		return nil, err
	}
	r := &Recording{buffers: engineBuffers{device: e.device}, shared: options.Scratch}
	if s := r.shared; s != nil {
		if s.size < p.ScratchBytes || s.buffers.device != e.device {
			return nil, argument("PrepareOptions.Scratch", "make it with Engine.NewScratch for the largest plan", "has %d bytes where the plan needs %d, or is of another device", s.size, p.ScratchBytes)
		}
		r.buffers.scratch = s.buffers.scratch
	}
	if err := r.record(e, p, in, out); err != nil {
		r.free()
		return nil, err
	}
	return r, nil
}

// record collects the work and makes its descriptor sets.
func (r *Recording) record(e *Engine, p *Plan, in Inputs, out Outputs) error {
	c := &r.call
	if err := c.beginOnDevice(e, &r.buffers, p, in, out); err != nil {
		return err
	}
	recorder, err := e.device.NewRecorder("attention recording")
	if err != nil {
		return fmt.Errorf("attention: prepare a recording: %w", err)
	}
	c.slicer.begin(recorder, &e.rate, p.SliceMS, false)
	c.slicer.parts = true
	if err = c.recordAll(context.Background()); err == nil {
		r.commands, err = recorder.Hold()
	}
	if err != nil {
		_ = recorder.Close()
	}
	return err
}

// free frees what is not shared.
func (r *Recording) free() {
	if r.shared != nil {
		r.buffers.scratch = nil
	}
	r.buffers.close()
}

// Parts is the number of parts, 1 or more.
func (r *Recording) Parts() int { return r.commands.Parts() }

// Record writes all parts, in order, into a VkCommandBuffer of the caller's
// that is being recorded, outside a render pass, for a queue of the adopted
// family. Recordings may be recorded any number of times, also into several
// command buffers that run one after the other.
//
// The commands begin with a memory barrier that waits for everything before
// them on the queue (VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
// VK_ACCESS_MEMORY_WRITE_BIT), and end with one that everything after them
// waits for, and that makes their writes available to all stages and to the
// host. So the caller needs no barrier of its own around them, other than what
// a change of queue or of queue family asks for. They change the compute
// pipeline, descriptor set 0 of the compute bind point, and its push constants.
func (r *Recording) Record(commands vk.Handle) error {
	return r.commands.Record(commands, 0, r.Parts())
}

// RecordPart is Record for one part, from 0 to Parts()-1, with the same
// barriers around it. Parts run in order, each once, on one queue; each may go
// into a submission of its own.
func (r *Recording) RecordPart(part int, commands vk.Handle) error {
	return r.commands.Record(commands, part, part+1)
}

// Stats says what the last run of the commands did, once all parts have ended,
// which only the caller knows. There are no times. It is asked once after a
// run, or after several, and is the proof that they ran: where the device has
// dropped a part, and where nothing has run since it was last asked, its error
// is vk.ErrNotRun.
func (r *Recording) Stats() (Stats, error) {
	c := &r.call
	if err := r.commands.CheckRun(); err != nil {
		return Stats{}, err
	}
	if err := c.deliver(context.Background(), Outputs{}); err != nil {
		return Stats{}, err
	}
	s := c.stats()
	s.Slices = r.Parts()
	return s, nil
}

// Close frees the recording's scratch memory and descriptors. The command
// buffers that it was recorded into must have ended, and must not be submitted
// again. It may be called more than once.
func (r *Recording) Close() error {
	err := r.commands.Close()
	r.free()
	return err
}
