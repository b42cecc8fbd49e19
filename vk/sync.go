//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

// #include "shim.h"
import "C"

import "fmt"

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
		if len(l.list) > C.VKS_MAX_SYNC {
			return &LimitError{What: l.name, Limit: "number of semaphores", Asked: uint64(len(l.list)), Max: C.VKS_MAX_SYNC}
		}
		for i := range l.list {
			if l.list[i].Semaphore == 0 {
				return &BorrowError{Field: fmt.Sprintf("%s[%d].Semaphore", l.name, i), Problem: "is a null handle", Try: "pass a timeline semaphore of the device"}
			}
		}
	}
	return nil
}

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
	return d.fail(callError("vkQueueSubmit", int32(d.submit(nil, &s))))
}

// held tells whether the submission still waits for a semaphore of the
// caller's, so that neither it nor what is behind it in the queue can be blamed
// for making no progress.
func (r *Recorder) held() bool {
	for _, t := range r.waits {
		var value C.uint64_t
		if C.vks_semaphore_value(r.device.shim, C.uint64_t(t.Semaphore), &value) == 0 && uint64(value) < t.Value {
			return true
		}
	}
	return false
}
