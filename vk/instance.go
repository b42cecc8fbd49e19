package vk

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// instance is a VkInstance, our own or the caller's.
type instance struct {
	driver driver.Instance
	lent   bool // the caller's
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
	get, err := openLoader()
	if err != nil {
		return nil, err
	}
	if opt.Hook != nil {
		get = opt.Hook("vkGetInstanceProcAddr", get)
	}
	made, result, call, problem := driver.CreateInstance(get, opt.Validate)
	switch {
	case result == driver.Success:
	case problem != "":
		return nil, &FeatureError{Feature: "Vulkan instance", Why: problem}
	case result == driver.ErrorIncompatibleDriver:
		return nil, noDriver()
	default:
		return nil, fmt.Errorf("%w%s", callError(call, result), layersText())
	}
	in := &instance{driver: made}
	if err := in.resolve(opt); err != nil {
		in.close()
		return nil, err
	}
	if r := made.StartMessenger(); r != driver.Success { // nobody would hear what the layer finds
		in.close()
		return nil, callError("vkCreateDebugUtilsMessengerEXT", r)
	}
	return in, nil
}

// resolve fills the table of the instance's functions.
func (in *instance) resolve(opt *Options) error {
	if missing := in.driver.Resolve(opt.Hook); missing != "" {
		return &NoDeviceError{Why: "the Vulkan loader has no " + missing, Try: "update the Vulkan loader"}
	}
	return nil
}

func (in *instance) close() {
	if !in.lent {
		in.driver.Destroy()
	}
	in.driver.Close()
}

// messages takes the validation messages that have come in.
func (in *instance) messages() []string {
	var list []string
	text := make([]byte, 1<<16)
	for {
		n := in.driver.Message(text)
		if n < 0 {
			return list
		}
		list = append(list, string(text[:n]))
	}
}

// physical is a device that the instance offers, not yet opened.
type physical struct {
	handle uint64 // VkPhysicalDevice
	caps   *driver.Caps
	report Report
}

// preference orders device types as Open prefers them.
var preference = map[uint32]int{driver.DeviceDiscrete: 0, driver.DeviceIntegrated: 1, driver.DeviceVirtual: 2, driver.DeviceCPU: 3}

func rank(deviceType uint32) int {
	if r, ok := preference[deviceType]; ok {
		return r
	}
	return len(preference)
}

// physicalDevices are the handles of what the instance lists.
func (in *instance) physicalDevices() ([]uint64, error) {
	handles, result := in.driver.PhysicalDevices()
	return handles, callError("vkEnumeratePhysicalDevices", result)
}

// devices lists the usable devices, most preferred first.
func (in *instance) devices(opt *Options) ([]physical, error) {
	handles, err := in.physicalDevices()
	var failed *CallError
	switch {
	case errors.As(err, &failed) && driver.Result(failed.Result) == driver.ErrorInitializationFailed, err == nil && len(handles) == 0:
		return nil, noDriver()
	case err != nil:
		return nil, err
	}
	var list []physical
	var refused []string
	for _, h := range handles {
		caps := new(driver.Caps)
		if r := in.driver.Query(h, caps); r != driver.Success {
			refused = append(refused, "a device that cannot be queried: "+resultText(r))
			continue
		}
		name := driver.Text(caps.Name[:])
		switch {
		case caps.API < apiVersion11:
			refused = append(refused, name+": offers only Vulkan 1.0, 1.1 is needed")
		case caps.QueueFamily == ^uint32(0):
			refused = append(refused, name+": has no queue that computes")
		default:
			list = append(list, physical{handle: h, caps: caps, report: newReport(caps, opt)})
		}
	}
	if len(list) == 0 {
		return nil, &NoDeviceError{Why: "none of the devices can be used:", Found: refused, Try: noDriverHint}
	}
	slices.SortStableFunc(list, func(a, b physical) int { return rank(a.caps.Type) - rank(b.caps.Type) })
	for i := range list {
		list[i].report.Index = i
	}
	return list, nil
}
