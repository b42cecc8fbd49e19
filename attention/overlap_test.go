package attention

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/vk"
)

// bytesOfPlace marks the bytes of a place, from base on.
func bytesOfPlace(p *place) map[int]bool {
	marked := map[int]bool{}
	for x := range p.counts[0] {
		for y := range p.counts[1] {
			for z := range p.counts[2] {
				for i := range p.row {
					marked[p.start+x*p.strides[0]+y*p.strides[1]+z*p.strides[2]+i] = true
				}
			}
		}
	}
	return marked
}

// The search says of random places, nested or not, what marking every byte says.
func TestOverlapIsThatOfTheBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 7))
	random := func() *place {
		p := &place{start: rng.IntN(200), row: 2 * (1 + rng.IntN(6))}
		for axis := range p.counts {
			p.counts[axis] = 1 + rng.IntN(4)
			p.strides[axis] = 4 * rng.IntN(20)
		}
		return p
	}
	var met [3]int
	for range 20000 {
		a, b := random(), random()
		if rng.IntN(2) == 0 {
			b.strides = a.strides // lanes of one buffer
		}
		common := false
		other := bytesOfPlace(b)
		for at := range bytesOfPlace(a) {
			common = common || other[at]
		}
		got := meet(a, b, b.start-a.start)
		met[got]++
		require.NotEqual(t, unknown, got, "%+v %+v", a, b)
		require.Equal(t, common, got == certain, "%+v %+v", a, b)
	}
	require.Greater(t, met[never], 1000)
	require.Greater(t, met[certain], 1000)
}

// Strides that no search of bounded time can untangle are refused, with the reason.
func TestOverlapThatCannotBeTold(t *testing.T) {
	a := &place{row: 2, strides: [3]int{999983 * 2, 700001 * 2, 500009 * 2}, counts: [3]int{3000, 3000, 3000}}
	b := &place{row: 2, strides: [3]int{999979 * 2, 600011 * 2, 400009 * 2}, counts: [3]int{3000, 3000, 3000}}
	require.Equal(t, unknown, meet(a, b, 2_000_000_003))
	b.start = 2_000_000_003
	require.ErrorContains(t, apart(a, b), "may share memory")
}

// overlapCase is a small call whose tensors lie in one slice of host memory.
func overlapCase(data []float16.Float16) (*Plan, Inputs, Outputs) {
	const rows, dim = 16, 8
	at := func(first int) Tensor { return HostBHSD(data[first:], 1, 2, rows, dim) }
	p, err := NewPlan(fakeReport("discrete"), Problem{Shape: Shape{Batch: 1, Heads: 2, KVHeads: 2, QLen: rows, KVLen: rows, HeadDim: dim}, Mode: ModeDense}, PlanOptions{})
	if err != nil {
		panic(err)
	}
	return p, Inputs{Q: at(0), K: at(256), V: at(512)}, Outputs{O: at(768)}
}

func TestOutputsShareNoMemory(t *testing.T) {
	data := make([]float16.Float16, 8192)
	p, in, out := overlapCase(data)
	require.NoError(t, checkCall(p, in, out))
	numbers := make([]float32, 2*16+8)
	for name, c := range map[string]struct {
		field, words string
		change       func(in *Inputs, out *Outputs)
	}{
		"O is K":          {"O", "shares memory with K", func(in *Inputs, out *Outputs) { out.O = in.K }},
		"O is V":          {"O", "shares memory with V", func(in *Inputs, out *Outputs) { out.O = in.V }},
		"O begins in V":   {"O", "shares memory with V", func(_ *Inputs, out *Outputs) { out.O.Host = data[512+248:] }},
		"O half over Q":   {"O", "shares memory with Q", func(_ *Inputs, out *Outputs) { out.O.Host = data[8:] }},
		"O, other Q":      {"O", "shares memory with Q", func(in *Inputs, out *Outputs) { out.O = HostBSHD(in.Q.Host, 1, 16, 2, 8) }},
		"rows of O":       {"O.Strides[1]", "rows overlap", func(_ *Inputs, out *Outputs) { out.O.Strides[1] = 0 }},
		"LSE in O":        {"LSE", "shares memory with O", func(_ *Inputs, out *Outputs) { out.LSE = asNumbers(out.O.Host[64:])[:32] }},
		"LSE in Q":        {"LSE", "shares memory with Q", func(in *Inputs, out *Outputs) { out.LSE = asNumbers(in.Q.Host)[:32] }},
		"stripes in K":    {"Stripes", "shares memory with K", func(in *Inputs, out *Outputs) { out.Stripes = bytesOf(in.K.Host)[:2*16] }},
		"stripes in LSE":  {"Stripes", "shares memory with LSE", func(_ *Inputs, out *Outputs) { out.LSE = numbers[:32]; out.Stripes = bytesOf(numbers[24:])[:2*16] }},
		"O exactly Q":     {"", "", func(in *Inputs, out *Outputs) { out.O = in.Q }},
		"K is V is Q":     {"", "", func(in *Inputs, _ *Outputs) { in.K, in.V = in.Q, in.Q }},
		"K repeated":      {"", "", func(in *Inputs, _ *Outputs) { in.K.Strides = [3]int{} }},
		"O beside K":      {"", "", func(_ *Inputs, out *Outputs) { out.O.Host = data[512+256:] }},
		"all apart":       {"", "", func(_ *Inputs, out *Outputs) { out.LSE, out.Stripes = numbers[:32], make([]byte, 2*16) }},
		"lanes of a slab": {"", "", func(in *Inputs, out *Outputs) { lanes(in, out, data) }},
		"lane of K":       {"O", "shares memory with K", func(in *Inputs, out *Outputs) { lanes(in, out, data); out.O.Host = data[24:] }},
	} {
		t.Run(name, func(t *testing.T) {
			in, out := in, out
			c.change(&in, &out)
			err := checkCall(p, in, out)
			if c.field == "" {
				require.NoError(t, err)
				return
			}
			attentest.RequireArgument(t, err, c.field)
			require.ErrorContains(t, err, c.words)
		})
	}
}

