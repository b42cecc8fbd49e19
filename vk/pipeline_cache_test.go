//go:build cgo

package vk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cached opens a device with a cache directory, compiles a kernel, closes the
// device and returns its warnings.
func cached(t *testing.T, dir string, edit func(*Options)) (warnings string) {
	t.Helper()
	warnings, err := cachedOnce(dir, edit)
	require.NoError(t, err)
	return warnings
}

func cachedOnce(dir string, edit func(*Options)) (warnings string, err error) {
	var log bytes.Buffer
	opt, err := OptionsFromEnv()
	if err != nil {
		return "", err
	}
	opt.CacheDir, opt.Log = dir, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if edit != nil {
		edit(&opt)
	}
	d, err := Open(opt)
	if err != nil {
		return "", err
	}
	_, err = d.NewPipeline(PipelineConfig{Name: "affine", Code: affineCode, Bindings: 2, PushBytes: 8, Constants: []uint32{3}})
	err = errors.Join(err, d.Close())
	return log.String(), err
}

// only returns the one file of a directory.
func only(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, list, 1, "the cache, and no temporary file")
	return filepath.Join(dir, list[0].Name())
}

func TestPipelineCacheFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "when needed")
	require.Empty(t, cached(t, dir, nil))
	path := only(t, dir)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	above, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o700), above.Mode().Perm())
	good, err := os.ReadFile(path)
	require.NoError(t, err)

	require.Empty(t, cached(t, dir, nil), "read back without a complaint")
	require.Empty(t, cached(t, t.TempDir(), func(o *Options) { o.CacheDir, o.PipelineCache = "", good }), "a file is a blob too")

	flip := func(at int) []byte {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		return bad
	}
	rewrapped := func(edit func(payload []byte, k *cacheKey)) []byte {
		payload := bytes.Clone(good[cacheHead:])
		k := cacheKey{driverVersion: binary.LittleEndian.Uint32(good[12:])}
		edit(payload, &k)
		return wrapCache(payload, k)
	}
	for name, bad := range map[string]struct {
		blob []byte
		why  string
	}{
		"empty":             {nil, "no pipeline cache"},
		"of something else": {bytes.Repeat([]byte("x"), 1000), "no pipeline cache"},
		"of another layout": {flip(8), "layout"},
		"cut off":           {good[:len(good)-1], "cut off"},
		"cut in the head":   {good[:20], "no pipeline cache"},
		"longer":            {append(bytes.Clone(good), 0), "appended"},
		"damaged":           {flip(len(good) - 1), "damaged"},
		"of a driver":       {rewrapped(func(_ []byte, k *cacheKey) { k.driverVersion++ }), "another version of the driver"},
		"of a vendor":       {rewrapped(func(p []byte, _ *cacheKey) { p[8] ^= 1 }), "another device"},
		"of a device":       {rewrapped(func(p []byte, _ *cacheKey) { p[12] ^= 1 }), "another device"},
		"of a UUID":         {rewrapped(func(p []byte, _ *cacheKey) { p[31] ^= 1 }), "another device"},
		"of no version":     {rewrapped(func(p []byte, _ *cacheKey) { p[4] = 9 }), "version one"},
		"with a long head":  {rewrapped(func(p []byte, _ *cacheKey) { p[3] = 0xff }), "version one"},
		"without a head":    {wrapCache(good[cacheHead:][:8], cacheKey{driverVersion: binary.LittleEndian.Uint32(good[12:])}), "no Vulkan header"},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, bad.blob, 0o600))
			warning := cached(t, dir, nil)
			require.Contains(t, warning, "not used")
			require.Contains(t, warning, bad.why)
			if len(bad.blob) > 0 {
				warning = cached(t, "", func(o *Options) { o.PipelineCache = bad.blob })
				require.Contains(t, warning, bad.why)
			}
			after, err := os.ReadFile(only(t, dir))
			require.NoError(t, err)
			require.Equal(t, good[:24], after[:24], "a good one is in its place")
			require.Empty(t, cached(t, dir, nil))
		})
	}
}

