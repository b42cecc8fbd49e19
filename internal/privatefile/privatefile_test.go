package privatefile

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWriteThenRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "when needed", "kept")
	require.NoError(t, Write(path, []byte("old")))
	require.NoError(t, Write(path, []byte("new")))
	got, err := Read(path, 3)
	require.NoError(t, err)
	require.Equal(t, "new", string(got))
	_, err = Read(path, 2)
	require.ErrorContains(t, err, "it has 3 bytes, more than the 2")
}

func TestNothingThere(t *testing.T) {
	_, err := Read(filepath.Join(t.TempDir(), "kept"), 1)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = Read(t.TempDir(), 1)
	require.ErrorContains(t, err, "no regular file")
}

// A link to a file elsewhere is replaced, not followed: another user may have put it there.
func TestWriteDoesNotFollowLinks(t *testing.T) {
	dir := t.TempDir()
	precious, path := filepath.Join(dir, "precious"), filepath.Join(dir, "kept")
	require.NoError(t, os.WriteFile(precious, []byte("precious"), 0o600))
	if err := os.Symlink(precious, path); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	require.NoError(t, Write(path, []byte("new")))
	got, err := os.ReadFile(precious)
	require.NoError(t, err)
	require.Equal(t, "precious", string(got))
	info, err := os.Lstat(path)
	require.NoError(t, err)
	require.True(t, info.Mode().IsRegular())
}
