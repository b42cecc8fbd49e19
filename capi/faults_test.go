//go:build cgo && linux && (amd64 || arm64 || riscv64 || loong64)

package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/fault"
	"github.com/anchorvk/anchorvk/internal/hosttest"
)

// Each Vulkan call that the library makes for a host fails once, with each
// result that it may return: a status and a text that say so, nothing left, and
// right results from the same objects afterwards where memory had run out.
func TestEveryCallFailsOnce(t *testing.T) {
	program := hosttest.Compile(t, "-std=gnu11", "-D_GNU_SOURCE", "-Wno-pedantic", "-Ivk",
		"capi/testdata/faults.c", "internal/fault/inject.c", "internal/fault/keep.c", "-ldl")
	out, _ := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: program, Args: []string{"calls"}}))
	calls := map[string]int{}
	for line := range strings.Lines(out) {
		function, count, ok := strings.Cut(strings.TrimSpace(line), "\t")
		require.True(t, ok, line)
		n, err := strconv.Atoi(count)
		require.NoError(t, err)
		calls[function] = n
	}
	cases := fault.Cases(calls)
	require.Greater(t, len(cases), 200)
	var in bytes.Buffer
	for _, c := range cases {
		fmt.Fprintf(&in, "%s\t%d\t%d\n", c.Function, c.Nth, int32(c.Result))
	}
	out, _ = hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: program, Args: []string{"fail"}, Input: &in}))
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n") // the last text may be empty
	require.Len(t, lines, len(cases))
	for i, c := range cases {
		fields := strings.Split(lines[i], "\t")
		require.Len(t, fields, 6, lines[i])
		fired, status, step, again, leaked, text := fields[0], fields[1], fields[2], fields[3], fields[4], fields[5]
		what := fmt.Sprintf("%v in %s: %s: %s", c, step, status, text)
		assert.Equal(t, "1", fired, "%s: was not called", what)
		assert.Equal(t, "0", leaked, "%s: objects are left", what)
		assert.Equal(t, "AVK_OK", again, "%s: the second try", what)
		if status == "AVK_OK" {
			continue // TestEveryCallOfAnEngineFailsOnce says where that is right
		}
		assert.Equal(t, statusName(c), status, what)
		if status != "AVK_ERROR_NO_DEVICE" {
			assert.Contains(t, text, c.Function, what)
		}
	}
	t.Logf("%d calls failed", len(cases))
}

// statusName is the status that a failed call leads to, where it fails the step.
func statusName(c fault.Case) string {
	switch {
	case c.Function == "vkCreateInstance" && c.Result == fault.IncompatibleDriver,
		c.Function == "vkEnumeratePhysicalDevices" && c.Result == fault.InitializationFails,
		c.Function == "vkEnumerateDeviceExtensionProperties":
		return "AVK_ERROR_NO_DEVICE"
	case c.Result.OutOfMemory():
		return "AVK_ERROR_OUT_OF_MEMORY"
	case c.Result == fault.DeviceLost:
		return "AVK_ERROR_DEVICE_LOST"
	case c.Result == fault.TooManyObjects && c.Function == "vkAllocateMemory":
		return "AVK_ERROR_LIMIT"
	case fault.Builds(c.Function): // no tier can be built then
		return "AVK_ERROR_FEATURE"
	}
	return "AVK_ERROR_OTHER"
}