func TestPipelineCacheFileOfOthers(t *testing.T) {
	dir := t.TempDir()
	require.Empty(t, cached(t, dir, nil))
	path := only(t, dir)
	require.NoError(t, os.Chmod(path, 0o622))
	require.Contains(t, cached(t, dir, nil), "others may write")

	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Mkdir(path, 0o700))
	warning := cached(t, dir, nil)
	require.Contains(t, warning, "no regular file")
	require.Contains(t, warning, "was not saved")

	blocked := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	require.Contains(t, cached(t, filepath.Join(blocked, "below"), nil), "was not saved")
}

// A file that another user owns may hold anything, and a named pipe would be
// waited for: neither is read.
func TestPipelineCacheFileIsNotTrusted(t *testing.T) {
	dir := t.TempDir()
	require.Empty(t, cached(t, dir, nil))
	path := only(t, dir)
	if os.Geteuid() == 0 { // who alone can give files away
		require.NoError(t, os.Chmod(path, 0o644))
		require.NoError(t, os.Chown(path, 12345, -1))
		require.Contains(t, cached(t, dir, nil), "belongs to another user (12345")
		require.Empty(t, cached(t, dir, nil), "one of our own has taken its place")
	}
	require.NoError(t, os.Remove(path))
	makeFIFO(t, path)
	done := make(chan string, 1)
	go func() {
		warnings, err := cachedOnce(dir, nil)
		if err != nil {
			warnings += err.Error()
		}
		done <- warnings
	}()
	select {
	case warnings := <-done:
		require.Contains(t, warnings, "no regular file")
	case <-time.After(20 * time.Second):
		t.Fatal("opening the device waits for a named pipe")
	}
}

// What a killed process left beside the file is gone after the next start, also
// where nothing new is written.
func TestPipelineCacheIsSwept(t *testing.T) {
	dir := t.TempDir()
	require.Empty(t, cached(t, dir, nil))
	path := only(t, dir)
	left := filepath.Join(dir, "."+filepath.Base(path)+".tmp-anchorvk-0123456789abcdef")
	require.NoError(t, os.WriteFile(left, []byte("half"), 0o600))
	require.Empty(t, cached(t, dir, nil))
	require.Equal(t, path, only(t, dir))
}

// Processes that write the same file at once leave a whole one.
func TestPipelineCacheFileAtOnce(t *testing.T) {
	dir := t.TempDir()
	warnings, failures := make([]string, 6), make([]error, 6)
	var all sync.WaitGroup
	for i := range warnings {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 5 {
				text, err := cachedOnce(dir, nil)
				warnings[i] += text
				failures[i] = errors.Join(failures[i], err)
			}
		}()
	}
	all.Wait()
	for i := range warnings {
		require.NoError(t, failures[i])
		require.Empty(t, warnings[i])
	}
	only(t, dir)
}

func TestPipelineCacheData(t *testing.T) {
	d := open(t, nil)
	empty, err := d.PipelineCacheData()
	require.NoError(t, err)
	affine(t, d, 3)
	full, err := d.PipelineCacheData()
	require.NoError(t, err)
	t.Logf("%d bytes before a kernel is made, %d after", len(empty), len(full))
	require.GreaterOrEqual(t, len(full), cacheHead+vulkanHead)
	payload, err := unwrapCache(full, d.cacheKey())
	require.NoError(t, err)
	require.Equal(t, full, wrapCache(payload, d.cacheKey()))
	require.NoError(t, d.SavePipelineCache(), "without a directory there is nothing to do")

	require.NoError(t, d.Close())
	_, err = d.PipelineCacheData()
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, d.SavePipelineCache(), ErrClosed)
}

// Saving keeps what another process has written in the meantime, and does not
// write when nothing was made.
func TestSavePipelineCache(t *testing.T) {
	dir := t.TempDir()
	d := open(t, func(o *Options) { o.CacheDir = dir })
	require.NoError(t, d.SavePipelineCache())
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, list, "no pipeline was made")
	affine(t, d, 3)
	require.NoError(t, d.SavePipelineCache())
	path := only(t, dir)
	require.NoError(t, os.Remove(path))
	require.NoError(t, d.SavePipelineCache())
	require.NoFileExists(t, path, "nothing new")
	affine(t, d, 3)
	require.NoError(t, d.SavePipelineCache())
	require.FileExists(t, path)
}
