package vk

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"
	"unsafe"
)

// Options says how to open a device. The zero value is a good start.
type Options struct {
	// Device picks a device by its index in List or by a part of its name,
	// in any case. "" takes the first of: discrete, integrated, virtual, CPU.
	Device string
	// Disable switches features off by name, for tests and for users in
	// trouble; see FeatureNames.
	Disable []string
	// Validate loads the Khronos validation layer with synchronization
	// validation; see Device.ValidationMessages.
	Validate bool
	// Priority says how urgent the device's work is beside that of other
	// programs. Where the driver does not grant it, the device is opened with a
	// normal one and a warning in Log; see Device.Priority.
	Priority Priority
	// MemoryBudget bounds the bytes of device memory that the device allocates
	// at a time, in all its buffers; 0 is no bound. What would pass it gets a
	// *MemoryBudgetError, and the driver is not asked. Under a budget each
	// buffer has an allocation of its own, so that none is kept in reserve. The
	// 16 KiB with which submissions are checked are not counted.
	MemoryBudget uint64
	// PipelineCache is what Device.PipelineCacheData of an earlier process
	// returned, so that kernels need not be compiled again. What is damaged, or
	// of another device or driver, is left out with a warning in Log.
	PipelineCache []byte
	// CacheDir is a directory to keep the pipeline cache in, "" for none: a file
	// for each device and driver, which Open reads, and Close and
	// SavePipelineCache write whole, for the owner alone (mode 0600; the
	// directory is made where it is missing). Several processes may share it. A
	// file that another user owns or may write to is not read.
	CacheDir string
	// Timeout is how long submitted work may go without progress before Run
	// gives up. 0 means 60 seconds. On a device that is a CPU it is up to 60
	// times as long while the process computes, since drivers compile there.
	Timeout time.Duration
	// Log gets debug and warning records; nil discards them.
	Log *slog.Logger
	// Hook, when set, sees every Vulkan function that this package resolves,
	// by name and address, and returns the address to call. Tests use it to
	// inject failures.
	Hook func(name string, address unsafe.Pointer) unsafe.Pointer
}

const defaultTimeout = 60 * time.Second

// OptionsFromEnv reads ANCHORVK_DEVICE, ANCHORVK_DISABLE (names separated by
// commas) and ANCHORVK_VALIDATE (1 or 0).
func OptionsFromEnv() (Options, error) {
	var o Options
	o.Device = strings.TrimSpace(os.Getenv("ANCHORVK_DEVICE"))
	for _, name := range strings.Split(os.Getenv("ANCHORVK_DISABLE"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			o.Disable = append(o.Disable, name)
		}
	}
	switch v := strings.ToLower(strings.TrimSpace(os.Getenv("ANCHORVK_VALIDATE"))); v {
	case "", "0", "false", "off":
	case "1", "true", "on":
		o.Validate = true
	default:
		return o, fmt.Errorf("ANCHORVK_VALIDATE is %q; it takes 1 or 0", v)
	}
	if err := o.check(); err != nil {
		return o, fmt.Errorf("ANCHORVK_DISABLE: %w", err)
	}
	return o, nil
}

// check refuses names to disable that are unknown.
func (o *Options) check() error {
	if o.Priority < PriorityNormal || o.Priority > PriorityHigh {
		return fmt.Errorf("vk: Options.Priority is %v; use PriorityLow, PriorityNormal or PriorityHigh", o.Priority)
	}
	for _, name := range o.Disable {
		if known := FeatureNames(); !slices.Contains(known, name) {
			return fmt.Errorf("unknown feature %q to disable; known are %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

func (o *Options) logger() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
}

func (o *Options) timeout() time.Duration {
	if o.Timeout <= 0 {
		return defaultTimeout
	}
	return o.Timeout
}
