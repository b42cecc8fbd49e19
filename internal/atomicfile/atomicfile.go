// Package atomicfile writes a file that appears whole or not at all.
//
// The bytes go to a temporary file in the destination's directory; Commit
// syncs it and renames it over the destination, Abort removes it. Creating
// the file early is a cheap way to learn that a directory is not writable
// before the expensive work starts.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a temporary file that becomes the destination on Commit.
type File struct {
	f    *os.File
	temp string
	dest string
	done bool
}

// Create opens a temporary file beside path. An existing destination must be
// a regular file; a symbolic link is followed, so the file it names is
// replaced and the link stays. Temporary files of processes that were killed
// are swept from the directory.
func Create(path string) (*File, error) { return create(path, 0o666, os.Stat) }

// CreatePrivate is Create of a file that only its owner may read and write. It
// takes the place of a symbolic link: another user may have put that there.
func CreatePrivate(path string) (*File, error) { return create(path, 0o600, os.Lstat) }

// create makes the temporary file with a mode, less the process's umask.
func create(path string, mode fs.FileMode, look func(string) (fs.FileInfo, error)) (*File, error) {
	dest := path
	info, err := look(path)
	switch {
	case err == nil && info.Mode()&fs.ModeSymlink != 0: // seen by Lstat alone, and replaced
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("cannot write %s: it exists and is not a regular file; name another file", path)
	case err == nil:
		if dest, err = filepath.EvalSymlinks(path); err != nil {
			return nil, fmt.Errorf("cannot write %s: %w", path, cause(err))
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("cannot write %s: %w; choose another directory", path, cause(err))
	}
	dir, name := filepath.Split(dest)
	Sweep(dir)
	f, temp, err := createTemp(dir, name, mode)
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w; choose a directory that exists and is writable", path, cause(err))
	}
	return &File{f: f, temp: temp, dest: dest}, nil
}

// Write appends to the temporary file.
func (w *File) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		return n, fmt.Errorf("cannot write %s: %w", w.dest, cause(err))
	}
	return n, nil
}

// Commit makes the written bytes durable and gives the file its name. On an
// error the temporary file is removed and the destination is as it was.
func (w *File) Commit() error {
	if w.done {
		return nil
	}
	err := w.f.Sync()
	if err == nil && renameOpen {
		// Under the lock, or a sweep might take the file for one that was left.
		err = os.Rename(w.temp, w.dest)
	}
	if closeErr := w.f.Close(); err == nil {
		err = closeErr
	}
	if err == nil && !renameOpen {
		err = os.Rename(w.temp, w.dest)
	}
	w.done = true
	if err != nil {
		_ = os.Remove(w.temp)
		return fmt.Errorf("cannot write %s: %w", w.dest, cause(err))
	}
	syncDir(filepath.Dir(w.dest))
	return nil
}

// Abort removes the temporary file. After Commit it does nothing, so it can
// be deferred.
func (w *File) Abort() {
	if w.done {
		return
	}
	w.done = true
	_ = w.f.Close()
	_ = os.Remove(w.temp)
}

// syncDir makes the rename durable where the system lets a directory be
// synced. The file is complete either way, so a refusal is not an error.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// cause drops the operation and path of a PathError: the temporary name in
// it would only confuse the reader.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}
