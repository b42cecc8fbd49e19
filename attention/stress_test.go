package attention

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Prefill without a pause while the collector runs all the time: whatever C
// keeps of Go's memory, or Go frees of C's, shows as a fault or a wrong bit.
// ANCHORVK_STRESS_SECONDS sets how long (default 2).
func TestPrefillUnderAGreedyCollector(t *testing.T) {
	if testing.Short() {
		t.Skip("repeats for seconds: left to make test")
	}
	seconds := 2.0
	if text := os.Getenv("ANCHORVK_STRESS_SECONDS"); text != "" {
		var err error
		seconds, err = strconv.ParseFloat(text, 64)
		require.NoError(t, err, "ANCHORVK_STRESS_SECONDS")
	}
	e := sharedEngine(t)
	jobs := jobsFor(t, e, 1)
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	var stop atomic.Bool
	var allocating sync.WaitGroup
	defer allocating.Wait()
	defer stop.Store(true)
	allocating.Add(1)
	go func() {
		defer allocating.Done()
		var kept [64][]byte
		for i := 0; !stop.Load(); i++ {
			kept[i%len(kept)] = make([]byte, 1<<(4+i%14))
			if i%1000 == 0 {
				runtime.Gosched()
			}
		}
		runtime.KeepAlive(kept)
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	runs := 0
	for end := time.Now().Add(time.Duration(seconds * float64(time.Second))); time.Now().Before(end); {
		require.NoError(t, jobs[runs%len(jobs)].check(context.Background(), e), "run %d", runs)
		runs++
	}
	runtime.ReadMemStats(&after)
	t.Logf("%d runs, every bit right, %d collections in %g s", runs, after.NumGC-before.NumGC, seconds)
	require.GreaterOrEqual(t, runs, len(jobs))
	require.Greater(t, after.NumGC-before.NumGC, uint32(5))
}
