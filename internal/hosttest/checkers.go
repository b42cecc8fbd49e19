package hosttest

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// LeakSuppressions is the environment of a program with AddressSanitizer that is
// not to be blamed for leaks of Vulkan drivers.
func LeakSuppressions() []string {
	return []string{"LSAN_OPTIONS=print_suppressions=0:suppressions=" + filepath.Join(Root(), "capi", "testdata", "asan.supp")}
}

// ValgrindLibrary is the library with a Go runtime that tells valgrind of its
// stacks and its heap, which Go 1.25 brought.
func ValgrindLibrary(t testing.TB) string {
	t.Helper()
	if strings.Contains(runtime.Version(), "go1.24") {
		require.Empty(t, os.Getenv("CI"), "tests under valgrind need Go 1.25 or newer, and CI is set")
		t.Skip("tests under valgrind need Go 1.25 or newer")
	}
	return Library(t, "-tags=valgrind")
}

// Valgrind runs a program, which uses ValgrindLibrary, and fails for errors and
// leaks that capi/testdata/valgrind.supp does not list.
func Valgrind(t testing.TB, program string) {
	t.Helper()
	args := []string{
		"--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
		"--suppressions=capi/testdata/valgrind.supp", program,
	}
	Run(t, OnDevice(Command{
		Name: "valgrind", Args: args, Time: 10 * time.Minute,
		// Signals that preempt goroutines look like stack switches to it; it knows
		// no AVX-512, and takes minutes for lavapipe's optimizing compiler.
		Env: []string{"GODEBUG=asyncpreemptoff=1", "LP_NATIVE_VECTOR_WIDTH=128", "GALLIVM_PERF=no_opt"},
	}))
}
