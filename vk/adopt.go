//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"slices"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// BorrowedFeatures lists the names that matter in Borrowed.Features.
func BorrowedFeatures() []string {
	var list []string
	for i := C.uint32_t(0); ; i++ {
		name := C.vks_switch_name(i)
		if name == nil {
			return list
		}
		list = append(list, C.GoString(name))
	}
}

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
// Errors are *BorrowError, *NoDeviceError and what the driver says. A handle
// that is not null and no handle either cannot be told, and is undefined
// behaviour, as everywhere in Vulkan.
func Adopt(b Borrowed, opt Options) (*Device, error) {
	if err := b.check(&opt); err != nil {
		return nil, err
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
		loader.Lock()
		address, err := openLoader()
		loader.Unlock()
		if err != nil {
			return nil, err
		}
		get = address
	}
	var shim *C.vks_instance
	if r := C.vks_adopt_instance(get, C.uint64_t(b.Instance), C.uint32_t(b.APIVersion), &shim); r != 0 { //nolint:gocritic // seen in the code that cgo generates for a pointer to a pointer
		return nil, callError("malloc", int32(r))
	}
	in := &instance{shim: shim, lent: true}
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
	if !slices.Contains(handles, C.uint64_t(b.PhysicalDevice)) {
		return nil, &BorrowError{"Borrowed.PhysicalDevice", "is none of the devices of Borrowed.Instance", "pass a handle from vkEnumeratePhysicalDevices, and the GetInstanceProcAddr that gave you the instance"}
	}
	caps := new(C.vks_caps)
	if r := C.vks_query(in.shim, C.uint64_t(b.PhysicalDevice), caps); r != 0 {
		return nil, callError("vkEnumerateDeviceExtensionProperties", int32(r))
	}
	if caps.api < apiVersion11 {
		return nil, &NoDeviceError{Why: C.GoString(&caps.name[0]) + " offers only Vulkan 1.0, 1.1 is needed", Try: "another device"}
	}
	if err := b.useFamily(in, caps); err != nil {
		return nil, err
	}
	offered := newReport(caps, &Options{})
	b.restrict(caps)
	p := physical{handle: handle[vulkan.PhysicalDevice](C.uint64_t(b.PhysicalDevice)), caps: caps, report: newReport(caps, &opt)}
	noteDisabled(&p.report, &offered, opt.Disable)
	d := newDevice(opt, in, p)
	lent := *b
	lent.FeatureChain, lent.Features, lent.Extensions = nil, nil, nil // the caller's memory, which is not kept
	d.lent = &lent
	addresses := C.int(0)
	if p.report.Features.BufferAddress {
		addresses = 1
	}
	var shim *C.vks_device
	if r := C.vks_adopt_device(in.shim, C.uint64_t(b.Device), addresses, &shim); r != 0 { //nolint:gocritic // seen in the code that cgo generates for a pointer to a pointer
		return nil, callError("malloc", int32(r))
	}
	d.shim = shim
	C.vks_set_lock(shim, b.Lock.CLock, b.Lock.CUnlock, C.uintptr_t(b.Lock.CUser))
	if err := d.attach(b.Queue, b.QueueFamily, b.QueueIndex); err != nil {
		C.vks_device_close(shim)
		return nil, err
	}
	return d, nil
}

// useFamily makes the queue family that was lent the one to use.
func (b *Borrowed) useFamily(in *instance, caps *C.vks_caps) error {
	var queues, flags, bits C.uint32_t
	C.vks_query_family(in.shim, C.uint64_t(b.PhysicalDevice), C.uint32_t(b.QueueFamily), &queues, &flags, &bits)
	switch {
	case queues == 0:
		return &BorrowError{"Borrowed.QueueFamily", fmt.Sprintf("is %d, and the device has no such family", b.QueueFamily), "pass the index that the queue was made with"}
	case b.QueueIndex >= uint32(queues):
		return &BorrowError{"Borrowed.QueueIndex", fmt.Sprintf("is %d, and family %d has %d queues", b.QueueIndex, b.QueueFamily, queues), "pass the index that the queue was made with"}
	case flags&C.VK_QUEUE_COMPUTE_BIT == 0:
		return &BorrowError{"Borrowed.QueueFamily", fmt.Sprintf("is %d, a family that does not compute", b.QueueFamily), "lend a queue of a family with VK_QUEUE_COMPUTE_BIT"}
	}
	caps.queue_family, caps.timestamp_bits = C.uint32_t(b.QueueFamily), bits
	return nil
}

// restrict takes away what was not enabled.
func (b *Borrowed) restrict(caps *C.vks_caps) {
	enabled := new(C.vks_caps)
	for _, name := range b.Features {
		c := C.CString(name)
		C.vks_enable_name(enabled, c)
		C.free(unsafe.Pointer(c))
	}
	if b.FeatureChain != nil {
		C.vks_enable_chain(enabled, b.FeatureChain)
	}
	names := make([]*C.char, len(b.Extensions))
	for i, name := range b.Extensions {
		names[i] = C.CString(name)
	}
	api := min(caps.api, C.uint32_t(b.APIVersion))
	C.vks_restrict(caps, enabled, api, unsafe.SliceData(names), C.uint32_t(len(names)))
	for _, name := range names {
		C.free(unsafe.Pointer(name))
	}
	if api < 1<<22|2<<12 { // kernels for matrix units are SPIR-V 1.5
		caps.coopmat = 0
	}
	if caps.coopmat == 0 {
		caps.shapes, caps.flexible_shapes = 0, 0
	}
	if caps.nv2_workgroup|caps.nv2_flexible|caps.nv2_reductions|caps.nv2_conversions|caps.nv2_per_element|caps.nv2_tensor|caps.nv2_block == 0 {
		caps.has_coopmat2_ext, caps.flexible_shapes = 0, 0
	}
}

// enableHow says what to switch on for each feature of FeatureNames that has a switch.
var enableHow = map[string]string{
	"float16":               "shaderFloat16",
	"storage16":             "storageBuffer16BitAccess",
	"subgroup-size-control": "subgroupSizeControl and computeFullSubgroups",
	"memory-model":          "vulkanMemoryModel and vulkanMemoryModelDeviceScope",
	"coopmat":               "cooperativeMatrix, vulkanMemoryModel and vulkanMemoryModelDeviceScope (with VK_KHR_cooperative_matrix and an instance of Vulkan 1.2 or newer)",
	"coopmat2":              "the features of VK_NV_cooperative_matrix2, maintenance4 and those of coopmat (with an instance of Vulkan 1.3 or newer)",
	"executable-info":       "pipelineExecutableInfo (with VK_KHR_pipeline_executable_properties)",
	"buffer-address":        "bufferDeviceAddress (with an instance of Vulkan 1.2 or newer)",
	"timeline-semaphore":    "timelineSemaphore",
}

// noteDisabled gives the reason for what the device offers and its owner did not enable.
func noteDisabled(r, offered *Report, disabled []string) {
	for feature, how := range enableHow {
		if r.WhyNot(feature) != "" && offered.WhyNot(feature) == "" && !slices.Contains(disabled, feature) {
			r.Why[feature] = "not enabled on the borrowed device: enable " + how + " on your device"
		}
	}
}

// Borrowed tells whether the device was made by Adopt.
func (d *Device) Borrowed() bool { return d.lent != nil }
