package vk

import (
	"fmt"
	"sync"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// Recording is work that goes into command buffers of the caller's. It keeps
// the pipelines, buffers and descriptor sets that the work uses alive until it
// is closed. Its methods may be called by one goroutine at a time.
type Recording struct {
	recorder *Recorder
	starts   []int  // of the parts among the operations, and where the last one ends
	canary   canary // a word for each part
	once     sync.Once
	closed   bool
}

// Hold makes a Recording of what was recorded, and takes the Recorder over:
// nothing of it is used any more. Only an adopted device takes recordings;
// they hold no timestamps.
func (r *Recorder) Hold() (*Recording, error) {
	d := r.device
	switch {
	case r.err != nil:
		return nil, r.err
	case r.state != recorderFree:
		return nil, fmt.Errorf("vk: %s: Hold comes before the Wait of what was submitted, or twice", r.label)
	case d.lent == nil:
		return nil, &BorrowError{"Device", "was not adopted, so that there is no command buffer to record into", "use Recorder.Run, or vk.Adopt"}
	case r.timestamps != 0:
		return nil, fmt.Errorf("vk: %s: a recording holds no timestamps", r.label)
	}
	if n := len(r.cuts); n > 0 && r.cuts[n-1] == len(r.ops) {
		r.cuts = r.cuts[:n-1] // nothing follows the last cut
	}
	if err := d.lifetime.hold(); err != nil {
		return nil, err
	}
	starts := append(append([]int{0}, r.cuts...), len(r.ops))
	canary, err := d.canaries.take(d, len(starts)-1)
	if err == nil {
		err = r.holdAll()
	}
	if err != nil {
		d.canaries.give(canary)
		d.lifetime.unhold()
		return nil, err
	}
	r.state = recorderTaken
	return &Recording{recorder: r, starts: starts, canary: canary}, nil
}

// holdAll pins the recording's objects and makes its descriptor sets.
func (r *Recorder) holdAll() error {
	if !r.pins.pin() {
		return ErrClosed
	}
	if err := r.pinAll(); err != nil {
		r.unpin()
		return err
	}
	if result := r.driver.MakeSets(r.ops, r.bindings); result != driver.Success {
		r.unpinAll(r.pinned[0], r.pinned[1])
		r.unpin()
		return r.device.fail(fmt.Errorf("%s: %w", r.label, r.callError(result)))
	}
	return nil
}

// Parts is the number of parts, which Recorder.Cut separates.
func (r *Recording) Parts() int { return len(r.starts) - 1 }

// Record writes parts first to end-1, in order, into a VkCommandBuffer of the
// caller's that is being recorded, outside a render pass, for a queue of the
// adopted family. Nothing is submitted. A part may be recorded any number of times.
//
// The commands begin with a global memory barrier from all commands and memory
// writes before them to compute shaders and transfers, and end with one from
// these to all commands and memory accesses, and to reads of the host. They
// change the pipeline, descriptor set 0 and the push constants of the compute
// bind point, and nothing else.
func (r *Recording) Record(commands Handle, first, end int) error {
	d := r.recorder.device
	if r.closed {
		return ErrClosed
	}
	if commands == 0 {
		return &BorrowError{"commands", "is a null handle", "pass a VkCommandBuffer that is being recorded"}
	}
	if first < 0 || end > r.Parts() || first >= end {
		return &BorrowError{"part", fmt.Sprintf("is %d to %d of %d", first, end-1, r.Parts()), "use parts from 0 to Parts()-1"}
	}
	if err := d.lifetime.enter(); err != nil {
		return err
	}
	defer d.lifetime.leave()
	for part := first; part < end; part++ {
		from, to := r.starts[part], r.starts[part+1]
		r.recorder.driver.RecordInto(uint64(commands), r.recorder.ops[from:to], r.recorder.push, r.canary.command(part, partDone))
	}
	return nil
}

// partDone is what each part writes when it has ended.
const partDone = 1

// CheckRun makes sure, once the commands should have ended, that all parts have
// run since they were made, or since the last CheckRun. Its error is ErrNotRun:
// only the caller knows what was submitted, and whether the driver has dropped it.
func (r *Recording) CheckRun() error {
	d := r.recorder.device
	if r.closed {
		return ErrClosed
	}
	if err := d.lifetime.enter(); err != nil {
		return err
	}
	defer d.lifetime.leave()
	if err := r.canary.refresh(d); err != nil {
		return err
	}
	done := r.canary.count(r.Parts(), partDone)
	if err := r.canary.clear(d); err != nil {
		return err
	}
	if done < r.Parts() {
		return fmt.Errorf("%s: %d of %d parts: %w", r.recorder.label, r.Parts()-done, r.Parts(), ErrNotRun)
	}
	return nil
}

// Close lets go of what the recording holds. The command buffers that it was
// recorded into must have ended, and must not be submitted again. It may be
// called more than once.
func (r *Recording) Close() error {
	r.once.Do(func() {
		r.closed = true
		w := r.recorder
		w.unpinAll(w.pinned[0], w.pinned[1])
		w.unpin()
		w.device.canaries.give(r.canary)
		_ = w.Close()
		w.device.lifetime.unhold()
	})
	return nil
}
