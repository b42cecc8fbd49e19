package main

import (
	"bufio"
	"fmt"
	"math"
	"os"

	"github.com/anchorvk/anchorvk/attention"
)

// hostMemoryError says that the host lacks the memory for a command. It is
// raised beforehand: a Go program that runs out of memory ends with a stack
// trace and cannot clean up.
type hostMemoryError struct {
	what             string
	asked, available float64 // bytes; float64, because products of sizes may pass 64 bits
}

func (e *hostMemoryError) Error() string {
	return fmt.Sprintf("out of host memory: %s need %.0f bytes, about %.0f are available; try shorter inputs, fewer heads at a time, or larger --block and --step where stripes are kept",
		e.what, e.asked, e.available)
}

// fits refuses what needs more host memory than there is.
func (a *app) fits(what string, bytes float64) error {
	available := float64(math.MaxInt)
	if free, known := a.freeMemory(); known {
		available = free
	}
	if bytes > available {
		return &hostMemoryError{what, bytes, available}
	}
	return nil
}

// freeMemory reads how many bytes Linux could give to a program without
// swapping; other systems do not say.
func freeMemory() (bytes float64, known bool) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib float64
		if n, _ := fmt.Sscanf(lines.Text(), "MemAvailable: %f kB", &kib); n == 1 {
			return kib * 1024, true
		}
	}
	return 0, false
}

// inputBytes is the size of q, k and v as halves.
func inputBytes(s attention.Shape) float64 {
	return 2 * float64(s.Batch) * float64(s.HeadDim) *
		(float64(s.Heads)*float64(s.QLen) + 2*float64(s.KVHeads)*float64(s.KVLen))
}

// outputBytes is the size of what outputsFor makes for all modes.
func (f *runFlags) outputBytes(s attention.Shape) float64 {
	heads := float64(s.Batch) * float64(s.Heads)
	total := 0.0
	for _, mode := range f.modes {
		total += 2 * heads * float64(s.QLen) * float64(s.HeadDim)
		if f.needsLSE() {
			total += 4 * heads * float64(s.QLen)
		}
		if f.needsStripes(mode) {
			total += heads * float64(f.params.p.Groups(s.KVLen)) * float64(s.KVLen)
		}
	}
	return total
}
