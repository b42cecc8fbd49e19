package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// program runs the real program, Vulkan and all.
func program(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(context.Background(), args, &out, &err, os.Environ())
	return code, out.String(), err.String()
}

// header makes a safetensors file of a header and data, unchecked.
func header(text string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(b, text...), make([]byte, data)...)
}

// TestBadFiles gives `run` one bad file after another. All are refused before
// a device is opened, so this needs none.
func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	require.NoError(t, os.Mkdir("folder", 0o755))
	shapes := func(q, k, v []int) []byte {
		return fileBytes(t, tensor{name: "q", shape: q}, tensor{name: "k", shape: k}, tensor{name: "v", shape: v})
	}
	whole := shapes([]int{1, 4, 8}, []int{1, 4, 8}, []int{1, 4, 8})
	var all strings.Builder
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"empty", []byte{}},
		{"text", []byte("these are no tensors")},
		{"truncated", whole[:len(whole)-1]},
		{"longer", append(bytes.Clone(whole), 0)},
		{"header length", append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, whole[8:]...)},
		{"overflow", header(`{"q":{"dtype":"F16","shape":[4294967296,4294967296,8],"data_offsets":[0,0]}}`, 0)},
		{"lying shape", header(`{"q":{"dtype":"F16","shape":[32,131072,128],"data_offsets":[0,16]}}`, 16)},
		{"lying offsets", header(`{"q":{"dtype":"F16","shape":[32,131072,128],"data_offsets":[0,1073741824]}}`, 16)},
		{"missing v", fileBytes(t, tensor{name: "q", shape: []int{1, 4, 8}}, tensor{name: "k", shape: []int{1, 4, 8}})},
		{"other names", fileBytes(t, tensor{name: "query", shape: []int{1, 4, 8}})},
		{"rank 2", shapes([]int{4, 8}, []int{4, 8}, []int{4, 8})},
		{"rank 5", shapes([]int{1, 1, 1, 4, 8}, []int{1, 4, 8}, []int{1, 4, 8})},
		{"mixed ranks", shapes([]int{1, 1, 4, 8}, []int{1, 4, 8}, []int{1, 4, 8})},
		{"dtype", header(`{"q":{"dtype":"I64","shape":[1,1,8],"data_offsets":[0,64]},"k":{"dtype":"F16","shape":[0],"data_offsets":[64,64]},"v":{"dtype":"F16","shape":[0],"data_offsets":[64,64]}}`, 64)},
		{"heads do not divide", shapes([]int{3, 4, 8}, []int{2, 4, 8}, []int{2, 4, 8})},
		{"v differs", shapes([]int{1, 4, 8}, []int{1, 4, 8}, []int{1, 5, 8})},
		{"head_dim differs", shapes([]int{1, 4, 16}, []int{1, 4, 8}, []int{1, 4, 8})},
		{"head_dim 12", shapes([]int{1, 4, 12}, []int{1, 4, 12}, []int{1, 4, 12})},
		{"head_dim 264", shapes([]int{1, 4, 264}, []int{1, 4, 264}, []int{1, 4, 264})},
		{"q longer than k", shapes([]int{1, 5, 8}, []int{1, 4, 8}, []int{1, 4, 8})},
		{"zero length q", shapes([]int{1, 0, 8}, []int{1, 4, 8}, []int{1, 4, 8})},
		{"zero length k", shapes([]int{1, 4, 8}, []int{1, 0, 8}, []int{1, 0, 8})},
		{"zero heads", shapes([]int{0, 4, 8}, []int{1, 4, 8}, []int{1, 4, 8})},
	} {
		require.NoError(t, os.WriteFile("in", c.data, 0o600))
		code, stdout, stderr := program("run", "-i", "in", "-o", "out", "--picture", "out.png", "--verify")
		require.Equal(t, exitOther, code, "%s: %s", c.name, stderr)
		require.Empty(t, stdout, c.name)
		fmt.Fprintf(&all, "# %s\n%s\n", c.name, stderr)
		require.Equal(t, []string{"folder", "in"}, listing(t, "."), c.name)
		code, _, benchStderr := program("bench", "-i", "in")
		require.Equal(t, exitOther, code, c.name)
		require.Equal(t, stderr, benchStderr, "bench refuses %s alike", c.name)
	}
	require.NoError(t, os.WriteFile("in", whole, 0o600))
	for _, args := range [][]string{
		{"run", "-i", "none.safetensors"},
		{"run", "-i", "folder"},
		{"run", "-i", "in", "-o", "none/out"},
		{"run", "-i", "in", "-o", "folder"},
		{"run", "-i", "in", "--picture", "none/x.png"},
		{"run", "-i", "in", "-o", "out", "--picture", "none/x.png"},
		{"bench", "--compare", "none.json"},
	} {
		code, stdout, stderr := program(args...)
		require.Equal(t, exitOther, code, "%q: %s", args, stderr)
		require.Empty(t, stdout)
		fmt.Fprintf(&all, "$ anchorvk %s\n%s\n", strings.Join(args, " "), stderr)
		require.Equal(t, []string{"folder", "in"}, listing(t, "."), "%q", args)
	}
	golden(t, "bad-files", all.String())
}

