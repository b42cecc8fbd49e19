package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tree is a copy of the last commit that faults are planted in. Its folder is
// the same in every run, because Go's build cache goes by folders.
type tree struct {
	folder  string
	lock    string
	archive []byte // tar
	digest  string // of what tests can depend on
}

func newTree() (*tree, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	archive, err := command("git", "archive", "--format=tar", "HEAD")
	if err != nil {
		return nil, err
	}
	files, err := command("git", "ls-tree", "-r", "HEAD")
	if err != nil {
		return nil, err
	}
	if dirty, err := command("git", "status", "--porcelain", "--", ".", ":!"+patchFolder); err == nil && len(dirty) > 0 {
		fmt.Fprintf(os.Stderr, "mutants: note: what is not committed is not in the copy (patches are read as they are):\n%s", dirty)
	}
	hash := sha256.New()
	for line := range strings.Lines(string(files)) {
		_, path, _ := strings.Cut(line, "\t")
		if !strings.HasPrefix(path, "tools/mutants/") && !strings.HasSuffix(path, ".md\n") {
			hash.Write([]byte(line))
		}
	}
	own := sha256.Sum256([]byte(root))
	base := filepath.Join(cache, "anchorvk", "mutants-"+hex.EncodeToString(own[:6]))
	t := &tree{folder: filepath.Join(base, "tree"), lock: filepath.Join(base, "lock"), archive: archive, digest: hex.EncodeToString(hash.Sum(nil))}
	if err := os.MkdirAll(base, 0o777); err != nil {
		return nil, err
	}
	if err := os.Mkdir(t.lock, 0o777); errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("another run uses %s; if there is none any more, remove %s", t.folder, t.lock)
	} else if err != nil {
		return nil, err
	}
	return t, nil
}

func (t *tree) close() {
	_ = os.RemoveAll(t.folder)
	_ = os.Remove(t.lock)
}

// renew makes the copy as the commit has it.
func (t *tree) renew() error {
	if err := os.RemoveAll(t.folder); err != nil {
		return err
	}
	if err := os.MkdirAll(t.folder, 0o777); err != nil {
		return err
	}
	tar := exec.Command("tar", "-x", "-f", "-", "-C", t.folder)
	tar.Stdin = bytes.NewReader(t.archive)
	if out, err := tar.CombinedOutput(); err != nil {
		return fmt.Errorf("tar: %w: %s", err, out)
	}
	return nil
}

// plant writes changed files, and compiles the shaders where one is among them.
func (t *tree) plant(ctx context.Context, files map[string]string, log *os.File) error {
	compile := false
	for name, text := range files {
		path := filepath.Join(t.folder, filepath.FromSlash(name))
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), info.Mode()); err != nil {
			return err
		}
		compile = compile || strings.HasSuffix(name, ".comp") || strings.HasSuffix(name, ".glsl")
	}
	if !compile {
		return nil
	}
	// A fault that no module is made of would survive every test.
	return t.shell(ctx, log, 5*time.Minute, "before=$(cat shaders/spv/*.spv | cksum); tools/glslc.sh && [ \"$before\" != \"$(cat shaders/spv/*.spv | cksum)\" ]")
}

// shell runs a command line in the copy; timeout ends all that it started.
func (t *tree) shell(ctx context.Context, log *os.File, limit time.Duration, line string) error {
	fmt.Fprintf(log, "$ %s\n", line)
	c := exec.CommandContext(ctx, "timeout", "--kill-after=10", strconv.Itoa(int(limit.Seconds())), "sh", "-c", line)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.Dir = t.folder
	c.Stdout, c.Stderr = log, log
	// With CI set nothing that the machine lacks is skipped over. A result that
	// the cache holds says nothing of files that a test reads in other ways. Some
	// faults make a test hang.
	c.Env = append(os.Environ(), "CI=true", "GOFLAGS=-count=1 -timeout=5m -buildvcs=false", "PWD="+t.folder)
	return c.Run()
}

// command returns what a command prints.
func command(name string, args ...string) ([]byte, error) {
	out, err := exec.Command(name, args...).Output()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		err = fmt.Errorf("%w: %s", err, ended.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(append([]string{name}, args...), " "), err)
	}
	return out, nil
}
