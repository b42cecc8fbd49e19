//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package privatefile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func kept(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kept")
	require.NoError(t, Write(path, []byte("kept")))
	return path
}

func TestFilesOfOthersAreNotTrusted(t *testing.T) {
	path := kept(t)
	for _, mode := range []os.FileMode{0o602, 0o620, 0o666} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := Read(path, 100)
		require.ErrorContains(t, err, "others may write to it")
	}
	require.NoError(t, os.Chmod(path, 0o644))
	_, err := Read(path, 100)
	require.NoError(t, err, "others may read it")
	if os.Geteuid() != 0 {
		t.Log("only root can give a file away; not tried")
		return
	}
	require.NoError(t, os.Chown(path, 12345, -1))
	_, err = Read(path, 100)
	require.ErrorContains(t, err, "it belongs to another user (12345, this process runs as 0)")
}

// A named pipe neither hangs the reader nor is it read.
func TestNamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kept")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	done := make(chan error, 1)
	go func() {
		_, err := Read(path, 100)
		done <- err
	}()
	select {
	case err := <-done:
		require.ErrorContains(t, err, "no regular file")
	case <-time.After(10 * time.Second):
		t.Fatal("reading a named pipe hangs")
	}
}
