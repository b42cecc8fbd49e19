//go:build cgo && linux

package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/handle"
	"github.com/anchorvk/anchorvk/vk"
)

// The statuses of errors that no test can bring about by calls; the numbers are
// those of anchorvk.h.
func TestStatusOfRareErrors(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
	}{
		{handle.ErrFull, -9},
		{vk.ErrAbandoned, -12},
		{&vk.TimeoutError{}, -12},
		{&vk.DeviceLostError{}, -11},
		{&attention.PanicError{Cause: "a bug"}, -19},
	} {
		assert.Equal(t, c.status, int(statusOf(fmt.Errorf("wrapped: %w", c.err))), c.err)
	}
}
