package main

import (
	"context"
	"errors"
	"fmt"

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
