package atomicfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A temporary file is locked as long as its process lives: what carries such a
// name and no lock was left by one that was killed.
const (
	mark       = ".tmp-anchorvk-"
	randomSize = 8
	// longestName keeps temporary names below the 255 bytes that file systems take.
	longestName = 200
	// oldAge is when a file of an earlier version, which had no lock, is surely left.
	oldAge = 7 * 24 * time.Hour
	// maxEntries bounds how much of a large directory a sweep looks at.
	maxEntries = 1 << 14
)

var (
	temporary = regexp.MustCompile(`^\..*` + regexp.QuoteMeta(mark) + `[0-9a-f]{16}$`)
	earlier   = regexp.MustCompile(`^\..+\.(bin|json|safetensors|png|svg)\.tmp-[0-9a-f]{12}$`)
)

// createTemp makes a locked temporary file for the file of that name.
func createTemp(dir, name string, mode fs.FileMode) (*os.File, string, error) {
	name = name[:min(len(name), longestName)]
	for {
		var random [randomSize]byte
		if _, err := rand.Read(random[:]); err != nil {
			return nil, "", err
		}
		temp := filepath.Join(dir, "."+name+mark+hex.EncodeToString(random[:]))
		f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		if lock(f) != lockTaken && exists(f, temp) {
			return f, temp, nil
		}
		// A sweep got in before the lock.
		_ = f.Close()
		_ = os.Remove(temp)
	}
}

// exists says whether the name still leads to the open file.
func exists(f *os.File, path string) bool {
	own, err := f.Stat()
	if err != nil {
		return true // no reason to think otherwise
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(own, there)
}

// Sweep removes from a directory the temporary files of this package that this
// user's processes left when they were killed. What is still being written
// stays, also by another process, in another container, or on another host
// where the file system's locks reach that far. It is no error if it cannot.
func Sweep(dir string) {
	if dir == "" {
		dir = "."
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() { // a named pipe would be waited for
		return
	}
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer func() { _ = d.Close() }()
	for seen := 0; seen < maxEntries; {
		names, err := d.Readdirnames(1024)
		for _, name := range names {
			if strings.Contains(name, ".tmp-") {
				sweep(filepath.Join(dir, name), name)
			}
		}
		if seen += len(names); err != nil {
			return
		}
	}
}

func sweep(path, name string) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || !own(info) {
		return
	}
	switch {
	case temporary.MatchString(name):
	case earlier.MatchString(name) && time.Since(info.ModTime()) > oldAge:
	default:
		return
	}
	removeUnlocked(path)
}
