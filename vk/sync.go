package vk

import (
	"fmt"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// check refuses what the device cannot wait for or signal.
func (s *Sync) check(d *Device) error {
	if len(s.Wait)+len(s.Signal) == 0 {
		return nil
	}
	if !d.physical.report.Features.TimelineSemaphore {
		return &FeatureError{
			Feature: "timeline-semaphore", Why: d.Report().WhyNot("timeline-semaphore"),
			Try: "enable timelineSemaphore on your device, or submit without semaphores and wait on the host",
		}
	}
	for _, l := range [2]struct {
		name string
		list []Timeline
	}{{"Sync.Wait", s.Wait}, {"Sync.Signal", s.Signal}} {
		if len(l.list) > driver.MaxSync {
			return &LimitError{What: l.name, Limit: "number of semaphores", Asked: uint64(len(l.list)), Max: driver.MaxSync}
		}
		for i := range l.list {
			if l.list[i].Semaphore == 0 {
				return &BorrowError{Field: fmt.Sprintf("%s[%d].Semaphore", l.name, i), Problem: "is a null handle", Try: "pass a timeline semaphore of the device"}
			}
		}
	}
	return nil
}

// CheckSync says what the device cannot wait for or signal, as Recorder.Submit
// would, or nil: for semaphores that come with a later submission. Errors are
// *FeatureError, *LimitError and *BorrowError.
func (d *Device) CheckSync(s Sync) error { return s.check(d) }

// SubmitSync submits no work, but waits for and signals semaphores on the
// queue, behind everything that was submitted to it before. It returns at once.
func (d *Device) SubmitSync(s Sync) error {
	if err := s.check(d); err != nil || len(s.Wait)+len(s.Signal) == 0 {
		return err
	}
	if err := d.lifetime.enter(); err != nil {
		return err
	}
	defer d.lifetime.leave()
	return d.fail(callError("vkQueueSubmit", d.submit(nil, &s)))
}

// held says whether the submission still waits for a semaphore of the
// caller's, so that neither it nor what is behind it in the queue can be blamed
// for making no progress.
func (r *Recorder) held() bool {
	for _, t := range r.waits {
		if value, result := r.device.driver.SemaphoreValue(uint64(t.Semaphore)); result == driver.Success && value < t.Value {
			return true
		}
	}
	return false
}
