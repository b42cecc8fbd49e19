package verify

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
)

func find(t *testing.T, name string) Case {
	t.Helper()
	for _, c := range Cases() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no case %q", name)
	return Case{}
}

// reference stands for a device: the oracle rounded to fp16.
func reference(ctx context.Context, c Case, in Inputs, out Output) error {
	o, err := oracle.New(c.Shape, c.Params, in.Q, in.K, in.V)
	if err != nil {
		return err
	}
	r := o.Forward(c.Mode)
	for i, x := range r.LSE {
		out.LSE[i] = float32(x)
	}
	for i, kept := range r.Stripes {
		out.Stripes[i] = 0
		if kept {
			out.Stripes[i] = 1
		}
	}
	s := c.Shape
	for row := range s.Batch * s.Heads * s.QLen {
		to := out.O.At(row/(s.Heads*s.QLen), row/s.QLen%s.Heads, row%s.QLen)
		for d := range to {
			to[d] = half(r.O[row*s.HeadDim+d])
		}
	}
	return nil
}

func TestCasesCoverWhatIsPromised(t *testing.T) {
	lengths, dims, gqa := map[int]bool{}, map[int]bool{}, map[int]bool{}
	names := map[string]bool{}
	prefix, bshd, batch := false, false, false
	for _, c := range Cases() {
		require.NoError(t, c.Shape.Validate(), c.Name)
		require.NoError(t, c.Params.Validate(), c.Name)
		require.False(t, names[c.Name], "two cases are called %q", c.Name)
		names[c.Name] = true
		lengths[c.Shape.KVLen], dims[c.Shape.HeadDim], gqa[c.Shape.HeadsPerKV()] = true, true, true
		prefix = prefix || c.Shape.Prefix() > 0
		bshd = bshd || c.BSHD
		batch = batch || c.Shape.Batch == 3
	}
	for _, n := range []int{1, 97, 1025, 2047, 2048, 2049, 4097} {
		assert.True(t, lengths[n], "length %d", n)
	}
	for _, d := range []int{8, 40, 64, 80, 128, 256} {
		assert.True(t, dims[d], "head_dim %d", d)
	}
	for _, g := range []int{1, 3, 4, 8} {
		assert.True(t, gqa[g], "%d query heads to a KV head", g)
	}
	assert.True(t, prefix && bshd && batch)
}

func TestMixedThetaKeepsSomeAndDropsSome(t *testing.T) {
	for _, c := range Cases() {
		if c.Mode != attention.ModeAnchor || c.Params.Guard.On() || (c.Params.Theta != mixed && c.Params.Scale == 0 && c.Shape.HeadDim != 8) || c.Data.Plant != "" {
			continue
		}
		in := c.Inputs()
		o, err := oracle.New(c.Shape, c.Params, in.Q, in.K, in.V)
		require.NoError(t, err)
		g := o.Groups() - 1
		kept, _ := o.Stripes(0, 0, g)
		counts := o.Counts(0, g, kept)
		if counts.Candidates < 100 {
			continue // too short to have both
		}
		assert.Greater(t, counts.StripeRatio(), 0.02, c.Name)
		assert.Less(t, counts.StripeRatio(), 0.9, c.Name)
	}
}

func TestGuardsKeepTheCandidatesOfSomeGroups(t *testing.T) {
	mixedVerdicts := 0
	for _, c := range Cases() {
		if !c.Params.Guard.On() {
			continue
		}
		in := c.Inputs()
		o, err := oracle.New(c.Shape, c.Params, in.Q, in.K, in.V)
		require.NoError(t, err)
		groups, guarded := 0, 0
		for h := range c.Shape.Heads {
			for g := o.FirstGroup(); g < o.Groups(); g++ {
				if lo, hi := o.Candidates(g); lo < hi {
					groups++
				}
				if o.Select(0, h, g).Guarded {
					guarded++
				}
			}
		}
		t.Logf("%s: %d of %d guarded", c.Name, guarded, groups)
		if guarded > 1 && guarded < groups {
			mixedVerdicts++
		}
	}
	require.GreaterOrEqual(t, mixedVerdicts, 5)
}

