package verify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/vk"
)

// fuzzBench is the device of the environment, once it was asked for.
var fuzzBench struct {
	sync.Once
	bench  *bench
	failed error
}

func openBench(t testing.TB) *bench {
	t.Helper()
	fuzzBench.Do(func() {
		options, err := vk.OptionsFromEnv()
		if err != nil {
			fuzzBench.failed = err
			return
		}
		b := &bench{}
		if b.device, fuzzBench.failed = vk.Open(options); fuzzBench.failed != nil {
			return
		}
		if b.engine, fuzzBench.failed = attention.NewEngine(b.device, attention.Options{PoisonScratch: true}); fuzzBench.failed == nil {
			fuzzBench.bench = b
		}
	})
	require.NoError(t, fuzzBench.failed, "random problems need a Vulkan device; a software one (lavapipe) will do")
	return fuzzBench.bench
}

func TestMain(m *testing.M) {
	status := m.Run()
	if b := fuzzBench.bench; b != nil {
		if err := errors.Join(b.engine.Close(), b.device.Close()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = max(status, 1)
		}
		for _, message := range b.device.ValidationMessages() {
			fmt.Fprintln(os.Stderr, message)
			status = max(status, 1)
		}
	}
	os.Exit(status)
}

// FuzzEngine holds random problems on the device against the oracle, and
// against the same problem cut, laid out and stored otherwise.
func FuzzEngine(f *testing.F) {
	f.Add([]byte(nil))
	b := openBench(f)
	f.Fuzz(func(t *testing.T, data []byte) { b.check(t, draw(data, b.device.Report())) })
}

// The same with a random generator in the place of the fuzzer, which cannot
// start itself again on every test device. ANCHORVK_FUZZ_SECONDS sets how long
// (default 2).
func TestRandomProblems(t *testing.T) {
	b := openBench(t)
	length, seed := 2*time.Second, uint64(1)
	if testing.Short() {
		length = time.Second
	}
	if text := os.Getenv("ANCHORVK_FUZZ_SECONDS"); text != "" {
		var err error
		length, err = time.ParseDuration(text + "s")
		require.NoError(t, err, "ANCHORVK_FUZZ_SECONDS")
		seed = uint64(time.Now().UnixNano())
	}
	random := rand.New(rand.NewPCG(seed, 1))
	done := 0
	for end := time.Now().Add(length); time.Now().Before(end) && !t.Failed(); done++ {
		data := make([]byte, 72)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		t.Run("", func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("go test fuzz v1\n[]byte(%q)", data)
				}
			}()
			b.check(t, draw(data, b.device.Report()))
		})
	}
	t.Logf("%d problems on %s, seed %d", done, b.device.Report().Name, seed)
	require.Positive(t, done)
}

// bench is a device to compute problems on.
type bench struct {
	device *vk.Device
	engine *attention.Engine
}

// check computes a problem in both ways. What the device has no room for, or
// no kernel, it refuses with its own types of error.
func (b *bench) check(t *testing.T, p problem) {
	t.Helper()
	t.Log(p)
	var first Output
	m, failures, err := Check(context.Background(), p.Case, func(ctx context.Context, c Case, in Inputs, out Output) error {
		first = out
		return b.run(ctx, p.plan, c, in, out)
	})
	var feature *vk.FeatureError
	var limit *vk.LimitError
	if errors.As(err, &feature) || errors.As(err, &limit) {
		return
	}
	require.NoError(t, err)
	require.Empty(t, p.significant(failures, m, first), "%+v", m)
	b.checkSecond(t, p, first)
}

// significant leaves out what the bounds of a handful of numbers may say of two
// that differ by a rounding of the output: the plain implementation hits some
// of them exactly.
func (p problem) significant(failures []string, m Measures, out Output) []string {
	largest, largestLSE := 0.0, 0.0
	for _, x := range out.O.Host {
		if v := math.Abs(float64(x.Float32())); kind(v) == finite {
			largest = math.Max(largest, v)
		}
	}
	for _, x := range out.LSE {
		if v := math.Abs(float64(x)); kind(v) == finite {
			largestLSE = math.Max(largestLSE, v)
		}
	}
	const halfStep, floatStep = 1.0 / 1024, 1.0 / (1 << 22)
	within := m.WrongKind == 0 && m.StripesWrong == 0 && m.NMSE <= MaxNMSE &&
		m.MaxErr <= HalfFactor*m.HalfMaxErr+halfStep*largest &&
		math.Sqrt(m.NMSE) <= HalfFactor*m.HalfRelL2+halfStep &&
		m.LSEErr <= HalfFactor*m.HalfLSEErr+m.LSEAllowed+floatStep*largestLSE
	if within && len(unwritten(out)) == 0 || p.Data.Plant != "" && within {
		return nil
	}
	return append(failures, "beyond roundings of the output")
}

