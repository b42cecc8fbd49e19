//go:build linux

// Package examples holds no code of its own: its tests build and run the host
// programs in the folders here, and python/.
package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/hosttest"
)

func TestMain(m *testing.M) { os.Exit(hosttest.Main(m)) }

// digests finds what a program says of the bits of its results.
func digests(t *testing.T, out string) []string {
	t.Helper()
	var found []string
	for _, line := range regexp.MustCompile(`(?m)^digest ([0-9a-f]{16})\b`).FindAllStringSubmatch(out, -1) {
		found = append(found, line[1])
	}
	require.NotEmpty(t, found, out)
	return found
}

// coreFeatures makes the library do without what hosts that enable only core
// features do not lend, so that the same kernels run.
var coreFeatures = []string{"ANCHORVK_DISABLE=coopmat,coopmat2"}

// goProgram builds a package.
func goProgram(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	hosttest.Run(t, hosttest.Command{Name: "go", Args: []string{"build", "-buildvcs=false", "-o", program, name}})
	return program
}

// goDigest is that of the Go program, which checks itself against the oracle.
func goDigest(t *testing.T) string {
	t.Helper()
	out, _ := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: goProgram(t, "./examples/go"), Env: coreFeatures}))
	found := digests(t, out)
	require.Len(t, found, 1)
	return found[0]
}

// cExample are the sources of the C program.
var cExample = []string{"-Iexamples/common", "examples/c/main.c", "examples/c/host.c", "examples/common/sample.c"}

// The C program checks itself against a reference of its own. It records, runs
// and submits on a device that it lends; all three ways give the bits of a Go
// program with a device of the library's own.
func TestC(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the C library once more: left to make test")
	}
	out, _ := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: hosttest.Compile(t, cExample...), Env: coreFeatures}))
	want := goDigest(t)
	assert.Equal(t, []string{want, want, want}, digests(t, out), out)
}

func TestCUnderAddressSanitizer(t *testing.T) {
	if testing.Short() {
		t.Skip("a sanitizer: left to make test")
	}
	flags := append([]string{"-fsanitize=address,undefined", "-fno-sanitize-recover=all", "capi/testdata/keep_drivers.c"}, cExample...)
	hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: hosttest.Compile(t, flags...), Env: hosttest.LeakSuppressions()}))
}

func TestCUnderValgrind(t *testing.T) {
	if testing.Short() {
		t.Skip("valgrind: left to make test")
	}
	hosttest.Valgrind(t, hosttest.CompileWith(t, hosttest.ValgrindLibrary(t), cExample...))
}

// A program on libplacebo lends the device that libplacebo made, and both use its
// queue at the same time.
func TestLibplacebo(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the C library once more: left to make test")
	}
	flags, _ := hosttest.Run(t, hosttest.Command{Name: "pkg-config", Args: []string{"--cflags", "--libs", "libplacebo"}})
	args := append([]string{"-Iexamples/common", "examples/libplacebo/main.c", "examples/common/sample.c"}, strings.Fields(flags)...)
	out, _ := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: hosttest.Compile(t, args...), Env: coreFeatures}))
	assert.Equal(t, []string{goDigest(t)}, digests(t, out), out)
}

// python is a Python with numpy and what builds packages, as setup.sh finds it.
func python(t *testing.T) string {
	t.Helper()
	names := strings.Fields(os.Getenv("PYTHON") + " python3 /usr/bin/python3")
	for _, name := range names {
		if exec.Command(name, "-c", "import ensurepip, numpy, setuptools, venv, wheel").Run() == nil {
			return name
		}
	}
	require.Fail(t, "no Python with numpy, setuptools, wheel and venv: run tools/setup.sh test", "tried %v", names)
	return ""
}

// installed is a Python in a fresh environment with the package, installed as
// users do it but without the network; made once.
func installed(t *testing.T) string {
	t.Helper()
	venv := filepath.Join(hosttest.Folder(), "venv")
	interpreter := filepath.Join(venv, "bin", "python")
	if _, err := os.Stat(filepath.Join(venv, "complete")); err != nil {
		hosttest.Run(t, hosttest.Command{Name: python(t), Args: []string{"-m", "venv", "--system-site-packages", venv}})
		hosttest.Run(t, hosttest.Command{Name: interpreter, Args: []string{"-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-index", "./python"}})
		require.NoError(t, os.WriteFile(filepath.Join(venv, "complete"), nil, 0o600))
	}
	return interpreter
}

// The tests of the package run where it is installed, and its results have the
// bits of the Go program's.
func TestPython(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a Python package: left to make test")
	}
	interpreter := installed(t)
	files, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(interpreter)), "lib", "python3*", "site-packages", "anchorvk", "*"))
	require.NoError(t, err)
	assert.Contains(t, strings.Join(files, " "), "libanchorvk.so.1")
	assert.Contains(t, strings.Join(files, " "), "py.typed")
	_, report := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: interpreter, Args: []string{"-m", "unittest", "discover", "-s", "python/tests"}}))
	assert.Regexp(t, `Ran [1-9][0-9]* tests`, report)
	assert.NotContains(t, report, "skipped")
	out, _ := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: interpreter, Args: []string{"python/tests/sample.py"}, Env: coreFeatures}))
	assert.Equal(t, []string{goDigest(t)}, digests(t, out))
}
