package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/vk"
)

// Exit codes, as `anchorvk help` lists them.
const (
	exitOK          = 0
	exitOther       = 1
	exitUsage       = 2
	exitNoDevice    = 3
	exitWrong       = 4
	exitMemory      = 5
	exitDeviceLost  = 6
	exitUnsupported = 7
	exitInterrupted = 130
)

// usageError is a wrong command line or environment.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// wrongError says that results broke their bounds.
type wrongError struct{ text string }

func (e *wrongError) Error() string { return e.text }

// exitCode maps an error to the program's exit code.
func exitCode(err error) int {
	var (
		usage    *usageError
		argument *attention.ArgumentError
		none     *vk.NoDeviceError
		wrong    *wrongError
		memory   *vk.OutOfMemoryError
		budget   *vk.MemoryBudgetError
		lost     *vk.DeviceLostError
		timeout  *vk.TimeoutError
		feature  *vk.FeatureError
		limit    *vk.LimitError
		host     *hostMemoryError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage), errors.As(err, &argument):
		return exitUsage
	case errors.As(err, &none):
		return exitNoDevice
	case errors.As(err, &wrong):
		return exitWrong
	case errors.As(err, &memory), errors.As(err, &budget), errors.As(err, &host):
		return exitMemory
	case errors.As(err, &lost), errors.As(err, &timeout):
		return exitDeviceLost
	case errors.As(err, &feature), errors.As(err, &limit):
		return exitUnsupported
	}
	return exitOther
}

// flagOf names the flag that sets a field of the library.
var flagOf = map[string]string{
	"Params.Theta": "--theta", "Params.Step": "--step", "Params.Block": "--block",
	"Params.SinkBlocks": "--sink-blocks", "Params.WindowBlocks": "--window-blocks", "Params.Scale": "--scale",
	"Params.Tail": "--tail", "Params.Guard.Stride": "--guard stride", "Params.Guard.Peak": "--guard peak", "Params.Guard.Limit": "--guard limit", "Params.Guard.Look": "--guard look",
	"Params.Sample.Stride": "--sample stride", "Params.Sample.Weight": "--weight", "Params.Sample.Part": "--sample part",
	"Shape.Batch": "--batch", "Shape.Heads": "--heads", "Shape.KVHeads": "--kv-heads",
	"Shape.QLen": "--seq", "Shape.KVLen": "--seq", "Shape.HeadDim": "--head-dim",
	"Config.StripeFraction": "--stripes", "PlanOptions.Tier": "ANCHORVK_TIER",
}

// message is the error's text in the words of the command line.
func message(err error) string {
	var argument *attention.ArgumentError
	var limit *vk.LimitError
	switch {
	case errors.As(err, &argument):
		return translate(argument, flagOf)
	case errors.As(err, &limit):
		return inFlags(err.Error(), flagOf)
	case errors.Is(err, context.Canceled):
		return "interrupted"
	}
	return err.Error()
}

// printable shows the control characters of names in a file as escapes, so
// that they cannot steer a terminal.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// translate says what is wrong with an argument, with the library's names of
// fields replaced by others.
func translate(e *attention.ArgumentError, names map[string]string) string {
	return inFlags(fmt.Sprintf("%s %s; %s", e.Field, e.Problem, e.Try), names)
}

// inFlags puts names of flags in the place of fields.
func inFlags(text string, names map[string]string) string {
	for field, name := range names {
		text = strings.ReplaceAll(text, field, name)
	}
	return text
}