// lanes puts the heads of Q, K, V and O side by side in each position's row.
func lanes(in *Inputs, out *Outputs, data []float16.Float16) {
	for i, x := range []*Tensor{&in.Q, &in.K, &in.V, &out.O} {
		*x = Tensor{Shape: x.Shape, Strides: [3]int{16 * 64, 8, 64}, Host: data[16*i:]}
	}
}

// asNumbers views half as many fp32 numbers.
func asNumbers(data []float16.Float16) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(data))), len(data)/2)
}

// On a device the same holds of the bytes of buffers, whatever handle they go by.
func TestBuffersShareNoMemory(t *testing.T) {
	e := sharedEngine(t)
	buffer, err := e.device.NewBuffer("slab", 8192, vk.DeviceLocal)
	require.NoError(t, err)
	defer buffer.Close() //nolint:errcheck // the device tells
	other, err := e.device.NewBuffer("other", 8192, vk.DeviceLocal)
	require.NoError(t, err)
	defer other.Close() //nolint:errcheck // the device tells
	at := func(b *vk.Buffer, first uint64) Tensor { return DeviceBHSD(b, 2*first, 1, 2, 16, 8) }
	p, err := e.Plan(Problem{Shape: Shape{Batch: 1, Heads: 2, KVHeads: 2, QLen: 16, KVLen: 16, HeadDim: 8}, Mode: ModeDense}, PlanOptions{})
	require.NoError(t, err)
	in, out := Inputs{Q: at(buffer, 0), K: at(buffer, 256), V: at(buffer, 512)}, Outputs{O: at(buffer, 768)}
	require.NoError(t, e.check(p, in, out))
	for name, c := range map[string]struct {
		field, words string
		change       func(out *Outputs)
	}{
		"O is K":           {"O", "shares memory with K", func(out *Outputs) { out.O = in.K }},
		"O in K and V":     {"O", "shares memory with K", func(out *Outputs) { out.O = at(buffer, 384) }},
		"O half over Q":    {"O", "shares memory with Q", func(out *Outputs) { out.O = at(buffer, 8) }},
		"LSE in Q":         {"LSEBuffer", "shares memory with Q", func(out *Outputs) { out.LSEBuffer = buffer }},
		"LSE in V":         {"LSEBuffer", "shares memory with V", func(out *Outputs) { out.LSEBuffer, out.LSEOffset = buffer, 2*512+508 }},
		"LSE in O":         {"LSEBuffer", "shares memory with O", func(out *Outputs) { out.LSEBuffer, out.LSEOffset = buffer, 2*1024-4 }},
		"LSE after O":      {"", "", func(out *Outputs) { out.LSEBuffer, out.LSEOffset = buffer, 2*1024 }},
		"O is Q":           {"", "", func(out *Outputs) { out.O = in.Q }},
		"in other buffers": {"", "", func(out *Outputs) { out.O, out.LSEBuffer, out.LSEOffset = at(other, 256), other, 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			out := out
			c.change(&out)
			err := e.check(p, in, out)
			if c.field == "" {
				require.NoError(t, err)
				return
			}
			attentest.RequireArgument(t, err, c.field)
			require.ErrorContains(t, err, c.words)
		})
	}
}
