package vk

import (
	"errors"
	"fmt"
	"time"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// Recorder collects work for the device and runs it. It is used by one
// goroutine at a time. Recording calls do not fail: their first error comes out
// of Run. After the first use Reset, the recording calls and Run allocate nothing.
type Recorder struct {
	device *Device
	label  string
	driver driver.Recorder
	pins   pins

	ops        []driver.Op
	bindings   []driver.Binding
	push       []byte
	buffers    []*Buffer   // those that the recorded work uses
	pipelines  []*Pipeline // likewise
	cuts       []int       // numbers of operations at which parts begin, but the first
	timestamps int
	ticks      []uint64  // of the last Run
	clockFault string    // why they were dropped, or ""
	started    time.Time // when the submission was handed to the driver
	canary     canary    // from the first submission on
	submitted  uint32    // what the canary's word holds once the submission has run
	err        error
	state      recorderState
	pinned     [2]int     // buffers and pipelines that a submission keeps alive
	waits      []Timeline // what the submission waits for
}

// recorderState says whose a recorder's objects are.
type recorderState int

const (
	recorderFree  recorderState = iota
	recorderBusy                // submitted, Wait is to come
	recorderStuck               // Wait gave up: nothing of it may be used again
	recorderTaken               // by Hold
)

// NewRecorder makes a recorder; name appears in errors.
func (d *Device) NewRecorder(name string) (*Recorder, error) {
	if err := d.lifetime.enter(); err != nil {
		return nil, err
	}
	defer d.lifetime.leave()
	made, result, call := d.driver.CreateRecorder()
	if result != driver.Success {
		return nil, d.fail(fmt.Errorf("recorder %s: %w", name, callError(call, result)))
	}
	r := &Recorder{device: d, label: name, driver: made}
	d.lifetime.add(r)
	return r, nil
}

// Close frees the recorder. It may be called more than once, and after Device.Close.
func (r *Recorder) Close() error { return r.device.lifetime.closeChild(&r.pins, r) }

func (r *Recorder) destroy() {
	r.driver.Destroy()
	r.device.canaries.give(r.canary)
}

// Reset forgets what was recorded. Between Submit and Wait, and after Hold, it
// does nothing.
func (r *Recorder) Reset() {
	if r.state == recorderBusy || r.state == recorderTaken {
		return
	}
	r.ops, r.bindings, r.push = r.ops[:0], r.bindings[:0], r.push[:0]
	clear(r.buffers)
	clear(r.pipelines)
	r.buffers, r.pipelines = r.buffers[:0], r.pipelines[:0]
	r.cuts = r.cuts[:0]
	r.timestamps = 0
	r.err = nil
}

// Err is the first recording error since Reset.
func (r *Recorder) Err() error { return r.err }

func (r *Recorder) reject(err error) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %w", r.label, err)
	}
}

// Dispatch records a kernel over x·y·z workgroups. b gives its bindings in
// order and push its push constants; both are copied. Limits are checked:
// Limits.MaxGroups, and for each binding Limits.MaxStorageBufferRange and
// Limits.StorageAlign. With a zero count nothing is recorded.
func (r *Recorder) Dispatch(p *Pipeline, b []Binding, push []byte, x, y, z uint32) {
	if r.err != nil {
		return
	}
	if err := r.checkDispatch(p, b, push, x, y, z); err != nil {
		r.reject(err)
		return
	}
	if x == 0 || y == 0 || z == 0 {
		return
	}
	op := driver.Op{
		Kind: driver.Dispatch, FirstBinding: uint32(len(r.bindings)), Bindings: uint32(len(b)),
		PushOffset: uint32(len(r.push)), PushSize: uint32(len(push)),
		X: x, Y: y, Z: z,
		Pipeline: p.handle, Layout: p.layout, SetLayout: p.set,
	}
	for i := range b {
		size := b[i].Size
		if size == 0 {
			size = b[i].Buffer.size - b[i].Offset
		}
		r.bindings = append(r.bindings, driver.Binding{Buffer: b[i].Buffer.handle, Offset: b[i].Offset, Range: size})
		r.useBuffer(b[i].Buffer)
	}
	r.push = append(r.push, push...)
	r.usePipeline(p)
	r.ops = append(r.ops, op)
}

