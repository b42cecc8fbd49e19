//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package driver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The hand-written headers agree with Khronos': every size, offset and value.
// Needs <vulkan/vulkan.h>, where ANCHORVK_VULKAN_INCLUDE or the compiler finds
// it (package libvulkan-dev); in CI it must be there.
func TestHeadersMatchKhronos(t *testing.T) {
	run := func(flags ...string) (lines []string, err error) {
		program := filepath.Join(t.TempDir(), "abi")
		out, err := exec.Command("cc", append(flags, "-o", program, "testdata/abi.c")...).CombinedOutput()
		if err != nil {
			return nil, &exec.Error{Name: "cc: " + string(out), Err: err}
		}
		out, err = exec.Command(program).Output()
		return strings.Split(strings.TrimSpace(string(out)), "\n"), err
	}
	flags := []string{"-DKHRONOS"}
	if dir := os.Getenv("ANCHORVK_VULKAN_INCLUDE"); dir != "" {
		flags = append(flags, "-I", dir)
	}
	khronos, err := run(flags...)
	if err != nil && strings.Contains(err.Error(), "vulkan/vulkan.h") {
		if os.Getenv("CI") != "" {
			t.Fatal("CI is set and <vulkan/vulkan.h> is not installed: install libvulkan-dev")
		}
		t.Skip("<vulkan/vulkan.h> is not installed, so vulkan_min.h is not compared with it: install libvulkan-dev")
	}
	require.NoError(t, err)
	flags = []string{"-I", "."}
	all := []string{"GROUP_COOPMAT", "GROUP_COOPMAT2", "GROUP_LAYER_SETTINGS", "GROUP_PORTABILITY", "GROUP_SM_BUILTINS", "GROUP_SHADER_CORE", "GROUP_DOT_PRODUCT", "GROUP_PRIORITY"}
	for _, group := range all {
		if strings.Contains("\n"+strings.Join(khronos, "\n")+"\n", "\n"+group+"\n") {
			flags = append(flags, "-D"+group)
		} else {
			t.Logf("the installed headers are older than %s, which is not compared", group)
		}
	}
	own, err := run(flags...)
	require.NoError(t, err)
	require.Greater(t, len(own), 500)
	require.Equal(t, khronos, own)
}
