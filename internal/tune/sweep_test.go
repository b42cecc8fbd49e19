package tune

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/stat"
	"github.com/anchorvk/anchorvk/internal/synth"
	"github.com/anchorvk/anchorvk/internal/testreports"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// fakeRunner plans as a real device does and computes with the oracle. Its
// times follow from the tuning alone, by a formula of the test.
type fakeRunner struct {
	report  *vk.Report
	params  attention.Params
	ms      func(t tuning.Tuning) (attend, identify float64)
	misdeed func(t tuning.Tuning, out *attention.Outputs) error
	results map[attention.Mode]computed // of the oracle, which is slow
}

func (f *fakeRunner) Report() *vk.Report { return f.report }

func (f *fakeRunner) Plan(p attention.Problem, o attention.PlanOptions) (*attention.Plan, error) {
	return attention.NewPlan(f.report, p, o)
}

func (f *fakeRunner) Run(ctx context.Context, plan *attention.Plan, in attention.Inputs, out attention.Outputs, _ attention.RunOptions) (attention.Stats, error) {
	if f.results[plan.Mode].rows == nil {
		o, err := oracle.New(plan.Shape, f.params, in.Q, in.K, in.V)
		if err != nil {
			return attention.Stats{}, err
		}
		result, is := o.Forward(plan.Mode), computed{}
		for _, x := range result.O {
			is.rows = append(is.rows, float16.Fromfloat32(float32(x)))
		}
		for _, kept := range result.Stripes {
			is.stripes = append(is.stripes, map[bool]byte{true: 1}[kept])
		}
		f.results[plan.Mode] = is
	}
	copy(out.O.Host, f.results[plan.Mode].rows)
	copy(out.Stripes, f.results[plan.Mode].stripes)
	attend, identify := f.ms(plan.Tuning)
	var stats attention.Stats
	stats.TimeMS.Attention, stats.TimeMS.Identify, stats.TimeMS.Total = attend, identify, attend+identify
	return stats, errors.Join(ctx.Err(), f.misdeed(plan.Tuning, &out))
}

// newSweep is one that the oracle can follow, from the choice of 2 rows and 4
// keys in 2 lanes.
func newSweep(t *testing.T, ms func(tuning.Tuning) (float64, float64)) (*Sweep, *fakeRunner) {
	t.Helper()
	f := &fakeRunner{
		report: testreports.Fake("discrete"), params: attention.Params{Theta: 12, Step: 1, Block: 16, SinkBlocks: 1, WindowBlocks: 1},
		ms: ms, misdeed: func(tuning.Tuning, *attention.Outputs) error { return nil }, results: map[attention.Mode]computed{},
	}
	w := &Sweep{
		Runner: f, Tier: attention.TierUnpack, Params: f.params,
		Shape: attention.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 96, KVLen: 96, HeadDim: 16},
		Modes: []attention.Mode{attention.ModeAnchor, attention.ModeDense}, Kernels: []string{tuning.Attend, tuning.Identify},
		Repetitions: 2, Margin: 0.05, Limit: time.Hour, Deadline: time.Now().Add(time.Hour),
	}
	var err error
	w.In.Q, w.In.K, w.In.V, err = synth.Generate(synth.Config{Shape: w.Shape, Seed: 1, StripeFraction: 0.05})
	require.NoError(t, err)
	w.Out.O = attention.HostBHSD(make([]float16.Float16, 96*16), 1, 1, 96, 16)
	return w, f
}

// run sweeps from the table's choice.
func (w *Sweep) run(t *testing.T, old *Entry) Entry {
	t.Helper()
	table, err := w.Start()
	require.NoError(t, err)
	require.Equal(t, []any{"table gpu", 2, 4, 2}, []any{table.Tuning.From, table.Tuning.Attend.Rows, table.Tuning.Attend.Keys, table.Tuning.Attend.Lanes})
	w.Trials = nil
	entry, err := w.Run(context.Background(), table.Tuning, old)
	require.NoError(t, err)
	return entry
}

// rowsLike gives times that are lowest at so many rows and keys.
func rowsLike(rows, keys, identifyRows int) func(tuning.Tuning) (float64, float64) {
	away := func(n, best int) float64 { return math.Abs(math.Log2(float64(n) / float64(best))) }
	return func(t tuning.Tuning) (float64, float64) {
		return 10 + 3*away(t.Attend.Rows, rows) + 2*away(t.Attend.Keys, keys), 5 + away(t.Identify.Rows, identifyRows)
	}
}

// The walk ends at the best, however many steps away; the next sweep begins
// with what the last one found, and leaves kernels alone that it is not for.
func TestSweepFindsTheBest(t *testing.T) {
	w, f := newSweep(t, rowsLike(8, 16, 1))
	entry := w.run(t, nil)
	assert.Equal(t, [3]int{8, 16, 1}, [3]int{entry.Choice.Attend.Rows, entry.Choice.Attend.Keys, entry.Choice.Identify.Rows})
	// From 2 rows and 4 keys: (10 + 3*2 + 2*2) / 10, and (5 + 1) / 5.
	assert.Equal(t, "attend 2.00 times as fast, identify 1.20 times as fast as with table gpu on this device", entry.Why())
	tried := len(w.Trials)

	again := w.run(t, &entry)
	assert.Equal(t, entry.Choice, again.Choice)
	assert.Less(t, len(w.Trials), tried, "fewer rounds")

	f.ms, w.Kernels = rowsLike(4, 16, 4), []string{tuning.Attend}
	next := w.run(t, &entry)
	assert.Equal(t, [2]int{4, 1}, [2]int{next.Choice.Attend.Rows, next.Choice.Identify.Rows})

	f.ms, w.Kernels = rowsLike(2, 4, 2), []string{tuning.Attend, tuning.Identify}
	none := w.run(t, &entry)
	assert.False(t, none.Wins(), "the table's choice is the best")
}

