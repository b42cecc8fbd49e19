//go:build !cgo

package vk

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// tools/cross.sh runs it with CGO_ENABLED=0.
func TestUnsupportedSaysSo(t *testing.T) {
	var none *NoDeviceError
	device, err := Open(Options{})
	require.ErrorAs(t, err, &none)
	require.ErrorIs(t, err, ErrUnsupported)
	require.ErrorContains(t, err, "CGO_ENABLED=1")
	require.Nil(t, device)
	_, err = List(Options{})
	require.ErrorIs(t, err, ErrUnsupported)
	_, err = LoaderVersion()
	require.ErrorIs(t, err, ErrUnsupported)
	_, err = Open(Options{Disable: []string{"gravity"}})
	require.ErrorContains(t, err, "gravity", "wrong options are reported first")
}
