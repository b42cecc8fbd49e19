package tune

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/tune"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

func open(t *testing.T) *vk.Device {
	t.Helper()
	o, err := vk.OptionsFromEnv()
	require.NoError(t, err)
	o.Timeout = 5 * time.Minute // software devices compile for long
	device, err := vk.Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, device.Close()) })
	return device
}

// small is a run of seconds.
func small(dir string) Options {
	params := attention.Params{Theta: 12, Step: 2, Block: 16, SinkBlocks: 1, WindowBlocks: 1}
	return Options{HeadDim: 8, Heads: 1, KVHeads: 1, Length: 200, Params: &params, Dir: dir, Budget: time.Millisecond}
}

// A run keeps to its budget, keeps what it says that it found, and loses
// nothing of what was kept before.
func TestRunKeepsWhatItFinds(t *testing.T) {
	device, dir := open(t), filepath.Join(t.TempDir(), "mine")
	var shares []float64
	o := small(dir)
	o.Progress = func(share float64) { shares = append(shares, share) }
	result, err := Run(context.Background(), device, o)
	require.NoError(t, err)
	require.NotEmpty(t, shares)
	require.EqualValues(t, 1, shares[len(shares)-1])
	require.Empty(t, result.Gain, "no time was left to try anything")
	require.Empty(t, result.Rules)
	plan, err := attention.NewPlan(device.Report(), o.problem(), attention.PlanOptions{})
	require.NoError(t, err)
	require.Equal(t, plan.Tier, result.Tier)

	// What another run has found stays where no time is left to try it.
	o.Budget = -1
	shares = nil
	store, err := o.store()
	require.NoError(t, err)
	choice := plan.Tuning.Choice(plan.Tier)
	next := tuning.Neighbours(device.Report(), plan.Tier, o.HeadDim, choice, tuning.Attend)[0]
	require.NoError(t, store.Save(device.Report(), tune.Entry{Tier: plan.Tier, HeadDim: o.HeadDim, Choice: next, Over: "table", Attend: 1.5}))
	result, err = Run(context.Background(), device, o)
	require.NoError(t, err)
	require.EqualValues(t, 1, shares[0])
	require.Len(t, result.Rules, 1)
	require.Equal(t, next.Attend, result.Rules[0].Choice.Attend)
	removed, err := store.Remove(device.Report(), plan.Tier, o.HeadDim)
	require.NoError(t, err)
	require.True(t, removed)

	// So it does for other kernels and heads, and plans take it.
	next = tuning.Neighbours(device.Report(), plan.Tier, 16, choice, tuning.Attend)[0]
	require.NoError(t, store.Save(device.Report(), tune.Entry{Tier: plan.Tier, HeadDim: 16, Choice: next, Over: "table", Attend: 1.5}))
	result, err = Run(context.Background(), device, o)
	require.NoError(t, err)
	require.Len(t, result.Rules, 1)
	rules, err := Load(device, dir)
	require.NoError(t, err)
	require.Equal(t, result.Rules, rules)
	problem := o.problem()
	problem.Shape.HeadDim = 16
	plan, err = attention.NewPlan(device.Report(), problem, attention.PlanOptions{Rules: rules})
	require.NoError(t, err)
	assert.Equal(t, "tune.Run: attend 1.50 times as fast as with table on this device", plan.Tuning.From+": "+plan.Tuning.Why)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "tuning", onlyFile(t, filepath.Join(dir, "tuning"))), []byte("{"), 0o600))
	rules, err = Load(device, dir)
	require.ErrorContains(t, err, "is damaged")
	require.ErrorContains(t, err, "tune.Run measures again")
	require.Empty(t, rules)
}

func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1)
	return files[0].Name()
}

// problem is what the options' measurements compute.
func (o *Options) problem() attention.Problem {
	return attention.Problem{Shape: attention.Shape{Batch: 1, Heads: o.Heads, KVHeads: o.KVHeads, QLen: o.Length, KVLen: o.Length, HeadDim: o.HeadDim}, Params: *o.Params}
}

// Wrong arguments and a run that is ended early leave nothing behind.
func TestRunRefuses(t *testing.T) {
	device := open(t)
	var argument *attention.ArgumentError
	_, err := Run(context.Background(), device, Options{HeadDim: 12})
	require.ErrorAs(t, err, &argument)
	require.Equal(t, "Shape.HeadDim", argument.Field)

	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Run(ctx, device, small(dir))
	require.ErrorIs(t, err, context.Canceled)
	rules, err := Load(device, dir)
	require.NoError(t, err)
	require.Empty(t, rules)
	rules, err = Load(device, "")
	require.NoError(t, err)
	require.Empty(t, rules)
}

// A real sweep, with every neighbour right.
func TestRunTunes(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles many kernels: left to make test")
	}
	device := open(t)
	o := small("")
	o.Budget = 20 * time.Second
	result, err := Run(context.Background(), device, o)
	require.NoError(t, err)
	require.Equal(t, result.Gain != "", len(result.Rules) == 1)
	plan, err := attention.NewPlan(device.Report(), o.problem(), attention.PlanOptions{Rules: result.Rules})
	require.NoError(t, err)
	require.Equal(t, result.Gain != "", plan.Tuning.From == "tune.Run", plan.Tuning.Why)
}
