package main

// #include "bridge.h"
import "C"

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anchorvk/anchorvk/vk"
)

// deviceOptions reads options, which may be NULL.
func deviceOptions(from C.avk_in_device_options) (vk.Options, error) {
	var options vk.Options
	if from == nil {
		return options, nil
	}
	in, err := getStruct(from, C.sizeof_avk_device_options)
	if err != nil {
		return options, err
	}
	if in.environment != 0 {
		if options, err = vk.OptionsFromEnv(); err != nil {
			return options, argument("%v", err)
		}
	}
	if in.device != nil {
		options.Device = C.GoString(in.device)
	}
	if in.disable != nil {
		options.Disable = splitNames(C.GoString(in.disable))
	}
	if in.validate != 0 {
		options.Validate = true
	}
	if in.cache_dir != nil {
		options.CacheDir = C.GoString(in.cache_dir)
	}
	options.MemoryBudget = uint64(in.memory_budget)
	switch in.priority {
	case C.AVK_PRIORITY_NORMAL:
	case C.AVK_PRIORITY_LOW:
		options.Priority = vk.PriorityLow
	case C.AVK_PRIORITY_HIGH:
		options.Priority = vk.PriorityHigh
	default:
		return options, argument("avk_device_options.priority is %d; use AVK_PRIORITY_NORMAL, AVK_PRIORITY_LOW or AVK_PRIORITY_HIGH", in.priority)
	}
	if in.reserved != 0 {
		return options, argument("avk_device_options.reserved is %d; set it to 0", in.reserved)
	}
	if ms := float64(in.timeout_ms); ms != 0 {
		if !(ms > 0) || ms > math.MaxInt64/1e6 {
			return options, argument("avk_device_options.timeout_ms is %v; use milliseconds above 0, or 0 for 60,000", ms)
		}
		options.Timeout = time.Duration(ms * 1e6)
	}
	known := vk.FeatureNames()
	for _, name := range options.Disable {
		if !slices.Contains(known, name) {
			return options, argument("avk_device_options.disable names an unknown feature %q; known are %s", name, strings.Join(known, ", "))
		}
	}
	return options, nil
}

// splitNames splits a list with commas, without empty names.
func splitNames(list string) []string {
	var names []string
	for _, name := range strings.Split(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

//export avk_device_list
func avk_device_list(options C.avk_in_device_options, text *C.char, size C.size_t, length *C.size_t) (status C.avk_status) {
	defer boundary(&status)
	opt, err := deviceOptions(options)
	if err != nil {
		return fail(err)
	}
	reports, err := vk.List(opt)
	if err != nil {
		return fail(err)
	}
	list, err := json.Marshal(reports)
	if err != nil {
		return fail(err)
	}
	return fail(putText(speakDotted(string(list)), text, size, length))
}

//export avk_device_open
func avk_device_open(options C.avk_in_device_options, device *C.avk_device) (status C.avk_status) {
	defer boundary(&status)
	if err := need("device", device); err != nil {
		return fail(err)
	}
	opt, err := deviceOptions(options)
	if err != nil {
		return fail(err)
	}
	opened, err := vk.Open(opt)
	if err != nil {
		return fail(err)
	}
	return fail(give(device, kindDevice, opened, opened.Close))
}

//export avk_device_report
func avk_device_report(device C.avk_device, format C.int32_t, text *C.char, size C.size_t, length *C.size_t) (status C.avk_status) {
	defer boundary(&status)
	d, err := deviceOf(device)
	if err != nil {
		return fail(err)
	}
	return fail(describe(format,
		func() (string, error) { return d.Report().String(), nil },
		func() (string, error) { return marshal(d.Report()) },
		text, size, length))
}

func marshal(value any) (string, error) {
	b, err := json.Marshal(value)
	return string(b), err
}

//export avk_device_close
func avk_device_close(device C.avk_device) (status C.avk_status) {
	defer boundary(&status)
	d, err := deviceOf(device)
	if err != nil {
		return fail(err)
	}
	closed := d.Close()
	if closed != nil && !errors.Is(closed, vk.ErrAbandoned) {
		return fail(closed) // the handle stays, to try again with
	}
	if _, err = take[*vk.Device](kindDevice, uint64(device)); err != nil {
		return fail(err)
	}
	return fail(closed)
}
