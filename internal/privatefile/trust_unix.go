//go:build unix

package privatefile

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// withoutWaiting opens a named pipe that nobody writes to, and a terminal
// without making it the process's own.
const withoutWaiting = syscall.O_NONBLOCK | syscall.O_NOCTTY

// trusted refuses what another user than this one and root can have written.
func trusted(info fs.FileInfo) error {
	if perm := info.Mode().Perm(); perm&0o022 != 0 {
		return fmt.Errorf("others may write to it (mode %v)", perm)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("its owner is unknown")
	}
	if own := os.Geteuid(); stat.Uid != 0 && int(stat.Uid) != own {
		return fmt.Errorf("it belongs to another user (%d, this process runs as %d)", stat.Uid, own)
	}
	return nil
}
