package cachedir

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDir(t *testing.T) {
	here, err := os.Getwd()
	require.NoError(t, err)
	for _, c := range []struct {
		name, system, want string
		env                map[string]string
	}{
		{"named", "linux", "/x/y", map[string]string{Variable: "/x/y/", "HOME": "/home/u"}},
		{"named relative", "linux", filepath.Join(here, "y"), map[string]string{Variable: "y"}},
		{"home", "linux", "/home/u/.cache/anchorvk", map[string]string{"HOME": "/home/u"}},
		{"XDG", "linux", "/c/anchorvk", map[string]string{"HOME": "/home/u", "XDG_CACHE_HOME": "/c"}},
		{"XDG relative", "linux", "/home/u/.cache/anchorvk", map[string]string{"HOME": "/home/u", "XDG_CACHE_HOME": "c"}},
		{"macOS", "darwin", "/Users/u/Library/Caches/anchorvk", map[string]string{"HOME": "/Users/u", "XDG_CACHE_HOME": "/c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				t.Skip("the paths are those of Unix")
			}
			got, err := dir(func(name string) string { return c.env[name] }, c.system)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestNoDir(t *testing.T) {
	_, err := Dir(func(string) string { return "" })
	require.ErrorContains(t, err, "set "+Variable)
	_, err = Dir(func(name string) string { return map[string]string{Variable: "off"}[name] })
	require.ErrorIs(t, err, ErrOff)
}

// Without the variable the directory is below that of the standard library.
func TestDirIsBelowTheUsersCache(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	want, err := os.UserCacheDir()
	require.NoError(t, err)
	t.Setenv(Variable, "")
	got, err := Dir(os.Getenv)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(want, "anchorvk"), got)
}
