//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package atomicfile

import (
	"io/fs"
	"os"
	"runtime"
)

// renameOpen says that an open file can be renamed.
const renameOpen = false

// lockResult is what came of an attempt to lock a file.
type lockResult int

const (
	lockTaken lockResult = iota
	lockUnknown
)

// lock does nothing: Windows does not remove a file that is open.
func lock(*os.File) lockResult { return lockUnknown }

func own(fs.FileInfo) bool { return true }

// removeUnlocked removes a file that no process has open, where the system can tell.
func removeUnlocked(path string) {
	if runtime.GOOS == "windows" {
		_ = os.Remove(path)
	}
}
