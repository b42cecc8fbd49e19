//go:build cgo && linux

package main

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/hosttest"
)

func TestMain(m *testing.M) { os.Exit(hosttest.Main(m)) }

// What can be seen from outside is the interface, and nothing else.
func TestExportedSymbolsArePinned(t *testing.T) {
	file := filepath.Join(hosttest.Library(t), "libanchorvk.so")
	out, _ := hosttest.Run(t, hosttest.Command{Name: "nm", Args: []string{"-D", "--defined-only", file}})
	var got []string
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		require.Len(t, fields, 3, line)
		got = append(got, fields[2])
	}
	sort.Strings(got)
	pinned, err := os.ReadFile("exports.txt")
	require.NoError(t, err)
	assert.Equal(t, strings.Fields(string(pinned)), got, "a function that goes breaks programs; one that comes raises the minor half of AVK_ABI_VERSION")
	needed, _ := hosttest.Run(t, hosttest.Command{Name: "objdump", Args: []string{"-p", file}})
	assert.Contains(t, strings.Join(strings.Fields(needed), " "), "SONAME libanchorvk.so.1")
}

// The header by itself, in the strictest C99, in later C and in C++.
func TestHeaderCompilesAlone(t *testing.T) {
	dir := t.TempDir()
	source := "#include \"anchorvk.h\"\nint main(void) { return (int)(AVK_VULKAN(0) + sizeof(avk_plan_info)) == 0; }\n"
	for _, c := range []struct{ file, compiler, standard string }{
		{"a.c", "gcc", "c99"}, {"a.c", "gcc", "c17"}, {"a.cc", "g++", "c++98"}, {"a.cc", "g++", "c++20"},
	} {
		file := filepath.Join(dir, c.file)
		require.NoError(t, os.WriteFile(file, []byte(source), 0o600))
		args := []string{"-std=" + c.standard, "-Wall", "-Wextra", "-Werror", "-pedantic", "-I" + hosttest.Library(t), "-c", "-o", filepath.Join(dir, "a.o"), file}
		if c.standard == "c++98" {
			args = append(args, "-Wno-long-long")
		}
		hosttest.Run(t, hosttest.Command{Name: c.compiler, Args: args})
	}
}

// The sizes of version 1.0: a struct may grow, and its old part must not move.
func TestStructSizesArePinned(t *testing.T) {
	program := hosttest.Compile(t, "capi/testdata/sizes.c")
	out, _ := hosttest.Run(t, hosttest.Command{Name: program})
	pinned, err := os.ReadFile("testdata/sizes.txt")
	require.NoError(t, err)
	assert.Equal(t, string(pinned), out)
}

func TestMisuseGivesStatusAndText(t *testing.T) {
	for _, source := range []string{"capi/testdata/misuse.c", "capi/testdata/misuse_plans.c"} {
		program := hosttest.Compile(t, source)
		hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: program}))
	}
}

func TestTuning(t *testing.T) {
	program := hosttest.Compile(t, "capi/testdata/tune.c")
	hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: program, Args: []string{t.TempDir()}}))
}

func TestNoThreadKeyIsLeft(t *testing.T) {
	program := hosttest.Compile(t, "capi/testdata/keys.c")
	out, _ := hosttest.Run(t, hosttest.Command{Name: program})
	assert.Contains(t, out, " keys")
}

// The whole way of a user: install, find by pkg-config, compile, run.
func TestInstalledLibraryIsFoundByPkgConfig(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "usr")
	hosttest.Run(t, hosttest.Command{Name: "tools/capi.sh", Args: []string{"--install", prefix, hosttest.Library(t)}})
	env := []string{"PKG_CONFIG_PATH=" + filepath.Join(prefix, "lib", "pkgconfig")}
	flags, _ := hosttest.Run(t, hosttest.Command{Name: "pkg-config", Args: []string{"--cflags", "--libs", "anchorvk >= 1.0"}, Env: env})
	program := filepath.Join(t.TempDir(), "version")
	source := program + ".c"
	require.NoError(t, os.WriteFile(source, []byte(`
		#include <anchorvk.h>
		#include <stdio.h>
		int main(void) {
			char text[100];
			if (avk_check_abi(AVK_ABI_VERSION) || avk_version(text, sizeof text, NULL)) return 1;
			return puts(text) < 0;
		}`), 0o600))
	hosttest.Run(t, hosttest.Command{Name: "gcc", Args: append([]string{"-o", program, source}, strings.Fields(flags)...)})
	out, _ := hosttest.Run(t, hosttest.Command{Name: program, Env: []string{"LD_LIBRARY_PATH=" + filepath.Join(prefix, "lib")}})
	assert.Regexp(t, `^anchorvk .+ \(go1\.`, out)
	hosttest.Run(t, hosttest.Command{Name: "pkg-config", Args: []string{"anchorvk >= 2"}, Env: env, Fail: true})
}