// TestUnwritableDirectory needs a user whom permissions bind.
func TestUnwritableDirectory(t *testing.T) {
	dir := t.TempDir()
	input := qkv(t, dir)
	locked := filepath.Join(dir, "locked")
	require.NoError(t, os.Mkdir(locked, 0o555))
	target := filepath.Join(locked, "out")
	if os.Geteuid() == 0 {
		target = "/proc/anchorvk-out" // nobody may create files there
	}
	code, stdout, stderr := program("run", "-i", input, "-o", target)
	require.Equal(t, exitOther, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "anchorvk: cannot write "+target+": ")
	require.Contains(t, stderr, "choose a directory that exists and is writable")
}

// TestEveryCutOfAFile cuts a small input at every byte.
func TestEveryCutOfAFile(t *testing.T) {
	if testing.Short() {
		t.Skip("tries thousands of files: left to make test")
	}
	whole, err := os.ReadFile(filepath.Join("..", "..", "testdata", "tiny.safetensors"))
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	for n := range whole {
		require.NoError(t, os.WriteFile("in", whole[:n], 0o600))
		code, stdout, stderr := program("run", "-i", "in", "-o", "out")
		require.Equal(t, exitOther, code, "cut to %d bytes: %s", n, stderr)
		require.True(t, strings.HasPrefix(stderr, "anchorvk: in: "), "cut to %d bytes: %s", n, stderr)
		require.Empty(t, stdout)
	}
	require.Equal(t, []string{"in"}, listing(t, "."))
}

// TestValuesBeyondF16 are found when the data are read, after the checks of
// the header; a fake device is enough.
func TestValuesBeyondF16(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "in")
	file := header(`{"q":{"dtype":"F32","shape":[1,1,8],"data_offsets":[0,32]},"k":{"dtype":"F32","shape":[1,1,8],"data_offsets":[32,64]},"v":{"dtype":"F32","shape":[1,1,8],"data_offsets":[64,96]}}`, 96)
	binary.LittleEndian.PutUint32(file[len(file)-4:], 0x47800000) // 65536
	require.NoError(t, os.WriteFile(path, file, 0o600))
	code, stdout, stderr := invoke(newFake(), nil, "run", "-i", path, "-o", filepath.Join(dir, "out"))
	require.Equal(t, exitOther, code)
	require.Empty(t, stdout)
	require.Equal(t, "anchorvk: "+path+`: tensor "v": element [0 0 7] is 65536, beyond the F16 range of +-65504; scale the tensor down before saving it`+"\n", stderr)
	require.Equal(t, []string{"in"}, listing(t, dir))
}

// TestNoDriver points the loader to nowhere.
func TestNoDriver(t *testing.T) {
	dir := t.TempDir()
	input := qkv(t, dir)
	nowhere := filepath.Join(dir, "none.json")
	t.Setenv("VK_DRIVER_FILES", nowhere)
	t.Setenv("VK_ICD_FILENAMES", nowhere)
	for _, args := range [][]string{
		{"devices"},
		{"run", "-i", input, "-o", filepath.Join(dir, "out")},
		{"bench", "--seq", "16"},
		{"verify"},
	} {
		code, stdout, stderr := program(args...)
		require.Equal(t, exitNoDevice, code, "%q: %s", args, stderr)
		require.Empty(t, stdout)
		require.Contains(t, stderr, "no Vulkan driver found")
		require.Contains(t, stderr, "mesa-vulkan-drivers")
		require.Contains(t, stderr, "VK_DRIVER_FILES")
	}
	require.Equal(t, []string{"qkv.safetensors"}, listing(t, dir))

	code, stdout, stderr := program("version")
	require.Equal(t, exitOK, code, "a machine without a driver has a version: %s", stderr)
	require.Contains(t, stdout, "Vulkan loader")
	require.Contains(t, stderr, "no Vulkan driver found")
}

// TestWrongEnvironment checks what the environment may hold.
func TestWrongEnvironment(t *testing.T) {
	for name, value := range map[string]string{"ANCHORVK_DISABLE": "float61", "ANCHORVK_VALIDATE": "perhaps"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			code, stdout, stderr := program("devices")
			require.Equal(t, exitUsage, code)
			require.Empty(t, stdout)
			require.Contains(t, stderr, name)
			require.Contains(t, stderr, value)
		})
	}
}
