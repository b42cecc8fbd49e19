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

// goDigest is that of the Go program, which checks itself against the oracle.
func goDigest(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "go")
	hosttest.Run(t, hosttest.Command{Name: "go", Args: []string{"build", "-buildvcs=false", "-o", program, "./examples/go"}})
	out, _ := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: program}))
	found := digests(t, out)
	require.Len(t, found, 1)
	return found[0]
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
	out, _ := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: interpreter, Args: []string{"python/tests/sample.py"}}))
	assert.Equal(t, []string{goDigest(t)}, digests(t, out))
}
