//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// renameOpen says that an open file can be renamed.
const renameOpen = true

// lockResult is what came of an attempt to lock a file.
type lockResult int

const (
	lockHeld    lockResult = iota
	lockTaken              // by another process
	lockUnknown            // the file system has no locks
)

// lock takes the file's lock, which ends with the process at the latest.
func lock(f *os.File) lockResult {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return lockHeld
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return lockTaken
		default:
			return lockUnknown
		}
	}
}

// own says whether the file is this user's.
func own(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// removeUnlocked removes a file that nobody has locked.
func removeUnlocked(path string) {
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	// Its process may have given it its name in the meantime.
	if lock(f) == lockHeld && exists(f, path) {
		_ = os.Remove(path)
	}
}
