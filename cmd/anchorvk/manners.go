package main

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/cachedir"
	"github.com/anchorvk/anchorvk/vk"
)

// mannersFlags say how `run` and `bench` share the device with other programs.
type mannersFlags struct {
	duty             float64
	priority, budget string
	manners          manners
}

// manners are those flags, checked.
type manners struct {
	priority vk.Priority
	budget   uint64 // bytes, 0 for none
}

func (f *mannersFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Float64Var(&f.duty, "duty", 1, "`share` of time that may keep the device busy, 0.01 to 1; pauses between submissions leave the rest to other programs")
	flags.StringVar(&f.priority, "priority", "normal", "`urgency` beside other programs, where the driver grants it: low, normal or high")
	flags.StringVar(&f.budget, "memory-budget", "", "`bytes` of device memory to stay within, such as 512MiB; exit 5 when the work does not fit")
	values(cmd, "priority", "low", "normal", "high")
}

func (f *mannersFlags) check() error {
	if !(f.duty >= attention.MinDutyCycle && f.duty <= 1) {
		return usage("--duty %v is no share of time that can be kept; use one from %v to 1, such as 0.5", f.duty, attention.MinDutyCycle)
	}
	var err error
	if f.manners.priority, err = vk.ParsePriority(f.priority); err != nil {
		return usage("--priority %q is none; choose low, normal or high", f.priority)
	}
	if f.budget != "" {
		if f.manners.budget, err = parseBytes(f.budget); err != nil {
			return usage("--memory-budget %q is no size; use bytes above 0, such as 536870912 or 512MiB", f.budget)
		}
	}
	return nil
}

// runOptions are the options of a run that shows its progress in a bar.
func (f *mannersFlags) runOptions(bar *progress) attention.RunOptions {
	return attention.RunOptions{DutyCycle: f.duty, Progress: bar.within}
}

var errSize = errors.New("no size")

// parseBytes reads a number of bytes, or of KiB, MiB, GiB or TiB.
func parseBytes(text string) (uint64, error) {
	scale := 1.0
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if rest, ok := strings.CutSuffix(text, unit); ok {
			text, scale = strings.TrimSpace(rest), math.Pow(1024, float64(i+1))
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	if n *= scale; err != nil || !(n >= 1 && n < 1<<63) {
		return 0, errSize
	}
	return uint64(n), nil
}

// cacheDir is where compiled pipelines are kept, "" for nowhere: without them
// kernels are only compiled again.
func (a *app) cacheDir() string {
	dir, err := cachedir.Dir(a.env.get)
	if err != nil && !errors.Is(err, cachedir.ErrOff) {
		a.log.Debug("no pipeline cache", "reason", err)
	}
	return dir
}
