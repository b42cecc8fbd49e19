package vk

import "github.com/anchorvk/anchorvk/vk/internal/driver"

// createWithPriority makes the VkDevice with the priority of the options. A
// driver that has no such thing or refuses it gives a normal one, with a warning.
func (d *Device) createWithPriority(enable *driver.Caps) error {
	want, caps := d.opt.Priority, d.physical.caps
	d.priority = want
	refused := func(why string) {
		d.priority = PriorityNormal
		d.log.Warn("the queue gets a normal priority", "asked", want.String(), "why", why)
	}
	global := want.global()
	if why := want.refusal(&d.physical.report, caps.HasPriorityExt|caps.HasKHRPriorityExt != 0); why != "" {
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

func (d *Device) createOnce(enable *driver.Caps, global uint32) error {
	made, result := d.instance.driver.CreateDevice(d.physical.handle, enable, d.opt.Priority.queue(), global)
	d.driver = made
	return callError("vkCreateDevice", result)
}

// Priority is the priority that the device's queue got: Options.Priority, or
// PriorityNormal where the driver does not grant it.
func (d *Device) Priority() Priority { return d.priority }
