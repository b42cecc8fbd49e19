//go:build cgo

package vk

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// makeFIFO makes a directory: there are no named pipes among files.
func makeFIFO(t *testing.T, path string) {
	t.Helper()
	require.NoError(t, os.Mkdir(path, 0o700))
}
