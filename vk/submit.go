package vk

import (
	"context"
	"fmt"
	"time"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// waitSlice bounds each wait in the driver, and so how long a cancelled
// context or a closed device goes unnoticed.
const waitSlice = 20 * time.Millisecond

// Run submits what was recorded and waits until it has ended. The recording
// stays: Run may be called again, and starts it anew. Kernels see everything
// that earlier Runs on the device wrote.
//
// When ctx ends before the work is submitted, nothing runs. When it ends
// later, Run still waits for the submitted work, so that no buffer is freed
// under the device, and then returns ctx's error; keep submissions short.
// Other errors are the first recording error, ErrClosed, *OutOfMemoryError,
// *DeviceLostError and *TimeoutError.
func (r *Recorder) Run(ctx context.Context) error {
	if r.err != nil {
		return r.err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.Submit(Sync{}); err != nil {
		return err
	}
	return r.Wait(ctx)
}

// Submit submits what was recorded and returns at once. After a nil result
// Wait must be called, before anything else of the recorder is used. It returns
// the errors of Run, and *FeatureError and *BorrowError for the semaphores.
func (r *Recorder) Submit(s Sync) error {
	d := r.device
	if r.err != nil {
		return r.err
	}
	if err := s.check(d); err != nil {
		return fmt.Errorf("%s: %w", r.label, err)
	}
	r.ticks, r.clockFault = r.ticks[:0], ""
	if err := d.lifetime.enter(); err != nil {
		return err
	}
	if r.state != recorderFree {
		d.lifetime.leave()
		return fmt.Errorf("vk: %s: Submit comes before the Wait of what was submitted, or after Hold", r.label)
	}
	if !r.pins.pin() {
		d.lifetime.leave()
		return ErrClosed
	}
	err := r.pinAll()
	if err == nil {
		if err = r.watch(); err != nil {
			r.unpinAll(r.pinned[0], r.pinned[1])
		}
	}
	if err != nil {
		r.unpin()
		d.lifetime.leave()
		return err
	}
	timestamps := r.timestamps
	if d.physical.report.Limits.TimestampBits == 0 {
		timestamps = 0
	}
	result := r.driver.Record(r.ops, r.bindings, r.push, timestamps, r.canary.command(0, r.submitted))
	if result == driver.Success {
		r.started = time.Now()
		result = d.submit(r.driver, &s)
	}
	if result != driver.Success {
		r.unpinAll(r.pinned[0], r.pinned[1])
		r.unpin()
		d.lifetime.leave()
		return d.fail(fmt.Errorf("%s: %w", r.label, r.callError(result)))
	}
	r.state = recorderBusy
	if len(s.Wait) > 0 {
		r.waits = append(r.waits[:0], s.Wait...)
		d.queue.waiting.add(r)
	}
	return nil
}

// callError is the error of the call that has just failed on the recorder, in
// the name of the Vulkan function that did.
func (r *Recorder) callError(result driver.Result) error {
	return callError(r.driver.FailedCall(), result)
}

// ended says whether what Submit submitted has ended, or the device is given
// up, so that Wait returns at once.
func (r *Recorder) ended() bool {
	if r.state != recorderBusy || r.device.Err() != nil {
		return true
	}
	result := r.look(0)
	return result == driver.Success || result == driver.ErrorDeviceLost
}

// Wait waits for what Submit submitted. It returns the errors of Run; ctx's too
// comes only once the work has ended.
func (r *Recorder) Wait(ctx context.Context) error {
	d := r.device
	if r.state != recorderBusy {
		return fmt.Errorf("vk: %s: Wait without a Submit before it", r.label)
	}
	defer d.lifetime.leave()
	err := r.wait()
	d.queue.waiting.remove(r)
	if err != nil {
		r.state = recorderStuck
		// The work may be running still: its objects stay pinned until the device closes.
		d.lifetime.addStuck(r)
		return d.fail(fmt.Errorf("%s: %w", r.label, err))
	}
	r.state = recorderFree
	elapsed := time.Since(r.started)
	d.progress.Add(1)
	if err = r.checkCanary(); err == nil {
		err = r.readTimestamps(elapsed)
	}
	if err != nil { // before the work's objects are let go of, which a lost device may still use
		err = d.fail(fmt.Errorf("%s: %w", r.label, err))
	}
	r.unpinAll(r.pinned[0], r.pinned[1])
	r.unpin()
	if err != nil {
		return err
	}
	return ctx.Err()
}

// watch makes ready what says whether the submission has run.
func (r *Recorder) watch() (err error) {
	if r.canary.page == nil {
		if r.canary, err = r.device.canaries.take(r.device, 1); err != nil {
			return fmt.Errorf("%s: %w", r.label, err)
		}
	}
	r.submitted++ // which no submission before it wrote
	return nil
}

// checkCanary makes sure that a submission whose fence has signalled has run to
// its end.
func (r *Recorder) checkCanary() error {
	if err := r.canary.refresh(r.device); err != nil {
		return err
	}
	if !r.canary.holds(r.submitted) {
		return &DeviceLostError{During: "a submission that the driver reports as done, but whose last command did not run"}
	}
	return nil
}

// look waits for the fence. Of its results only VK_SUCCESS and
// VK_ERROR_DEVICE_LOST say that the work has ended; after any other it may run.
func (r *Recorder) look(limit time.Duration) driver.Result { return r.driver.Wait(uint64(limit)) }

// wait blocks in slices until the fence has signalled. A wait that fails, as for
// want of host memory, says nothing of the work, whose memory must not be used
// meanwhile: it is tried again, until the timeout.
func (r *Recorder) wait() error {
	d := r.device
	patience := d.newPatience()
	for {
		during := "vkWaitForFences"
		switch result := r.look(waitSlice); result {
		case driver.Success:
			return nil
		case driver.Timeout:
		case driver.ErrorDeviceLost:
			return &DeviceLostError{During: during}
		default:
			during += " (" + resultText(result) + ")"
			time.Sleep(waitSlice)
		}
		if err := d.lifetime.loss(); err != nil {
			return err
		}
		if waited, over := patience.over(); over {
			return &TimeoutError{During: during, Waited: waited.Round(time.Millisecond)}
		}
	}
}

// poll says whether a submission that wait gave up has ended by now. On a lost
// device nothing runs any more.
func (r *Recorder) poll() bool {
	switch r.look(waitSlice) {
	case driver.Success, driver.ErrorDeviceLost:
		return true
	case driver.Timeout:
	default:
		time.Sleep(waitSlice)
	}
	return false
}

// pinAll keeps the buffers and pipelines of the recording alive; on an error none is pinned.
func (r *Recorder) pinAll() error {
	for i, b := range r.buffers {
		if !b.pins.pin() {
			r.unpinAll(i, 0)
			return fmt.Errorf("%s: buffer %q: %w", r.label, b.label, ErrClosed)
		}
	}
	for i, p := range r.pipelines {
		if !p.pins.pin() {
			r.unpinAll(len(r.buffers), i)
			return fmt.Errorf("%s: pipeline %s: %w", r.label, p.config.Name, ErrClosed)
		}
	}
	r.pinned = [2]int{len(r.buffers), len(r.pipelines)}
	return nil
}

func (r *Recorder) unpinAll(buffers, pipelines int) {
	for _, b := range r.buffers[:buffers] {
		if b.pins.unpin() {
			r.device.lifetime.release(b)
		}
	}
	for _, p := range r.pipelines[:pipelines] {
		if p.pins.unpin() {
			r.device.lifetime.release(p)
		}
	}
}

func (r *Recorder) unpin() {
	if r.pins.unpin() {
		r.device.lifetime.release(r)
	}
}
