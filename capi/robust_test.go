package main

import (
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/hosttest"
)

// run compiles a program of testdata, with more flags or sources, and runs it
// on the test's device.
func run(t *testing.T, name string, flags, env []string, args ...string) string {
	t.Helper()
	program := hosttest.Compile(t, append([]string{"capi/testdata/" + name + ".c"}, flags...)...)
	out, _ := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: program, Args: args, Env: env}))
	return out
}

func TestRandomCallsNeverCrash(t *testing.T) {
	out := run(t, "fuzz", nil, nil, "20000", "1")
	assert.Contains(t, out, "20000 calls")
}

func TestTenThreadsOnOneEngine(t *testing.T) { run(t, "threads", nil, nil) }

func TestOpenAndCloseAThousandTimes(t *testing.T) {
	t.Log(run(t, "cycles", nil, nil, "1000"))
}

// Leaks and misuse of memory, in the caller and in the C of the library. The
// driver's own leaks are listed in asan.supp.
func TestUnderAddressSanitizer(t *testing.T) {
	flags := []string{"-fsanitize=address,undefined", "-fno-sanitize-recover=all", "capi/testdata/keep_drivers.c"}
	env := []string{"LSAN_OPTIONS=print_suppressions=0:suppressions=" + filepath.Join(hosttest.Root(), "capi/testdata/asan.supp")}
	for _, c := range []struct {
		name string
		args []string
	}{{"misuse", nil}, {"fuzz", []string{"3000", "2"}}, {"threads", nil}} {
		t.Run(c.name, func(t *testing.T) { run(t, c.name, flags, env, c.args...) })
	}
}

// The same by valgrind, which sees the library's own C too. valgrind.supp lists
// what is left out.
func TestUnderValgrind(t *testing.T) {
	lib := valgrindLibrary(t)
	program := hosttest.CompileWith(t, lib, "capi/testdata/misuse.c")
	underValgrind(t, program)
}

// valgrindLibrary is the library with a Go runtime that tells valgrind of its
// stacks and its heap, which Go 1.25 brought.
func valgrindLibrary(t *testing.T) string {
	t.Helper()
	require.NotContains(t, runtime.Version(), "go1.24", "tests under valgrind need Go 1.25 or newer; leave them out with TEST_FLAGS='-skip Valgrind'")
	return hosttest.Library(t, "-tags=valgrind")
}

func underValgrind(t *testing.T, program string, args ...string) {
	t.Helper()
	args = append([]string{
		"--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
		"--suppressions=capi/testdata/valgrind.supp", program,
	}, args...)
	hosttest.Run(t, hosttest.OnDevice(hosttest.Command{
		Name: "valgrind", Args: args, Time: 10 * time.Minute,
		// Signals that preempt goroutines look like stack switches to it; it knows no AVX-512.
		Env: []string{"GODEBUG=asyncpreemptoff=1", "LP_NATIVE_VECTOR_WIDTH=128"},
	}))
}
