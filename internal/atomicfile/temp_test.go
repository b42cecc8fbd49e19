package atomicfile

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const asWriter = "ANCHORVK_TEST_WRITER"

// TestMain lets the test's program stand for a process that writes a file.
func TestMain(m *testing.M) {
	path := os.Getenv(asWriter)
	if path == "" {
		os.Exit(m.Run())
	}
	w, err := Create(path)
	if err == nil {
		_, err = w.Write([]byte("half"))
	}
	if err != nil {
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("writing\n")
	time.Sleep(time.Minute)
}

// writer starts a process that writes a file and never ends.
func writer(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asWriter+"="+path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "writing\n", line)
	return cmd
}

// What a killed process leaves is swept by the next that writes into the
// folder; what others are still writing stays.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	dead, alive := writer(t, filepath.Join(dir, "dead.json")), writer(t, filepath.Join(dir, "alive"))
	_ = alive
	here, err := Create(filepath.Join(dir, "here"))
	require.NoError(t, err)
	require.Len(t, names(t, dir), 3)
	require.NoError(t, dead.Process.Kill())
	_ = dead.Wait()
	require.Len(t, names(t, dir), 3, "kill -9 leaves its file")

	next, err := Create(filepath.Join(dir, "next"))
	require.NoError(t, err)
	require.NoError(t, next.Commit())
	left := strings.Join(names(t, dir), " ")
	require.NotContains(t, left, "dead")
	require.Contains(t, left, ".alive.tmp-anchorvk-")
	require.Contains(t, left, ".here.tmp-anchorvk-")
	require.NoError(t, here.Commit(), "its temporary file was not taken away")
	require.FileExists(t, filepath.Join(dir, "here"))
}

// Only what is surely of this package goes.
func TestSweepLeavesTheRest(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-2 * oldAge)
	rest := []string{
		".x.tmp-0123456789abcdef", ".x.tmp-anchorvk-0123456789abcde", "x.tmp-anchorvk-0123456789abcdef", ".x.tmp-anchorvk-0123456789abcdeg",
		".x.tmp-0123456789ab", ".new.bin.tmp-0123456789ab",
	}
	gone := []string{".x.tmp-anchorvk-0123456789abcdef", ".old.bin.tmp-0123456789ab"}
	for _, name := range append(rest, gone...) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		if !strings.HasPrefix(name, ".new") {
			require.NoError(t, os.Chtimes(path, old, old))
		}
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, ".y.tmp-anchorvk-0123456789abcdef"), 0o700))
	Sweep(dir)
	require.ElementsMatch(t, append(rest, ".y.tmp-anchorvk-0123456789abcdef"), names(t, dir))
	Sweep(filepath.Join(dir, "none")) // does nothing
}

// A name as long as the file system takes has room for the temporary one.
func TestLongName(t *testing.T) {
	dir := t.TempDir()
	name := strings.Repeat("n", 255)
	w, err := Create(filepath.Join(dir, name))
	require.NoError(t, err)
	require.NoError(t, w.Commit())
	require.Equal(t, []string{name}, names(t, dir))
}