// checkSecond computes the problem the other way, in one or more calls.
func (b *bench) checkSecond(t *testing.T, p problem, want Output) {
	t.Helper()
	in := p.Inputs()
	cuts := slices.Sorted(slices.Values(append([]int{p.Shape.Prefix(), p.Shape.KVLen}, p.chunks...)))
	cuts = slices.Compact(cuts)
	for i := 1; i < len(cuts); i++ {
		from, to := cuts[i-1], cuts[i]
		part := p.Case
		part.Shape.QLen, part.Shape.KVLen = to-from, to
		part.Params.Tail = p.tailOf(to)
		first := from - p.Shape.Prefix() // row of the whole call
		ins := Inputs{Q: positions(in.Q, first, to-from), K: positions(in.K, 0, to), V: positions(in.V, 0, to)}
		out := Output{O: part.Output(), LSE: make([]float32, part.Shape.Batch*part.Shape.Heads*part.Shape.QLen)}
		for _, x := range []*attention.Tensor{&ins.Q, &ins.K, &ins.V, &out.O} {
			if p.gaps {
				*x = withGaps(*x)
			}
		}
		require.NoError(t, b.runPlaced(t, p, part, ins, out), "rows %d to %d", from, to)
		for batch := range part.Shape.Batch {
			for head := range part.Shape.Heads {
				for row := range part.Shape.QLen {
					w, g := want.O.At(batch, head, first+row), out.O.At(batch, head, row)
					require.True(t, sameHalves(w, g), "batch %d head %d row %d is %v, and %v in the second run", batch, head, first+row, w, g)
					x, y := want.LSE[(batch*p.Shape.Heads+head)*p.Shape.QLen+first+row], out.LSE[(batch*p.Shape.Heads+head)*part.Shape.QLen+row]
					require.True(t, x == y || x != x && y != y, "log-sum-exp of batch %d head %d row %d is %v, and %v in the second run", batch, head, first+row, x, y)
				}
			}
		}
	}
}

// sameHalves compares bits, except those of NaN.
func sameHalves(a, b []float16.Float16) bool {
	return slices.EqualFunc(a, b, func(x, y float16.Float16) bool { return x == y || x.IsNaN() && y.IsNaN() })
}

func (b *bench) run(ctx context.Context, options attention.PlanOptions, c Case, in Inputs, out Output) error {
	plan, err := b.engine.Plan(attention.Problem{Shape: c.Shape, Mode: c.Mode, Params: c.Params}, options)
	if err != nil {
		return err
	}
	_, err = b.engine.Run(ctx, plan, attention.Inputs{Q: in.Q, K: in.K, V: in.V}, attention.Outputs{O: out.O, LSE: out.LSE, Stripes: out.Stripes})
	return err
}

// runPlaced is run with the tensors where the problem has them for its second run.
func (b *bench) runPlaced(t *testing.T, p problem, c Case, in Inputs, out Output) error {
	t.Helper()
	ctx := context.Background()
	if !p.device {
		return b.run(ctx, p.second, c, in, out)
	}
	onDevice := out
	for i, x := range []*attention.Tensor{&in.Q, &in.K, &in.V, &onDevice.O} {
		const before = 48 // bytes
		host := x.Host
		buffer, err := b.device.NewBuffer("tensor", uint64(before+2*len(host)), vk.DeviceLocal)
		require.NoError(t, err)
		defer buffer.Close() //nolint:errcheck // the run's own error matters
		require.NoError(t, b.device.Upload(ctx, buffer, before, halfBytes(host)), "tensor %d", i)
		x.Host, x.Buffer, x.Offset = nil, buffer, before
	}
	if err := b.run(ctx, p.second, c, in, onDevice); err != nil {
		return err
	}
	return b.device.Download(ctx, halfBytes(out.O.Host), onDevice.O.Buffer, onDevice.O.Offset)
}

// positions copies a part of a tensor, contiguous.
func positions(from attention.Tensor, first, count int) attention.Tensor {
	s := from.Shape
	to := attention.HostBHSD(make([]float16.Float16, s[0]*s[1]*count*s[3]), s[0], s[1], count, s[3])
	copyRows(to, from, first)
	return to
}

// withGaps copies a tensor into memory where every axis has gaps, full of NaN.
func withGaps(from attention.Tensor) attention.Tensor {
	s := from.Shape
	row := s[3] + 24
	head := s[2]*row + 16
	to := attention.Tensor{Shape: s, Strides: [3]int{s[1]*head + 40, head, row}}
	to.Host = make([]float16.Float16, to.Elements())
	for i := range to.Host {
		to.Host[i] = float16.NaN()
	}
	copyRows(to, from, 0)
	return to
}

func copyRows(to, from attention.Tensor, first int) {
	for b := range to.Shape[0] {
		for h := range to.Shape[1] {
			for i := range to.Shape[2] {
				copy(to.At(b, h, i), from.At(b, h, first+i))
			}
		}
	}
}

func halfBytes(h []float16.Float16) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&h[0])), 2*len(h))
}
