package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
)

// interrupted runs the program until so many runs are done, then interrupts it.
func interrupted(t *testing.T, runs int, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	f := newFake()
	f.spoil = func(*attention.Outputs) {
		if f.runs+1 >= runs { // the fake counts a run when it is over
			cancel()
		}
	}
	var out, err bytes.Buffer
	a := &app{stdout: &out, stderr: &err, backend: f, freeMemory: freeMemory}
	code = a.run(ctx, args)
	return code, out.String(), err.String()
}

// An interrupted bench has printed what it measured: the rows of whole shapes,
// and of the one at work as many repetitions as are whole.
func TestInterruptedBenchKeepsItsRows(t *testing.T) {
	args := append([]string{"bench", "-r", "3", "--seq", "32,64,96", "--head-dim", "16"}, small...)
	// 8 runs a shape: the second has done its first and two measured rounds, and
	// one run of the third.
	code, stdout, stderr := interrupted(t, 8+7, args...)
	require.Equal(t, exitInterrupted, code)
	require.Equal(t, "anchorvk: interrupted\n", stderr)
	require.Equal(t, 2+4, strings.Count(stdout, "\n| ")+1, stdout)
	require.Contains(t, stdout, "incomplete")

	code, stdout, _ = interrupted(t, 8+7, append(args, "--json")...)
	require.Equal(t, exitInterrupted, code)
	var doc struct {
		Incomplete bool
		Results    []benchRecord
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	require.True(t, doc.Incomplete)
	require.Len(t, doc.Results, 4)
	require.Len(t, doc.Results[0].TimeMS.Samples, 3)
	require.Len(t, doc.Results[2].TimeMS.Samples, 2)
	require.Equal(t, 64, doc.Results[3].Shape.KVLen)

	code, stdout, _ = interrupted(t, 3, args...)
	require.Equal(t, exitInterrupted, code)
	require.Empty(t, stdout, "nothing was measured yet")

	code, stdout, _ = interrupted(t, 8+7, append(args, "--output", "csv")...)
	require.Equal(t, exitInterrupted, code)
	require.Equal(t, 1+4, strings.Count(stdout, "\n"))
}

// watcher is a stdout that says how many runs were done when a line came.
type watcher struct {
	runs func() int
	at   []int
}

func (w *watcher) Write(p []byte) (int, error) {
	w.at = append(w.at, w.runs())
	return len(p), nil
}

// Rows come when they are measured, not at the end.
func TestRowsOfBenchComeOneByOne(t *testing.T) {
	for _, format := range []string{"md", "jsonl"} {
		f := newFake()
		out := &watcher{runs: func() int { return f.runs }}
		a := &app{stdout: out, stderr: &bytes.Buffer{}, backend: f, freeMemory: freeMemory}
		code := a.run(context.Background(), append([]string{"bench", "-r", "1", "--seq", "32,64", "--head-dim", "16", "-o", format}, small...))
		require.Equal(t, 0, code)
		require.Equal(t, []int{4, 4, 8, 8}, out.at[:4], format)
	}
}

// Lists of parameters are swept side by side, dense attention once.
func TestBenchSweepsParameters(t *testing.T) {
	args := []string{"bench", "-r", "1", "--seq", "64", "--head-dim", "16", "--block", "16", "--theta", "6,inf", "--step", "2,1"}
	f := newFake()
	code, stdout, stderr := invoke(f, nil, append(args, "--json")...)
	require.Equal(t, 0, code, stderr)
	require.Equal(t, 2*5, f.runs)
	var doc struct{ Results []benchRecord }
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	type row struct {
		mode  string
		step  int
		theta string
	}
	var rows []row
	for _, r := range doc.Results {
		text, err := json.Marshal(r.Params.Theta)
		require.NoError(t, err)
		rows = append(rows, row{r.Mode, r.Params.Step, string(text)})
	}
	require.Equal(t, []row{{"anchor", 2, "6"}, {"anchor", 2, `"inf"`}, {"anchor", 1, "6"}, {"anchor", 1, `"inf"`}, {"dense", 2, "6"}}, rows)
	_, stdout, _ = invoke(newFake(), nil, args...)
	require.Regexp(t, `\| mode +\| theta +\| step +\| tier`, stdout)

	code, _, stderr = invoke(newFake(), nil, append(args, "--theta", "8")...)
	require.Equal(t, 0, code, "of two flags the last one counts: %s", stderr)
}

// The bar goes by work: half of the runs are a small part of it where the
// others are long.
func TestProgressCountsWork(t *testing.T) {
	a := &app{stderr: &bytes.Buffer{}}
	plan := func(operations float64) *attention.Plan {
		return &attention.Plan{Mode: attention.ModeDense, Cost: attention.Cost{Dense: operations}}
	}
	short, long := plan(1e6), plan(1e8)
	bar := a.progress("bench", work(short, long))
	bar.begin(work(short))
	require.InDelta(t, 0, bar.share(0), 1e-9)
	bar.add(work(short))
	require.InDelta(t, 1.0/101, bar.share(0), 1e-4)
	bar.begin(work(long))
	require.InDelta(t, 0.505, bar.share(0.5), 1e-3)
	bar.add(work(long))
	require.InDelta(t, 1, bar.share(0), 1e-9)
}
