package vk

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// choose picks the device that want names: "" the first, else by index, else by
// part of the name.
func choose(reports []*Report, want string) (*Report, error) {
	want = strings.TrimSpace(want)
	if want == "" {
		return reports[0], nil
	}
	fail := func(why string) error {
		e := &NoDeviceError{Why: why, Try: "Options.Device as one of these indices or a part of one name"}
		for _, r := range reports {
			e.Found = append(e.Found, r.String())
		}
		return e
	}
	// A number that is no index may still be part of a name, as 4090 is.
	if i, err := strconv.Atoi(want); err == nil && i >= 0 && i < len(reports) {
		return reports[i], nil
	}
	var found *Report
	for _, r := range reports {
		if !strings.Contains(strings.ToLower(r.Name), strings.ToLower(want)) {
			continue
		}
		if found != nil && found.Name != r.Name {
			return nil, fail(fmt.Sprintf("%q is part of the name of several different devices:", want))
		}
		if found == nil {
			found = r
		}
	}
	if found == nil {
		return nil, fail(fmt.Sprintf("no device has the index or a name with %q; there are:", want))
	}
	return found, nil
}

// List reports on every usable physical device, most preferred first. The
// index of a device in the list is what Options.Device takes; Default marks
// the one that opt.Device picks, and none where it picks not exactly one.
func List(opt Options) ([]Report, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	if !driver.Supported {
		return nil, unsupported()
	}
	in, err := newInstance(&opt)
	if err != nil {
		return nil, err
	}
	defer in.close()
	found, err := in.devices(&opt)
	if err != nil {
		return nil, err
	}
	list := make([]Report, len(found))
	pointers := make([]*Report, len(found))
	for i := range found {
		list[i] = found[i].report
		pointers[i] = &list[i]
	}
	chosen, err := choose(pointers, opt.Device)
	if err != nil { // the list is what the user needs to correct it
		opt.logger().Warn("no default device: the one asked for is none of these, or several", "asked", opt.Device)
	}
	for _, r := range pointers {
		r.Default = r == chosen
	}
	return list, nil
}
