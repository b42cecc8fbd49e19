package vk

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What is not known is left out, and the host's memory is not called the device's.
func TestOutOfMemoryText(t *testing.T) {
	const device, host = "; try shorter inputs, fewer heads at a time, or a device with more memory", "; try shorter inputs, fewer heads at a time, or to end other programs"
	for want, e := range map[string]OutOfMemoryError{
		"out of device memory" + device:                                                 {},
		"out of device memory: vkCreateFence failed" + device:                           {Call: "vkCreateFence"},
		"out of host memory: vkCreateFence failed" + host:                               {Call: "vkCreateFence", Host: true},
		"out of host memory: keys, vkCreateBuffer failed" + host:                        {Call: "vkCreateBuffer", Host: true, What: "keys"},
		"out of device memory: keys asked for 10 bytes" + device:                        {What: "keys", Asked: 10},
		"out of host memory: keys asked for 10 bytes" + host:                            {What: "keys", Asked: 10, Host: true},
		"out of device memory: keys asked for 10 bytes, about 5 are available" + device: {What: "keys", Asked: 10, Available: 5},
		"out of device memory: keys asked for 10 bytes, vkAllocateMemory failed, about 0 are left in heap 1 (device-local, 9 bytes)" + device: {
			Call: "vkAllocateMemory", What: "keys", Asked: 10, Heap: "heap 1 (device-local, 9 bytes)",
		},
		"out of device memory: keys asked for 10 bytes, vkAllocateMemory failed, although about 11 seem to be left in heap 0 (the host's, 99 bytes)" + device: {
			Call: "vkAllocateMemory", What: "keys", Asked: 10, Available: 11, Heap: "heap 0 (the host's, 99 bytes)",
		},
	} {
		require.EqualError(t, &e, want)
	}
}
