// Package vk is the host layer under the attention kernels: it finds and opens
// a Vulkan device, reports what the device offers, hands out memory, compiles
// compute pipelines, and records, submits and times work. It knows nothing of
// attention.
//
// # Use
//
// [Open] a [Device], make [Buffer] values and [Pipeline] values, collect work in
// a [Recorder] and call [Recorder.Run]. Close what was made, or just the device:
// it closes everything that belongs to it. Nothing is freed by the garbage
// collector.
//
// # A device of the caller's
//
// [Adopt] takes a VkDevice that the program owns, with the features that it
// enabled and the lock of its queue, and [Device.BorrowBuffer] its buffers.
// [Recorder.Hold] makes work that goes into its command buffers, and
// [Recorder.Submit] waits for and signals its timeline semaphores. Nothing
// borrowed is freed, reset or waited idle for. docs/embedding.md says more.
//
// # Errors
//
// Errors are typed: [BorrowError], [NoDeviceError], [OutOfMemoryError], [LimitError],
// [FeatureError], [DeviceLostError], [TimeoutError] and [ErrClosed]; find them
// with errors.As and errors.Is. A lost device stays lost: each later call
// returns the same error, Close does not hang, and a newly opened device may work.
//
// # Concurrency
//
// All methods of Device may be called from several goroutines, also Close of
// any object while others use it: it takes effect when the submitted work that
// needs the object has ended. A Recorder belongs to one goroutine at a time.
//
// # Environment variables
//
// [OptionsFromEnv] reads:
//
//   - ANCHORVK_DEVICE: the device to open, by its index in [List] or by a part of its name
//   - ANCHORVK_DISABLE: features to switch off, separated by commas: float16, storage16,
//     subgroup, subgroup-size-control, memory-model, coopmat, coopmat2, memory-budget,
//     executable-info, host-visible, buffer-address, timeline-semaphore
//   - ANCHORVK_VALIDATE: 1 loads the Khronos validation layer with synchronization validation
//
// The Vulkan loader reads its own, among them VK_DRIVER_FILES (VK_ICD_FILENAMES
// for loaders before 1.3.207) and VK_LAYER_PATH.
//
// # How it calls Vulkan
//
// Through vk/internal/driver, the only package here with cgo: each instance and
// each device, whose loader may be the caller's, has a table of functions of its
// own, and a small C shim builds structures on the C stack; no Go pointer stays
// in C memory after a call. The binding github.com/vulkan-go/vulkan gives it the
// type of results and the constants. Building needs a C compiler and no Vulkan
// headers. Without cgo, and on other systems, everything builds all the same,
// and Open says why there is no device; see ErrUnsupported.
package vk
