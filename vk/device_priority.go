//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

// #include "shim.h"
import "C"

// createWithPriority makes the VkDevice with the priority of the options. A
// driver that has no such thing or refuses it gives a normal one, with a warning.
func (d *Device) createWithPriority(enable *C.vks_caps) error {
	want, caps := d.opt.Priority, d.physical.caps
	d.priority = want
	refused := func(why string) {
		d.priority = PriorityNormal
		d.log.Warn("the queue gets a normal priority", "asked", want.String(), "why", why)
	}
	global := want.global()
	if why := want.refusal(&d.physical.report, caps.has_priority_ext|caps.has_khr_priority_ext != 0); why != "" {
		refused(why)
		global = 0
	}
	err := d.createOnce(enable, global)
	if err != nil && global != 0 {
		refused(err.Error())
		err = d.createOnce(enable, 0)
	}
	return err
}

func (d *Device) createOnce(enable *C.vks_caps, global uint32) error {
	var shim *C.vks_device
	result := C.vks_create_device(d.instance.shim, bits(d.physical.handle), enable, C.float(d.opt.Priority.queue()), C.uint32_t(global), &shim) //nolint:gocritic // seen in the code that cgo generates for a pointer to a pointer
	d.shim = shim
	return callError("vkCreateDevice", int32(result))
}

// Priority is the priority that the device's queue got: Options.Priority, or
// PriorityNormal where the driver does not grant it.
func (d *Device) Priority() Priority { return d.priority }
