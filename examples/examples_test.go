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

// goDigest is that of the Go program, which checks itself against the oracle.
func goDigest(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "go")
	hosttest.Run(t, hosttest.Command{Name: "go", Args: []string{"build", "-buildvcs=false", "-o", program, "./examples/go"}})
	out, _ := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: program, Env: coreFeatures}))
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
	out, _ := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: hosttest.Compile(t, cExample...), Env: coreFeatures}))
	want := goDigest(t)
	assert.Equal(t, []string{want, want, want}, digests(t, out), out)
}

func TestCUnderAddressSanitizer(t *testing.T) {
	flags := append([]string{"-fsanitize=address,undefined", "-fno-sanitize-recover=all", "capi/testdata/keep_drivers.c"}, cExample...)
	hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: hosttest.Compile(t, flags...), Env: hosttest.LeakSuppressions()}))
}

func TestCUnderValgrind(t *testing.T) {
	hosttest.Valgrind(t, hosttest.CompileWith(t, hosttest.ValgrindLibrary(t), cExample...))
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

// The package is installed as users do it, without the network, and its tests
// run. Its results have the bits of the Go program's.
func TestPython(t *testing.T) {
	venv := filepath.Join(t.TempDir(), "venv")
	hosttest.Run(t, hosttest.Command{Name: python(t), Args: []string{"-m", "venv", "--system-site-packages", venv}})
	interpreter := filepath.Join(venv, "bin", "python")
	hosttest.Run(t, hosttest.Command{Name: interpreter, Args: []string{"-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-index", "./python"}})
	installed, err := filepath.Glob(filepath.Join(venv, "lib", "python3*", "site-packages", "anchorvk", "*"))
	require.NoError(t, err)
	assert.Contains(t, strings.Join(installed, " "), "libanchorvk.so.1")
	assert.Contains(t, strings.Join(installed, " "), "py.typed")
	_, report := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: interpreter, Args: []string{"-m", "unittest", "discover", "-s", "python/tests"}}))
	assert.Regexp(t, `Ran [1-9][0-9]* tests`, report)
	assert.NotContains(t, report, "skipped")
	out, _ := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: interpreter, Args: []string{"python/tests/sample.py"}, Env: coreFeatures}))
	assert.Equal(t, []string{goDigest(t)}, digests(t, out))
}
