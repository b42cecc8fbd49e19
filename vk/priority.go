package vk

import (
	"fmt"
	"strings"
)

// Priority says how urgent a device's work is beside other programs'
// on the same GPU, the desktop among them.
type Priority int

// The priorities. Low gives way to all others, for work in the background;
// High goes before them, which drivers grant to few programs.
const (
	PriorityNormal Priority = iota
	PriorityLow
	PriorityHigh
)

// ParsePriority reads "low", "normal" or "high".
func ParsePriority(text string) (Priority, error) {
	for _, p := range []Priority{PriorityLow, PriorityNormal, PriorityHigh} {
		if text == p.String() {
			return p, nil
		}
	}
	return PriorityNormal, fmt.Errorf("vk: %q is no priority; choose low, normal or high", text)
}

func (p Priority) String() string {
	switch p {
	case PriorityNormal:
		return "normal"
	case PriorityLow:
		return "low"
	case PriorityHigh:
		return "high"
	}
	return fmt.Sprintf("Priority(%d)", int(p))
}

// queue is the priority among the queues of one device, from 0 to 1.
func (p Priority) queue() float32 {
	return map[Priority]float32{PriorityLow: 0, PriorityNormal: 0.5, PriorityHigh: 1}[p]
}

// global is the VkQueueGlobalPriority to ask for; 0 where there is nothing to
// ask, because normal is what every queue gets.
func (p Priority) global() uint32 {
	return map[Priority]uint32{PriorityLow: 128, PriorityHigh: 512}[p]
}

// globalNames are the VkQueueGlobalPriority values.
var globalNames = map[uint32]string{128: "low", 256: "medium", 512: "high", 1024: "realtime"}

// refusal says why a priority cannot be asked of a device with this report,
// "" when it can. offered says that the driver has an extension for it.
func (p Priority) refusal(r *Report, offered bool) string {
	switch {
	case p.global() == 0:
		return ""
	case !offered:
		return "the driver has neither VK_KHR_global_priority nor VK_EXT_global_priority"
	case len(r.QueuePriorities) == 0: // it does not say; creating the device will
		return ""
	}
	for _, name := range r.QueuePriorities {
		if name == globalNames[p.global()] {
			return ""
		}
	}
	return "the driver offers only " + strings.Join(r.QueuePriorities, ", ")
}
