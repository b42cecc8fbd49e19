package synth

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
)

var allKinds = []Kind{Stripe, Local, Diffuse, Adversarial}

func config(n, dim int, fraction float64, kinds ...Kind) Config {
	return Config{
		Shape: attention.Shape{Batch: 1, Heads: len(kinds), KVHeads: 1, QLen: n, KVLen: n, HeadDim: dim},
		Seed:  1, StripeFraction: fraction, Kinds: kinds,
	}
}

func oracleOf(t *testing.T, c Config) *oracle.Oracle {
	t.Helper()
	q, k, v, err := Generate(c)
	require.NoError(t, err)
	o, err := oracle.New(c.Shape, attention.DefaultParams(), q, k, v)
	require.NoError(t, err)
	return o
}

// digest hashes the bits of tensors.
func digest(tensors ...attention.Tensor) string {
	sum := sha256.New()
	for _, x := range tensors {
		for _, h := range x.Host {
			sum.Write(binary.LittleEndian.AppendUint16(nil, h.Bits()))
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// The digests hold on every architecture. A change of the generator changes
// them and makes old benchmark results incomparable: change them on purpose.
func TestBitsAreGolden(t *testing.T) {
	long := config(3000, 128, 0.1, allKinds...)
	odd := Config{
		Shape: attention.Shape{Batch: 2, Heads: 6, KVHeads: 2, QLen: 700, KVLen: 2500, HeadDim: 40},
		Seed:  99, StripeFraction: 0.2,
	}
	tiny := config(1, 8, 0, Stripe)
	for _, c := range []struct {
		config Config
		want   string
	}{{long, "2b35316f7316b395"}, {odd, "dcc02930cd3fa23d"}, {tiny, "b240cfbb67848a3b"}} {
		q, k, v, err := Generate(c.config)
		require.NoError(t, err)
		assert.Equal(t, c.want, digest(q, k, v), "%+v", c.config)
	}
}

func TestThreadsDoNotMatterAndSeedsDo(t *testing.T) {
	c := config(1500, 64, 0.1, Stripe, Diffuse)
	q, k, v, err := Generate(c)
	require.NoError(t, err)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(5))
	q5, k5, v5, err := Generate(c)
	require.NoError(t, err)
	assert.Equal(t, digest(q, k, v), digest(q5, k5, v5))
	c.Seed = 2
	q2, k2, v2, err := Generate(c)
	require.NoError(t, err)
	assert.NotEqual(t, digest(q), digest(q2))
	assert.NotEqual(t, digest(k), digest(k2))
	assert.NotEqual(t, digest(v), digest(v2))
}

func TestPrefixIsTheTailOfTheWhole(t *testing.T) {
	whole := config(900, 64, 0.1, Stripe, Local)
	part := whole
	part.QLen = 100
	q, k, v, err := Generate(whole)
	require.NoError(t, err)
	q1, k1, v1, err := Generate(part)
	require.NoError(t, err)
	assert.Equal(t, digest(k, v), digest(k1, v1))
	for h := range 2 {
		for row := range 100 {
			assert.Equal(t, q.At(0, h, 800+row), q1.At(0, h, row))
		}
	}
}

func TestEverythingIsFinite(t *testing.T) {
	for _, dim := range []int{8, 40, 256} {
		q, k, v, err := Generate(config(600, dim, 0.5, allKinds...))
		require.NoError(t, err)
		for _, x := range []attention.Tensor{q, k, v} {
			for _, h := range x.Host {
				require.True(t, h.IsFinite(), "head_dim %d", dim)
			}
		}
	}
}

// stripeRatios measures stripe_ratio of every head at theta 12.
func stripeRatios(o *oracle.Oracle) (heads []float64, all float64) {
	var mu sync.Mutex
	counts := make([]oracle.Counts, o.Shape.Heads)
	o.EachGroup(func(b, h, group int) {
		kept, _ := o.Stripes(b, h, group)
		c := o.Counts(h, group, kept)
		mu.Lock()
		defer mu.Unlock()
		counts[h] = counts[h].Add(c)
	})
	var sum oracle.Counts
	for _, c := range counts {
		heads = append(heads, c.StripeRatio())
		sum = sum.Add(c)
	}
	return heads, sum.StripeRatio()
}

func TestStripeFractionIsMet(t *testing.T) {
	if testing.Short() {
		t.Skip("computes for seconds: left to make test")
	}
	for _, c := range []Config{
		config(4096, 128, 0.05, allKinds...), config(4096, 128, 0.1, allKinds...), config(4096, 128, 0.2, allKinds...),
		config(8192, 128, 0.1, allKinds...),
		config(8192, 64, 0.05, allKinds...), config(8192, 64, 0.2, allKinds...),
		config(16384, 128, 0.05, Stripe, Local, Diffuse, Stripe), // the benchmark's
	} {
		heads, all := stripeRatios(oracleOf(t, c))
		name := fmt.Sprintf("%d positions, head_dim %d, fraction %v", c.KVLen, c.HeadDim, c.StripeFraction)
		t.Logf("%s: %.4f, heads %.4f", name, all, heads)
		assert.InEpsilon(t, c.StripeFraction, all, 0.1, name)
		for h, ratio := range heads {
			assert.InEpsilon(t, c.StripeFraction, ratio, 0.2, "%s, %v head", name, c.KindOf(h))
		}
	}
	heads, _ := stripeRatios(oracleOf(t, config(8192, 128, 0, allKinds...)))
	t.Logf("fraction 0: heads %.4f", heads)
	for h := range 3 {
		assert.Less(t, heads[h], 0.02, "without stripe columns next to nothing is kept by a %v head", allKinds[h])
	}
}

func TestStripesBeginAndEnd(t *testing.T) {
	o := oracleOf(t, config(8192, 128, 0.1, Stripe))
	first, _ := o.Stripes(0, 0, 2)
	second, _ := o.Stripes(0, 0, 3)
	begun, ended, stayed := 0, 0, 0
	_, end := o.Candidates(2) // of both groups
	for j := range end {
		switch {
		case first[j] && second[j]:
			stayed++
		case first[j]:
			ended++
		case second[j]:
			begun++
		}
	}
	assert.Greater(t, begun, 50)
	assert.Greater(t, ended, 50)
	assert.Greater(t, stayed, 50)
}

func TestKindsDifferAsTheySay(t *testing.T) {
	if testing.Short() {
		t.Skip("computes for seconds: left to make test")
	}
	const n = 8192
	o := oracleOf(t, config(n, 128, 0.05, allKinds...))
	recall, outside, near := make([]float64, 4), make([]float64, 4), make([]float64, 4)
	const rows = 40
	for h := range 4 {
		var kept []bool
		group := -1
		for i := range rows {
			row := 4096 + i*(n-4096-1)/(rows-1)
			if g := o.GroupOf(row); g != group {
				group = g
				kept, _ = o.Stripes(0, h, g)
			}
			recall[h] += o.RecallMass(0, h, row, kept)[0] / rows
			scores := causalScores(o, h, row)
			near[h] += nearMass(scores, 64) / rows
			if slices.Max(scores) > o.AnchorMax(0, h, row) {
				outside[h] += 1.0 / rows
			}
		}
	}
	t.Logf("recall_mass %.4f, mass on the last 64 keys %.4f, share of rows whose maximum is outside the anchor %.2f", recall, near, outside)
	assert.Greater(t, recall[0], 0.99, "stripe")
	assert.Greater(t, recall[1], 0.95, "local")
	assert.Less(t, recall[2], recall[0], "diffuse")
	assert.Less(t, recall[3], 0.9, "adversarial")
	assert.Greater(t, outside[3], 0.5, "adversarial")
	assert.Less(t, outside[0], 0.2, "stripe")
	assert.Less(t, outside[2], 0.2, "diffuse")
	for h := range 4 {
		if h != 1 {
			assert.Greater(t, near[1], 3*near[h], "local against %v", allKinds[h])
		}
	}
}

// causalScores are the scores of keys 0 to row.
func causalScores(o *oracle.Oracle, h, row int) []float64 {
	scores := make([]float64, row+1)
	for j := range scores {
		for d, q := range o.Q.At(0, h, row) {
			scores[j] += float64(q.Float32()) * float64(o.K.At(0, 0, j)[d].Float32())
		}
		scores[j] *= o.Params.ScaleFor(o.Shape.HeadDim)
	}
	return scores
}

// nearMass is the softmax weight of the last keys.
func nearMass(scores []float64, last int) float64 {
	top, sum, near := slices.Max(scores), 0.0, 0.0
	for j, s := range scores {
		sum += math.Exp(s - top)
		if j >= len(scores)-last {
			near += math.Exp(s - top)
		}
	}
	return near / sum
}

func TestNeedleIsFoundByTheLastQueries(t *testing.T) {
	c := config(4096, 128, 0.05, Stripe)
	o := oracleOf(t, c)
	needle := newGenerator(c).keys[0].needle
	all := make([]bool, c.KVLen)
	for j := range all {
		all[j] = true
	}
	without := append([]bool(nil), all...)
	without[needle] = false
	mass := o.RecallMass(0, 0, c.KVLen-1, all, without)
	assert.Greater(t, mass[0]-mass[1], 0.2, "its weight in the last row")
	mass = o.RecallMass(0, 0, c.KVLen-needleQueries-1, all, without)
	assert.Less(t, mass[0]-mass[1], 0.01, "its weight before")
	kept, _ := o.Stripes(0, 0, o.Groups()-1)
	assert.True(t, kept[needle])
}

func TestValuesAreSmallAtTheSink(t *testing.T) {
	_, _, v, err := Generate(config(64, 128, 0, Stripe))
	require.NoError(t, err)
	norm := func(j int) (sum float64) {
		for _, x := range v.At(0, 0, j) {
			sum += float64(x.Float32()) * float64(x.Float32())
		}
		return math.Sqrt(sum)
	}
	for j := range sinkKeys {
		assert.Less(t, norm(j), 1.0)
	}
	assert.Greater(t, norm(sinkKeys), 8.0)
}

func TestGenerateRejects(t *testing.T) {
	for field, change := range map[string]func(c *Config){
		"Shape.QLen":            func(c *Config) { c.QLen = 0 },
		"Config.StripeFraction": func(c *Config) { c.StripeFraction = math.NaN() },
		"Config.Kinds[1]":       func(c *Config) { c.Kinds = []Kind{Stripe, 7} },
	} {
		c := config(64, 8, 0.1, Stripe)
		change(&c)
		_, _, _, err := Generate(c)
		var argErr *attention.ArgumentError
		require.ErrorAs(t, err, &argErr, field)
		assert.Equal(t, field, argErr.Field)
	}
	for _, fraction := range []float64{-0.1, 0.51} {
		_, _, _, err := Generate(config(64, 8, fraction, Stripe))
		require.ErrorContains(t, err, "StripeFraction")
	}
	assert.Equal(t, "diffuse", Diffuse.String())
	assert.Equal(t, "Kind(7)", Kind(7).String())
	assert.Equal(t, Adversarial, Config{}.KindOf(15))
}

// 16,384 positions of 4 query heads and one KV head, the benchmark's input.
func BenchmarkGenerate(b *testing.B) {
	c := config(16384, 128, 0.05, allKinds...)
	for b.Loop() {
		if _, _, _, err := Generate(c); err != nil {
			b.Fatal(err)
		}
	}
}