func TestTheWrongVerdictOfAGuardIsFound(t *testing.T) {
	for _, c := range Cases() {
		if !c.Params.Guard.On() || c.Shape.KVLen != 777 || c.Params.Tail > 0 {
			continue
		}
		_, failures, err := Check(context.Background(), c, func(ctx context.Context, c Case, in Inputs, out Output) error {
			c.Params.Guard = attention.Guard{} // a device that has no guard
			return reference(ctx, c, in, out)
		})
		require.NoError(t, err)
		require.NotEmpty(t, failures, c.Name)
		require.Contains(t, strings.Join(failures, "; "), "the guard decided", c.Name)
	}
}

func TestInputsAreRepeatable(t *testing.T) {
	c := find(t, "batch/anchor n=300 q=200 heads=4/2 d=40 batch=3 bshd theta=4 group=4x16")
	a, b := c.Inputs(), c.Inputs()
	require.True(t, slices.Equal(a.Q.Host, b.Q.Host) && slices.Equal(a.K.Host, b.K.Host) && slices.Equal(a.V.Host, b.V.Host))
}

func TestCheckPassesTheOracleItself(t *testing.T) {
	for _, c := range Cases() {
		if c.Shape.KVLen > 600 || c.Shape.Heads > 8 || c.Shape.HeadDim > 80 {
			continue
		}
		_, failures, err := Check(context.Background(), c, reference)
		require.NoError(t, err)
		assert.Empty(t, failures, c.Name)
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	c := find(t, "head_dim/anchor n=521 heads=2/1 d=40 theta=4 group=4x16")
	for _, x := range []struct {
		name  string
		spoil func(out Output)
		want  string
	}{
		{"one row not written", func(out Output) {
			for d := range out.O.At(0, 1, 77) {
				out.O.At(0, 1, 77)[d] = float16.NaN()
			}
		}, "40 of 41680 output elements are NaN or infinite"},
		{"one log-sum-exp infinite", func(out Output) { out.LSE[3] = float32(float16.Inf(1).Float32()) }, "1 of 1042 log-sum-exps are NaN or infinite"},
		{"wrong last row", func(out Output) { out.O.At(0, 0, 520)[3] = half(1) }, "max error"},
		{"wrong log-sum-exp", func(out Output) { out.LSE[520] += 0.1 }, "log-sum-exp error"},
		{"a stripe in the window", func(out Output) { out.Stripes[8*521+8*64-1] = 1 }, "1 stripes differ from the oracle's"},
		{"no stripes", func(out Output) { clear(out.Stripes) }, "stripes differ from the oracle's"},
		{"stripes not written", func(out Output) { out.Stripes[0] = 0xff }, "a stripe byte is neither 0 nor 1"},
		{"rows shifted", func(out Output) { copy(out.O.Host, out.O.Host[40:]) }, "NMSE"},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, failures, err := Check(context.Background(), c, func(ctx context.Context, c Case, in Inputs, out Output) error {
				err := reference(ctx, c, in, out)
				x.spoil(out)
				return err
			})
			require.NoError(t, err)
			require.Condition(t, func() bool {
				return slices.ContainsFunc(failures, func(f string) bool { return strings.Contains(f, x.want) })
			}, "failures: %q", failures)
		})
	}
}

func TestCheckPassesErrorsOn(t *testing.T) {
	c := Cases()[0]
	broken := errors.New("the device is gone")
	_, _, err := Check(context.Background(), c, func(context.Context, Case, Inputs, Output) error { return broken })
	require.ErrorIs(t, err, broken)
	ctx, cancel := context.WithCancel(context.Background())
	_, _, err = Check(ctx, c, func(ctx context.Context, c Case, in Inputs, out Output) error {
		cancel()
		return reference(ctx, c, in, out)
	})
	require.ErrorIs(t, err, context.Canceled)
}

func TestRowsAndGroups(t *testing.T) {
	in := Case{Shape: shape(1, 1, 300, 1000, 8), Params: small(12), Data: plain}.Inputs()
	o, err := oracle.New(shape(1, 1, 300, 1000, 8), small(12), in.Q, in.K, in.V)
	require.NoError(t, err)
	rows := Rows(o, 10)
	require.True(t, slices.IsSorted(rows))
	require.Len(t, slices.Compact(slices.Clone(rows)), len(rows), "no row is there twice")
	require.Contains(t, rows, 0)
	require.Contains(t, rows, 299)
	require.Contains(t, rows, 960-700, "the first row of the last group")
	require.Equal(t, []int{15, 12}, Groups(o, 2))
	require.Equal(t, []int{15, 14, 13, 12, 11, 10}, Groups(o, 99))
}