func (r *Recorder) checkDispatch(p *Pipeline, b []Binding, push []byte, x, y, z uint32) error {
	limits := &r.device.physical.report.Limits
	if p == nil || p.device != r.device {
		return fmt.Errorf("vk: dispatch of a pipeline that is nil or of another device")
	}
	if len(b) != p.bindings || len(push) != p.push {
		return fmt.Errorf("vk: pipeline %s takes %d bindings and %d bytes of push constants, got %d and %d", p.config.Name, p.bindings, p.push, len(b), len(push))
	}
	for axis, n := range [3]uint32{x, y, z} {
		if n > limits.MaxGroups[axis] {
			return &LimitError{What: "dispatch of " + p.config.Name, Limit: fmt.Sprintf("maxComputeWorkGroupCount[%d]", axis), Asked: uint64(n), Max: uint64(limits.MaxGroups[axis]), Try: "several dispatches"}
		}
	}
	for i := range b {
		if err := r.checkBinding(p, i, &b[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *Recorder) checkBinding(p *Pipeline, i int, b *Binding) error {
	limits := &r.device.physical.report.Limits
	if b.Buffer == nil || b.Buffer.device != r.device {
		return fmt.Errorf("vk: binding %d of %s: the buffer is nil or of another device", i, p.config.Name)
	}
	size := b.Size
	if size == 0 {
		if b.Offset >= b.Buffer.size {
			return fmt.Errorf("vk: binding %d of %s: offset %d lies outside buffer %q of %d bytes", i, p.config.Name, b.Offset, b.Buffer.label, b.Buffer.size)
		}
		size = b.Buffer.size - b.Offset
	}
	if b.Offset > b.Buffer.size || size > b.Buffer.size-b.Offset {
		return b.Buffer.check(fmt.Sprintf("binding %d of %s", i, p.config.Name), b.Offset, size)
	}
	if b.Offset%limits.StorageAlign != 0 {
		return &LimitError{
			What: fmt.Sprintf("binding %d of %s (buffer %q)", i, p.config.Name, b.Buffer.label), Limit: "offset, a multiple of minStorageBufferOffsetAlignment,", Asked: b.Offset, Max: b.Offset / limits.StorageAlign * limits.StorageAlign,
			Try: fmt.Sprintf("multiples of %d, with the rest as a push constant", limits.StorageAlign),
		}
	}
	if size > limits.MaxStorageBufferRange {
		return &LimitError{What: fmt.Sprintf("binding %d of %s (buffer %q)", i, p.config.Name, b.Buffer.label), Limit: "maxStorageBufferRange", Asked: size, Max: limits.MaxStorageBufferRange, Try: "a binding for each head, with Offset and Size"}
	}
	return nil
}

// Barrier makes everything recorded after it wait for, and see, everything
// recorded before it: kernels, fills and copies alike.
func (r *Recorder) Barrier() {
	if r.err == nil {
		r.ops = append(r.ops, driver.Op{Kind: driver.Barrier})
	}
}

// Cut ends a part: what is recorded after it belongs to the next part of the
// Recording that Hold makes. Run and Submit take no notice.
func (r *Recorder) Cut() {
	if n := len(r.ops); r.err == nil && n > 0 && (len(r.cuts) == 0 || r.cuts[len(r.cuts)-1] < n) {
		r.cuts = append(r.cuts, n)
	}
}

// Fill records setting size bytes from offset to repetitions of value. Both are
// multiples of 4.
func (r *Recorder) Fill(b *Buffer, offset, size uint64, value uint32) {
	if r.err != nil {
		return
	}
	if b == nil || b.device != r.device {
		r.reject(fmt.Errorf("vk: fill of a buffer that is nil or of another device"))
		return
	}
	if offset%4 != 0 || size%4 != 0 {
		r.reject(fmt.Errorf("vk: fill of buffer %q: offset %d and size %d must be multiples of 4", b.label, offset, size))
		return
	}
	if offset > b.size || size > b.size-offset {
		r.reject(b.check("fill", offset, size))
		return
	}
	if err := b.allowsCopyTo("a fill"); err != nil {
		r.reject(err)
		return
	}
	if size == 0 {
		return
	}
	r.useBuffer(b)
	r.ops = append(r.ops, driver.Op{Kind: driver.Fill, Dst: b.handle, DstOffset: offset, Size: size, Value: value})
}

// Copy records copying size bytes. Ranges in the same buffer must not overlap.
func (r *Recorder) Copy(dst *Buffer, dstOffset uint64, src *Buffer, srcOffset, size uint64) {
	if r.err != nil {
		return
	}
	if dst == nil || src == nil || dst.device != r.device || src.device != r.device {
		r.reject(fmt.Errorf("vk: copy with a buffer that is nil or of another device"))
		return
	}
	if dstOffset > dst.size || size > dst.size-dstOffset {
		r.reject(dst.check("copy to", dstOffset, size))
		return
	}
	if srcOffset > src.size || size > src.size-srcOffset {
		r.reject(src.check("copy from", srcOffset, size))
		return
	}
	if dst == src && dstOffset < srcOffset+size && srcOffset < dstOffset+size {
		r.reject(fmt.Errorf("vk: copy within buffer %q: bytes %d and %d, %d long, overlap", dst.label, srcOffset, dstOffset, size))
		return
	}
	if err := errors.Join(dst.allowsCopyTo("a copy to it"), src.allowsCopyFrom("a copy from it")); err != nil {
		r.reject(err)
		return
	}
	if size == 0 {
		return
	}
	r.useBuffer(dst)
	r.useBuffer(src)
	r.ops = append(r.ops, driver.Op{Kind: driver.Copy, Dst: dst.handle, DstOffset: dstOffset, Src: src.handle, SrcOffset: srcOffset, Size: size})
}

// recent is how far back useBuffer and usePipeline look for duplicates: kernels
// use few buffers, and a duplicate costs only a second pin.
const recent = 32

func (r *Recorder) useBuffer(b *Buffer) {
	for i := len(r.buffers) - 1; i >= max(0, len(r.buffers)-recent); i-- {
		if r.buffers[i] == b {
			return
		}
	}
	r.buffers = append(r.buffers, b)
}

func (r *Recorder) usePipeline(p *Pipeline) {
	for i := len(r.pipelines) - 1; i >= max(0, len(r.pipelines)-recent); i-- {
		if r.pipelines[i] == p {
			return
		}
	}
	r.pipelines = append(r.pipelines, p)
}
