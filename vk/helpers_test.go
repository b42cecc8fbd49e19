package vk

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

var background = context.Background()

func newBuffer(t testing.TB, d *Device, name string, size uint64, kind MemoryKind) *Buffer {
	t.Helper()
	b, err := d.NewBuffer(name, size, kind)
	require.NoError(t, err)
	return b
}

func newRecorder(t testing.TB, d *Device) *Recorder {
	t.Helper()
	r, err := d.NewRecorder("test")
	require.NoError(t, err)
	return r
}
