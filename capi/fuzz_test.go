//go:build cgo && linux

package main

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/hosttest"
)

// Random calls from one seed after the other, under AddressSanitizer.
// ANCHORVK_FUZZ_SECONDS sets how long, from a seed by the clock; else it is one
// seed. `fuzz CALLS SEED` repeats one.
func TestManyRandomCalls(t *testing.T) {
	if testing.Short() {
		t.Skip("a sanitizer: left to make test")
	}
	var length time.Duration
	seed := uint64(3)
	if text := os.Getenv("ANCHORVK_FUZZ_SECONDS"); text != "" {
		var err error
		length, err = time.ParseDuration(text + "s")
		require.NoError(t, err, "ANCHORVK_FUZZ_SECONDS")
		seed = uint64(time.Now().UnixNano())
	}
	program := hosttest.Compile(t, append([]string{"capi/testdata/fuzz.c"}, sanitizers...)...)
	const calls = 3000
	first, runs := seed, 0
	for end := time.Now().Add(length); runs == 0 || time.Now().Before(end); runs++ {
		t.Logf("fuzz %d %d", calls, seed)
		out, _ := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{
			Name: program, Args: []string{strconv.Itoa(calls), strconv.FormatUint(seed, 10)}, Env: hosttest.LeakSuppressions(),
		}))
		require.Regexp(t, `^3000 calls, \d+ good`, out)
		seed++
	}
	t.Logf("%d calls of %d seeds from %d on", runs*calls, runs, first)
}
