package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asProgram makes the test binary run main instead of its tests.
const asProgram = "ANCHORVK_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(withCache(m))
}

// withCache runs the tests with a cache directory of their own: what lies in
// the user's would change plans.
func withCache(m *testing.M) int {
	dir, err := os.MkdirTemp("", "anchorvk-test-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	_ = os.Setenv("ANCHORVK_CACHE_DIR", dir)
	return m.Run()
}

// itself starts this program again. tools/with-device.sh runs it behind other
// words, which it leaves in ANCHORVK_TEST_EXEC.
func itself(args ...string) *exec.Cmd {
	words := append(strings.Fields(os.Getenv("ANCHORVK_TEST_EXEC")), os.Args[0])
	words = append(words, args...)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// TestInterruptedProgram sends SIGINT while the device is at work: the program
// ends soon, with 130, and leaves no file.
func TestInterruptedProgram(t *testing.T) {
	needDevice(t)
	cmd := itself("bench", "-v", "--seq", "4096", "--heads", "2", "--kv-heads", "1", "--head-dim", "16", "-r", "100000") // a head_dim that compiles fast: a slice ends only when its kernel is there
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill() }()
	var said strings.Builder
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "msg=device") { // open; the work begins
			break
		}
	}
	time.Sleep(time.Second)
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	sent := time.Now()
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, said.String())
	require.Equal(t, 130, exit.ExitCode(), said.String())
	require.Contains(t, said.String(), "anchorvk: interrupted\n")
	require.Less(t, time.Since(sent), 10*time.Second)
}

// TestInterruptedRunLeavesNoFile ends `run` in the middle of a long prefill.
func TestInterruptedRunLeavesNoFile(t *testing.T) {
	needDevice(t)
	dir := t.TempDir()
	input := filepath.Join(dir, "qkv.safetensors")
	require.NoError(t, os.WriteFile(input, fileBytes(t,
		tensor{name: "q", shape: []int{16, 8192, 64}}, tensor{name: "k", shape: []int{1, 8192, 64}}, tensor{name: "v", shape: []int{1, 8192, 64}}), 0o600))
	cmd := itself("run", "-v", "-i", input, "-o", filepath.Join(dir, "out.safetensors"), "--mode", "dense")
	require.NoError(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill() }()
	require.Eventually(t, func() bool { return len(listing(t, dir)) == 2 }, 30*time.Second, 10*time.Millisecond, "the temporary output shows that work begins")
	time.Sleep(500 * time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	err := cmd.Wait()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 130, exit.ExitCode())
	require.Equal(t, []string{"qkv.safetensors"}, listing(t, dir))
}
