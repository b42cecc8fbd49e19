// Package hosttest builds and runs programs of other languages around the C
// interface, for tests.
package hosttest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Root is the folder of the module.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

var (
	folder string // of the running test binary
	built  sync.Map
)

// Main runs the tests of a package, and removes what they built.
func Main(m *testing.M) int {
	var err error
	if folder, err = os.MkdirTemp("", "anchorvk-host"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder) //nolint:errcheck // nobody needs it any more
	return m.Run()
}

// Folder is one for what several tests of a package share.
func Folder() string { return folder }

// Library is the folder with the shared library and its header, built on first
// use; flags are those of go build. With -short the test is left out: a build of
// the library takes as long as all tests of most packages.
func Library(t testing.TB, flags ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the C library: left to make test")
	}
	name := strings.Join(append([]string{"capi"}, flags...), "")
	lib := filepath.Join(folder, name)
	build, _ := built.LoadOrStore(name, sync.OnceValue(func() error {
		command := exec.Command(filepath.Join(Root(), "tools", "capi.sh"), lib)
		command.Env = append(os.Environ(), "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" "+strings.Join(flags, " ")))
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, output)
		}
		return nil
	}))
	require.NoError(t, build.(func() error)(), "tools/capi.sh")
	return lib
}

// Compile builds a C program with the library; arguments are flags and sources,
// relative to the module's folder.
func Compile(t testing.TB, arguments ...string) string {
	return CompileWith(t, Library(t), arguments...)
}

// CompileWith is Compile with the library in a folder.
func CompileWith(t testing.TB, lib string, arguments ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	arguments = append([]string{"-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-g", "-I" + lib, "-o", program}, arguments...)
	Run(t, Command{Name: "gcc", Args: append(arguments, "-L"+lib, "-lanchorvk", "-Wl,-rpath,"+lib, "-lvulkan", "-lm", "-lpthread")})
	return program
}

// Command is a program to run in the module's folder.
type Command struct {
	Name  string
	Args  []string
	Env   []string      // beside that of the test
	Input io.Reader     // nil: none
	Time  time.Duration // 0: three minutes
	Fail  bool          // it must fail
}

// Run runs a program to its end and returns what it wrote to stdout and stderr.
func Run(t testing.TB, c Command) (stdout, stderr string) {
	t.Helper()
	if c.Time == 0 {
		c.Time = 3 * time.Minute
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Time)
	defer cancel()
	command := exec.CommandContext(ctx, c.Name, c.Args...)
	command.Dir = Root()
	command.Env = append(os.Environ(), c.Env...)
	command.Stdin = c.Input
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	require.NoError(t, ctx.Err(), "%s took more than %v\n%s\n%s", c.Name, c.Time, start(out), start(errs))
	if c.Fail {
		require.Error(t, err, "%s %s", c.Name, strings.Join(c.Args, " "))
	} else {
		require.NoError(t, err, "%s %s\n%s\n%s", c.Name, strings.Join(c.Args, " "), start(out), start(errs))
	}
	return out.String(), errs.String()
}

// start is what a failure shows of an output: valgrind may write thousands of pages.
func start(output bytes.Buffer) string {
	const most = 8000
	if output.Len() > most {
		return string(output.Bytes()[:most]) + "\n..."
	}
	return output.String()
}

// OnDevice makes a command run on the test's Vulkan device: tools/with-device.sh
// says in ANCHORVK_TEST_EXEC what must stand before a program.
func OnDevice(c Command) Command {
	if words := strings.Fields(os.Getenv("ANCHORVK_TEST_EXEC")); len(words) > 0 {
		c.Args = append(append(words[1:], c.Name), c.Args...)
		c.Name = words[0]
	}
	return c
}
