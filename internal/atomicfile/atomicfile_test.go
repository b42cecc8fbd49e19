package atomicfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestCommitShowsTheFileWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	w, err := Create(path)
	require.NoError(t, err)
	_, err = w.Write([]byte("new bytes"))
	require.NoError(t, err)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(before), "nothing is visible before Commit")
	require.NoError(t, w.Commit())
	w.Abort()
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "new bytes", string(after))
	require.Equal(t, []string{"out"}, names(t, dir))
}

func TestAbortLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(filepath.Join(dir, "out"))
	require.NoError(t, err)
	_, err = w.Write([]byte("half"))
	require.NoError(t, err)
	w.Abort()
	w.Abort()
	require.Empty(t, names(t, dir))
}

func TestSymbolicLinkStays(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "real"), []byte("old"), 0o600))
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink("real", link))
	w, err := Create(link)
	require.NoError(t, err)
	_, err = w.Write([]byte("new"))
	require.NoError(t, err)
	require.NoError(t, w.Commit())
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink)
	got, err := os.ReadFile(filepath.Join(dir, "real"))
	require.NoError(t, err)
	require.Equal(t, "new", string(got))
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	_, err := Create(filepath.Join(dir, "no", "such"))
	require.EqualError(t, err,
		"cannot write "+filepath.Join(dir, "no", "such")+": no such file or directory; choose a directory that exists and is writable")
	_, err = Create(dir)
	require.EqualError(t, err,
		"cannot write "+dir+": it exists and is not a regular file; name another file")
	require.Empty(t, names(t, dir))
}
