//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package tune

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A choice that another user may have written is not taken.
func TestFilesOfOthers(t *testing.T) {
	store, path := saved(t)
	refused := func(why string) {
		t.Helper()
		choices, warnings := store.Load(device())
		require.Empty(t, choices)
		require.Len(t, warnings, 1)
		require.ErrorContains(t, warnings[0], path+" cannot be used: "+why)
	}
	require.NoError(t, os.Chmod(path, 0o620))
	refused("others may write to it")
	if os.Geteuid() == 0 { // who alone can give files away
		require.NoError(t, os.Chmod(path, 0o644))
		require.NoError(t, os.Chown(path, 12345, -1))
		refused("it belongs to another user (12345")
	}
	require.NoError(t, os.Remove(path))
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	hangs := time.AfterFunc(20*time.Second, func() { panic("Load waits for a named pipe") })
	defer hangs.Stop()
	refused("it is no regular file")
}

// What a killed process left is gone after the next start.
func TestLoadSweeps(t *testing.T) {
	store, path := saved(t)
	left := filepath.Join(store.dir, "."+filepath.Base(path)+".tmp-anchorvk-0123456789abcdef")
	require.NoError(t, os.WriteFile(left, []byte("{"), 0o600))
	_, warnings := store.Load(device())
	require.Empty(t, warnings)
	require.NoFileExists(t, left)
	require.FileExists(t, path)
}
