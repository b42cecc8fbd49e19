//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// instance is a VkInstance with the functions that the shim calls on it.
type instance struct {
	shim *C.vks_instance
	lent bool // the caller's
}

const noDriverHint = "install a driver (mesa-vulkan-drivers has lavapipe, which needs no GPU), or set VK_DRIVER_FILES (VK_ICD_FILENAMES for old loaders) to its json file"

// noDriver names the variables that can hide drivers, when they are set.
func noDriver() error {
	var set []string
	for _, name := range []string{"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_LOADER_DRIVERS_SELECT", "VK_LOADER_DRIVERS_DISABLE"} {
		if v := os.Getenv(name); v != "" {
			set = append(set, fmt.Sprintf(" (%s is %s)", name, v))
		}
	}
	why := "no Vulkan driver found that has a device" + strings.Join(set, "")
	return &NoDeviceError{Why: why, Try: noDriverHint}
}

func newInstance(opt *Options) (*instance, error) {
	loader.Lock()
	defer loader.Unlock()
	get, err := openLoader()
	if err != nil {
		return nil, err
	}
	if opt.Hook != nil {
		get = opt.Hook("vkGetInstanceProcAddr", get)
	}
	var o C.vks_instance_options
	o.get_instance_proc_addr = get
	if opt.Validate {
		o.validate = 1
	}
	var shim *C.vks_instance
	var call *C.char
	text := make([]byte, 512)
	result := C.vks_create_instance(&o, &shim, &call, (*C.char)(unsafe.Pointer(&text[0])), C.size_t(len(text))) //nolint:gocritic // seen in the code that cgo generates for a pointer to a pointer
	switch {
	case result == 0:
	case text[0] != 0:
		return nil, &FeatureError{Feature: "Vulkan instance", Why: goText(text)}
	case vulkan.Result(result) == vulkan.ErrorIncompatibleDriver:
		return nil, noDriver()
	default:
		return nil, fmt.Errorf("%w%s", callError(C.GoString(call), int32(result)), layersText())
	}
	in := &instance{shim: shim}
	if err := in.resolve(opt); err != nil {
		in.close()
		return nil, err
	}
	if r := C.vks_start_messenger(in.shim); r != 0 { // nobody would hear what the layer finds
		in.close()
		return nil, callError("vkCreateDebugUtilsMessengerEXT", int32(r))
	}
	return in, nil
}

// resolve fills the table of the instance's functions.
func (in *instance) resolve(opt *Options) error {
	for i := range C.vks_instance_function_count() {
		name := C.GoString(C.vks_instance_function_name(i))
		address := C.vks_instance_resolve(in.shim, i)
		if address == nil && C.vks_instance_function_needed(i) != 0 {
			return &NoDeviceError{Why: "the Vulkan loader has no " + name, Try: "update the Vulkan loader"}
		}
		if address != nil && opt.Hook != nil {
			address = opt.Hook(name, address)
		}
		C.vks_instance_set(in.shim, i, address)
	}
	return nil
}

func (in *instance) close() {
	if !in.lent {
		C.vks_stop_messenger(in.shim)
		C.vks_instance_destroy(in.shim)
	}
	C.vks_instance_close(in.shim)
	in.shim = nil
}

// messages takes the validation messages that have come in.
func (in *instance) messages() []string {
	var list []string
	text := make([]byte, 1<<16)
	for {
		n := C.vks_next_message(in.shim, (*C.char)(unsafe.Pointer(&text[0])), C.int(len(text)))
		if n < 0 {
			return list
		}
		list = append(list, string(text[:n]))
	}
}

// physical is a device that the instance offers, not yet opened.
type physical struct {
	handle vulkan.PhysicalDevice
	caps   *C.vks_caps
	report Report
}

// preference orders device types as Open prefers them.
var preference = map[uint32]int{2: 0 /* discrete */, 1: 1 /* integrated */, 3: 2 /* virtual */, 4: 3 /* cpu */}

func rank(deviceType uint32) int {
	if r, ok := preference[deviceType]; ok {
		return r
	}
	return len(preference)
}

// physicalDevices are the handles of what the instance lists.
func (in *instance) physicalDevices() ([]C.uint64_t, error) {
	handles := make([]C.uint64_t, C.VKS_MAX_PHYSICAL)
	n := C.uint32_t(len(handles))
	err := callError("vkEnumeratePhysicalDevices", int32(C.vks_list_physical(in.shim, &handles[0], &n)))
	return handles[:n], err
}

// devices lists the usable devices, most preferred first.
func (in *instance) devices(opt *Options) ([]physical, error) {
	handles, err := in.physicalDevices()
	var failed *CallError
	switch {
	case errors.As(err, &failed) && vulkan.Result(failed.Result) == vulkan.ErrorInitializationFailed, err == nil && len(handles) == 0:
		return nil, noDriver()
	case err != nil:
		return nil, err
	}
	var list []physical
	var refused []string
	for _, h := range handles {
		caps := new(C.vks_caps)
		if r := C.vks_query(in.shim, h, caps); r != 0 {
			refused = append(refused, "a device that cannot be queried: "+resultText(vulkan.Result(r)))
			continue
		}
		name := C.GoString(&caps.name[0])
		switch {
		case caps.api < 1<<22|1<<12:
			refused = append(refused, name+": offers only Vulkan 1.0, 1.1 is needed")
		case caps.queue_family == ^C.uint32_t(0):
			refused = append(refused, name+": has no queue that computes")
		default:
			list = append(list, physical{handle: handle[vulkan.PhysicalDevice](h), caps: caps, report: newReport(caps, opt)})
		}
	}
	if len(list) == 0 {
		return nil, &NoDeviceError{Why: "none of the devices can be used:", Found: refused, Try: noDriverHint}
	}
	slices.SortStableFunc(list, func(a, b physical) int { return rank(uint32(a.caps._type)) - rank(uint32(b.caps._type)) })
	for i := range list {
		list[i].report.Index = i
	}
	return list, nil
}
