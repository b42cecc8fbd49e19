package vk

import (
	"fmt"
	"slices"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// BorrowedFeatures lists the names that matter in Borrowed.Features.
func BorrowedFeatures() []string { return driver.SwitchNames() }

// Adopt makes a Device of one that the caller owns. It uses of it what was
// enabled, not what the physical device offers: a feature counts where its
// switch is on in Features or FeatureChain and, where it is not core in
// APIVersion, its extension is in Extensions. What is off is off in the
// Report, whose WhyNot says what to enable.
//
// Closing the Device frees what this package made, waits for nothing but its
// own submissions, and leaves everything borrowed alone: no
// vkDeviceWaitIdle, no vkQueueWaitIdle, nothing reset or destroyed.
//
// Errors are *BorrowError, *NoDeviceError and what the driver says. A value
// that is neither null nor a handle cannot be recognized, and is undefined
// behaviour, as everywhere in Vulkan.
func Adopt(b Borrowed, opt Options) (*Device, error) {
	if err := b.check(&opt); err != nil {
		return nil, err
	}
	if !driver.Supported {
		return nil, unsupported()
	}
	in, err := adoptInstance(&b, &opt)
	if err != nil {
		return nil, err
	}
	d, err := b.adoptDevice(in, opt)
	if err != nil {
		in.close()
		return nil, err
	}
	d.log.Debug("vulkan device adopted", "device", d.physical.report.String())
	return d, nil
}

// adoptInstance resolves the functions of the caller's instance.
func adoptInstance(b *Borrowed, opt *Options) (*instance, error) {
	get := b.GetInstanceProcAddr
	if get == nil {
		address, err := openLoader()
		if err != nil {
			return nil, err
		}
		get = address
	}
	made, result := driver.AdoptInstance(get, uint64(b.Instance), b.APIVersion)
	if result != driver.Success {
		return nil, callError("malloc", result)
	}
	in := &instance{driver: made, lent: true}
	if err := in.resolve(opt); err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

func (b *Borrowed) adoptDevice(in *instance, opt Options) (*Device, error) {
	handles, err := in.physicalDevices()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(handles, uint64(b.PhysicalDevice)) {
		return nil, &BorrowError{"Borrowed.PhysicalDevice", "is none of the devices of Borrowed.Instance", "pass a handle from vkEnumeratePhysicalDevices, and the GetInstanceProcAddr that gave you the instance"}
	}
	caps := new(driver.Caps)
	if r := in.driver.Query(uint64(b.PhysicalDevice), caps); r != driver.Success {
		return nil, callError("vkEnumerateDeviceExtensionProperties", r)
	}
	if caps.API < apiVersion11 {
		return nil, &NoDeviceError{Why: driver.Text(caps.Name[:]) + " offers only Vulkan 1.0, 1.1 is needed", Try: "another device"}
	}
	if err := b.useFamily(in, caps); err != nil {
		return nil, err
	}
	offered := newReport(caps, &Options{})
	b.restrict(caps)
	p := physical{handle: uint64(b.PhysicalDevice), caps: caps, report: newReport(caps, &opt)}
	noteDisabled(&p.report, &offered, opt.Disable)
	d := newDevice(opt, in, p)
	lent := *b
	lent.FeatureChain, lent.Features, lent.Extensions = nil, nil, nil // the caller's memory, which is not kept
	d.lent = &lent
	made, result := in.driver.AdoptDevice(uint64(b.Device), p.report.Features.BufferAddress)
	if result != driver.Success {
		return nil, callError("malloc", result)
	}
	d.driver = made
	made.SetLock(b.Lock.CLock, b.Lock.CUnlock, b.Lock.CUser)
	if err := d.attach(b.Queue, b.QueueFamily, b.QueueIndex); err != nil {
		made.Close()
		return nil, err
	}
	return d, nil
}

// useFamily makes the queue family that was lent the one to use.
func (b *Borrowed) useFamily(in *instance, caps *driver.Caps) error {
	family := in.driver.QueryFamily(uint64(b.PhysicalDevice), b.QueueFamily)
	switch {
	case family.Queues == 0:
		return &BorrowError{"Borrowed.QueueFamily", fmt.Sprintf("is %d, and the device has no such family", b.QueueFamily), "pass the index that the queue was made with"}
	case b.QueueIndex >= family.Queues:
		return &BorrowError{"Borrowed.QueueIndex", fmt.Sprintf("is %d, and family %d has %d queues", b.QueueIndex, b.QueueFamily, family.Queues), "pass the index that the queue was made with"}
	case family.Flags&driver.QueueCompute == 0:
		return &BorrowError{"Borrowed.QueueFamily", fmt.Sprintf("is %d, a family that does not compute", b.QueueFamily), "lend a queue of a family with VK_QUEUE_COMPUTE_BIT"}
	}
	caps.QueueFamily, caps.TimestampBits = b.QueueFamily, family.TimestampBits
	return nil
}

// restrict takes away what was not enabled.
func (b *Borrowed) restrict(caps *driver.Caps) {
	enabled := new(driver.Caps)
	driver.Enable(enabled, b.Features, b.FeatureChain)
	api := min(caps.API, b.APIVersion)
	driver.Restrict(caps, enabled, api, b.Extensions)
	if api < 1<<22|2<<12 { // kernels for matrix units are SPIR-V 1.5
		caps.Coopmat = 0
	}
	if caps.Coopmat == 0 {
		caps.Shapes, caps.FlexibleShapes = 0, 0
	}
	if caps.NV2Workgroup|caps.NV2Flexible|caps.NV2Reductions|caps.NV2Conversions|caps.NV2PerElement|caps.NV2Tensor|caps.NV2Block == 0 {
		caps.HasCoopmat2Ext, caps.FlexibleShapes = 0, 0
	}
}

// noteDisabled gives the reason for what the device offers and its owner did not enable.
func noteDisabled(r, offered *Report, disabled []string) {
	for _, f := range features {
		if f.enable != "" && r.WhyNot(f.name) != "" && offered.WhyNot(f.name) == "" && !slices.Contains(disabled, f.name) {
			r.Why[f.name] = "not enabled on the borrowed device: enable " + f.enable + " on your device"
		}
	}
}

// Borrowed says whether the device was made by Adopt.
func (d *Device) Borrowed() bool { return d.lent != nil }