// Times that other work disturbs, now these and now those, make no winner.
func TestSweepBearsNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	disturbed := func(ms float64) float64 {
		if random.Float64() < 0.4 {
			ms *= 1 + 20*random.Float64()
		}
		return ms * (1 + 0.02*random.Float64())
	}
	w, _ := newSweep(t, func(tuning.Tuning) (float64, float64) { return disturbed(10), disturbed(5) })
	w.Repetitions = 5
	faster := 0
	for range 20 {
		entry := w.run(t, nil)
		require.False(t, entry.Wins())
		for _, trial := range w.Trials {
			require.NotEqual(t, Stored, trial.Verdict, "%+v", trial)
			if stat.Median(trial.Ratios) >= 1.025 {
				faster++
			}
		}
	}
	require.Greater(t, faster, 20, "medians alone would have been taken in")
}

// Fast candidates that compute something else, or fail, are listed and do not win.
func TestSweepLeavesOutWrongAndFailing(t *testing.T) {
	w, f := newSweep(t, rowsLike(64, 16, 2))
	w.Kernels = []string{tuning.Attend}
	f.misdeed = func(t tuning.Tuning, out *attention.Outputs) error {
		switch {
		case t.Attend.Rows > 2: // one element of one row is off
			x := &out.O.Host[37]
			*x = float16.Fromfloat32(x.Float32() + 0.25)
		case t.Attend.Keys == 8:
			return errors.New("the compiler gave up")
		case t.Attend.Lanes == 1:
			out.O.Host[5] = float16.NaN()
		}
		return nil
	}
	entry := w.run(t, nil)
	assert.False(t, entry.Wins())
	verdicts := map[string]string{}
	for _, trial := range w.Trials {
		verdicts[trial.Change] = trial.Verdict + ": " + trial.Why
	}
	assert.Contains(t, verdicts["rows 2 to 4"], "wrong: anchor: row 2 of the output is 0.25 away")
	assert.Contains(t, verdicts["lanes 2 to 1"], "wrong: anchor: row 0 of the output is NaN away")
	assert.Equal(t, "failed: the compiler gave up", verdicts["keys 4 to 8"])
	assert.Equal(t, "no faster: ", verdicts["rows 2 to 1"])

	// A search that keeps every key changes the output hardly at all.
	f.misdeed = func(t tuning.Tuning, out *attention.Outputs) error {
		if t.Identify.Rows != 2 {
			for i := range out.Stripes {
				out.Stripes[i] = 1
			}
		}
		return nil
	}
	f.ms, w.Kernels = rowsLike(2, 4, 8), []string{tuning.Identify}
	entry = w.run(t, nil)
	assert.False(t, entry.Wins())
	i := slices.IndexFunc(w.Trials, func(trial Trial) bool { return trial.Change == "identify rows 2 to 4" })
	assert.Equal(t, Wrong, w.Trials[i].Verdict)
	assert.Contains(t, w.Trials[i].Why, "keys are stripes in one and not in the other")
}

// A hint that the device cannot take, as of an older program, fails and ends nothing.
func TestSweepBearsAnImpossibleHint(t *testing.T) {
	w, _ := newSweep(t, rowsLike(2, 4, 2))
	old := w.run(t, nil)
	old.Attend, old.Choice.Attend.Lanes = 1.5, 64
	entry := w.run(t, &old)
	assert.False(t, entry.Wins())
	assert.Equal(t, Failed, w.Trials[0].Verdict)
	assert.Equal(t, "attention: candidate cannot be: 64 lanes is not possible for tier unpack (attend), 2 is; use other values, or none; Plan.String shows the choice of the table", w.Trials[0].Why)
}

// What an earlier sweep found stays where no time is left to try it again, all of
// it or what comes last.
func TestSweepKeepsWhatItHasNoTimeFor(t *testing.T) {
	w, f := newSweep(t, rowsLike(8, 16, 1))
	found := w.run(t, nil)
	require.Positive(t, found.Attend)
	require.Positive(t, found.Identify)
	w.Deadline = time.Now()
	assert.Equal(t, found, w.run(t, &found))

	// The walk for the attention kernels uses up the time.
	w.Deadline = time.Now().Add(time.Hour)
	f.ms = func(t tuning.Tuning) (float64, float64) {
		if t.Attend.Rows == 16 {
			w.Deadline = time.Now()
		}
		return rowsLike(16, 16, 1)(t)
	}
	next := w.run(t, &found)
	assert.Equal(t, [2]int{16, 1}, [2]int{next.Choice.Attend.Rows, next.Choice.Identify.Rows})
	assert.Equal(t, found.Identify, next.Identify)
}
