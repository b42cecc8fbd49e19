// Package privatefile reads and writes files that only their owner can have
// changed: what a process keeps for its next start.
package privatefile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/anchorvk/anchorvk/internal/atomicfile"
)

// Read returns the bytes of a file, most of them at the most. Errors are those
// of [os.Open], and that the file cannot be trusted: it is no regular file (a
// named pipe is neither waited for nor read), it is another user's, others may
// write to it, or it is larger.
func Read(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|withoutWaiting, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	if err := trusted(info); err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("it has %d bytes, more than the %d that such a file takes", info.Size(), most)
	}
	return io.ReadAll(io.LimitReader(f, most))
}

// Write writes a file whole or not at all, for its owner alone. The directory
// is made where it is missing.
func Write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := atomicfile.CreatePrivate(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}
