package attention

import (
	"context"
	"fmt"

	"github.com/anchorvk/anchorvk/vk"
)

// Scratch is the scratch memory of recorded calls that run one after the other.
type Scratch struct {
	buffers engineBuffers
	size    uint64
}

// NewScratch makes scratch memory that suits a plan and every plan that needs
// no more, for recorded calls that run one after the other on one queue, as the layers of a
// model do. Calls that may run at the same time need one each.
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

// Close frees the memory, once the calls that use it are closed. It may
// be called more than once.
func (s *Scratch) Close() error {
	s.buffers.close()
	return nil
}

// recording is what a call has for command buffers of the caller's.
type recording struct {
	run      run
	buffers  engineBuffers
	shared   *Scratch
	commands *vk.Recording
}

// AllParts has [Call.Record] write every part.
const AllParts = -1

// Prepare makes all that the call needs to be recorded into the caller's command
// buffers, on an adopted device (vk.Adopt), once. Tensors and log-sum-exps are on
// the device, and Outputs.Stripes is nil. Buffers stay alive until the call is
// closed. scratch is memory that calls share which run one after the other; nil
// gives the call its own, so that it may be in flight beside any others. Nothing
// is submitted.
//
// A watchdog may reset a device that works for long on one submission, and the
// caller submits. So the work is cut into parts of about Plan.SliceMS each, as
// the pace of the calls before suggests; on short calls there is one. Results
// do not depend on it, nor on how parts are spread over command buffers.
//
// Prepare, Record, Recorded and Close may be called from several goroutines, and
// take turns. Errors are [*ArgumentError] and those of package vk.
func (c *Call) Prepare(scratch *Scratch) (parts int, err error) {
	c.records.Lock()
	defer c.records.Unlock()
	e := c.engine
	if err := checkOnDevice(c.in, c.out); err != nil {
		return 0, err
	}
	if !e.device.Borrowed() {
		return 0, argument("engine", "use Run or Submit, or make the device by vk.Adopt", "is on a device of its own, so that there is no command buffer to record into")
	}
	switch {
	case c.recording != nil:
		return 0, argument("call", "bind another call", "is prepared already")
	case c.isClosed() || e.jobs.isClosed():
		return 0, vk.ErrClosed
	}
	p, err := e.buildable(c.plan, c.in)
	if err != nil {
		return 0, err
	}
	r := &recording{buffers: engineBuffers{device: e.device}, shared: scratch}
	if scratch != nil {
		if scratch.size < p.ScratchBytes || scratch.buffers.device != e.device {
			return 0, argument("scratch", "make it with Engine.NewScratch for the largest plan", "has %d bytes where the plan needs %d, or is of another device", scratch.size, p.ScratchBytes)
		}
		r.buffers.scratch = scratch.buffers.scratch
	}
	if err := r.collect(e, p, c.in, c.out); err != nil {
		r.free()
		return 0, err
	}
	c.recording = r
	return r.commands.Parts(), nil
}

// collect records the work and makes its descriptor sets.
func (r *recording) collect(e *Engine, p *Plan, in Inputs, out Outputs) error {
	if err := r.run.beginOnDevice(e, &r.buffers, p, in, out); err != nil {
		return err
	}
	recorder, err := e.device.NewRecorder("attention recording")
	if err != nil {
		return fmt.Errorf("attention: prepare a call: %w", err)
	}
	r.run.slicer.begin(asParts{}, recorder, &e.rate, p.SliceMS, false)
	if err = r.run.recordAll(context.Background()); err == nil {
		r.commands, err = recorder.Hold()
	}
	if err != nil {
		_ = recorder.Close()
	}
	return err
}

// free frees what is not shared.
func (r *recording) free() {
	if r.shared != nil {
		r.buffers.scratch = nil
	}
	r.buffers.close()
}

func (r *recording) close() error {
	err := r.commands.Close()
	r.free()
	return err
}

// prepared is what Prepare made. The lock must be held.
func (c *Call) prepared() (*recording, error) {
	switch {
	case c.isClosed():
		return nil, vk.ErrClosed
	case c.recording == nil:
		return nil, argument("call", "use Prepare first", "is not prepared")
	}
	return c.recording, nil
}

// Parts is the number of parts that Prepare has made, 0 before it.
func (c *Call) Parts() int {
	c.records.Lock()
	defer c.records.Unlock()
	if c.recording == nil {
		return 0
	}
	return c.recording.commands.Parts()
}

// Record writes a part, from 0 to Parts()-1, or [AllParts] in
// order, into a VkCommandBuffer of the caller's that is being recorded, outside a
// render pass, for a queue of the adopted family. A call may be recorded any
// number of times, also into several command buffers that run one after the
// other. Parts run in order, each once, on one queue; each may go into a
// submission of its own.
//
// The commands begin with a memory barrier that waits for everything before
// them on the queue (VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
// VK_ACCESS_MEMORY_WRITE_BIT), and end with one that everything after them
// waits for, and that makes their writes available to all stages and to the
// host. So the caller needs no barrier of its own around them, other than what
// a change of queue or of queue family asks for. They change the compute
// pipeline, descriptor set 0 of the compute bind point, and its push constants.
func (c *Call) Record(commands vk.Handle, part int) error {
	c.records.Lock()
	defer c.records.Unlock()
	r, err := c.prepared()
	if err != nil {
		return err
	}
	parts := r.commands.Parts()
	switch {
	case part == AllParts:
		return r.commands.Record(commands, 0, parts)
	case part < 0 || part >= parts:
		return argument("part", fmt.Sprintf("use parts from 0 to %d, or AllParts", parts-1), "is %d", part)
	}
	return r.commands.Record(commands, part, part+1)
}

// Recorded says what the last run of the commands did, once all parts have ended,
// which only the caller knows. There are no times. It is asked once after a
// run, or after several, and is the proof that they ran: where the device has
// dropped a part, and where nothing has run since it was last asked, its error
// is vk.ErrNotRun.
func (c *Call) Recorded() (Stats, error) {
	c.records.Lock()
	defer c.records.Unlock()
	r, err := c.prepared()
	if err != nil {
		return Stats{}, err
	}
	if err := r.commands.CheckRun(); err != nil {
		return Stats{}, err
	}
	if err := r.run.deliver(context.Background(), Outputs{}); err != nil {
		return Stats{}, err
	}
	s := r.run.stats()
	s.Slices = r.commands.Parts()
	return s, nil
}
