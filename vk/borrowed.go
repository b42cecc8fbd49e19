package vk

import (
	"fmt"
	"unsafe"
)

// Handle is a Vulkan handle as an integer: for dispatchable handles the value
// of the pointer. 0 is VK_NULL_HANDLE.
type Handle uint64

// HandleOf turns a handle of any binding into a Handle: vulkan.Device,
// C.VkBuffer, unsafe.Pointer, uint64. It panics unless H has 8 bytes.
func HandleOf[H any](h H) Handle {
	if unsafe.Sizeof(h) != 8 {
		panic(fmt.Sprintf("vk: a %T is no Vulkan handle: it has %d bytes", h, unsafe.Sizeof(h)))
	}
	return *(*Handle)(unsafe.Pointer(&h))
}

// Borrowed is a Vulkan device that the caller made and keeps. All of it stays
// valid, and its owner's, until the Device that Adopt returns is closed.
type Borrowed struct {
	// GetInstanceProcAddr is the caller's vkGetInstanceProcAddr, a C function.
	// nil takes that of the system's loader.
	GetInstanceProcAddr unsafe.Pointer

	Instance, PhysicalDevice, Device Handle

	// QueueFamily is the index of a family that computes; QueueIndex is the
	// queue's place in it, from 0.
	QueueFamily, QueueIndex uint32
	// Queue is the queue itself; 0 asks vkGetDeviceQueue, which knows only
	// queues that were made without flags.
	Queue Handle

	// APIVersion is the VkApplicationInfo.apiVersion of Instance, at least
	// VK_API_VERSION_1_1. Nothing newer is used.
	APIVersion uint32

	// Extensions are the device extensions that were enabled.
	Extensions []string
	// Features are the features that were enabled, by the specification's
	// names, as shaderFloat16. Names that do not matter here are passed over;
	// BorrowedFeatures lists those that do.
	Features []string
	// FeatureChain is a chain of feature structures as vkCreateDevice was given
	// it, such as a VkPhysicalDeviceFeatures2, in C memory. Adopt walks it and
	// does not keep it. What it enables is added to Features.
	FeatureChain unsafe.Pointer

	// Lock guards the queue. The zero value says that nobody else uses the
	// queue while calls run.
	Lock QueueLock
}

// QueueLock is how the owner of a queue wants it locked: by two Go functions,
// by two C functions, or not at all. They are called around each
// vkQueueSubmit and nothing else, always both on one thread. Whoever holds the
// lock must not call this package.
type QueueLock struct {
	Lock, Unlock func()
	// CLock and CUnlock are C functions
	//
	//	void (*)(void *user, uint32_t queue_family, uint32_t queue_index)
	//
	// called with CUser, QueueFamily and QueueIndex. FFmpeg's
	// AVVulkanDeviceContext.lock_queue (user is the AVHWDeviceContext) and
	// libplacebo's pl_vulkan.lock_queue (user is the pl_vulkan) are such.
	CLock, CUnlock unsafe.Pointer
	CUser          uintptr // a pointer, or an integer
}

// BorrowedBuffer is a VkBuffer of the caller's on an adopted device, bound to
// memory. One of sharing mode VK_SHARING_MODE_EXCLUSIVE belongs to the adopted
// queue's family while work uses it.
type BorrowedBuffer struct {
	Name   string // appears in errors
	Handle Handle
	Size   uint64 // in bytes, as it was created
	// Usage are the VkBufferUsageFlags that it was created with.
	// VK_BUFFER_USAGE_STORAGE_BUFFER_BIT is needed; the transfer bits only by
	// Device.Upload, Device.Download, Recorder.Fill and Recorder.Copy.
	Usage uint32
	// Address is its device address. 0 asks the driver where Usage has
	// VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT; without one kernels read the
	// buffer by its binding.
	Address uint64
}

// Timeline is a value of a timeline semaphore of the caller (VkSemaphore of
// type VK_SEMAPHORE_TYPE_TIMELINE) on the device.
type Timeline struct {
	Semaphore Handle
	Value     uint64
}

// Sync says what a submission waits for before it starts, and what it signals
// when it has ended; both may be empty. The semaphores stay alive until the
// Wait for the submission has returned.
// It needs Features.TimelineSemaphore.
type Sync struct {
	Wait   []Timeline
	Signal []Timeline
}

// BorrowError says that what was lent cannot be used.
type BorrowError struct {
	Field   string // as in "Borrowed.Queue"
	Problem string // as in "is a null handle"
	Try     string
}

func (e *BorrowError) Error() string {
	return fmt.Sprintf("vk: %s %s; try: %s", e.Field, e.Problem, e.Try)
}

const apiVersion11 = 1<<22 | 1<<12

// check finds what is wrong without calling Vulkan.
func (b *Borrowed) check(opt *Options) error {
	for _, h := range [3]struct {
		name   string
		handle Handle
	}{{"Instance", b.Instance}, {"PhysicalDevice", b.PhysicalDevice}, {"Device", b.Device}} {
		if h.handle == 0 {
			return &BorrowError{"Borrowed." + h.name, "is a null handle", "pass the handle of your " + h.name}
		}
	}
	if b.APIVersion < apiVersion11 {
		return &BorrowError{
			"Borrowed.APIVersion", fmt.Sprintf("is %#x, below Vulkan 1.1", b.APIVersion),
			"pass the VkApplicationInfo.apiVersion of your instance, and make it VK_API_VERSION_1_1 or higher",
		}
	}
	l := &b.Lock
	switch {
	case (l.Lock == nil) != (l.Unlock == nil), (l.CLock == nil) != (l.CUnlock == nil):
		return &BorrowError{"Borrowed.Lock", "has only one half of a pair of functions", "set both, or none"}
	case l.Lock != nil && l.CLock != nil:
		return &BorrowError{"Borrowed.Lock", "has Go functions and C functions", "set one of the pairs"}
	}
	if opt.Device != "" || opt.Validate {
		return &BorrowError{"Options", "picks a device or a layer for one that exists", "leave Device and Validate unset, and enable layers on your instance"}
	}
	if opt.Priority != PriorityNormal {
		return &BorrowError{"Options.Priority", "is " + opt.Priority.String() + ", for a queue that exists", "leave it unset, and give your queue its priority when you make the device"}
	}
	return opt.check()
}
