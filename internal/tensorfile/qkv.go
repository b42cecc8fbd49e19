package tensorfile

import (
	"fmt"

	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/internal/plural"
)

// Layout is the order of a tensor's axes.
type Layout string

// The layouts; without batch dimension they begin at the second axis.
const (
	BHSD Layout = "bhsd" // batch, heads, positions, head_dim
	BSHD Layout = "bshd" // batch, positions, heads, head_dim
)

// Sizes are those of one attention call. They are checked against each other;
// whether a device or the algorithm can take them is not decided here.
type Sizes struct {
	Batched                                     bool // tensors have a leading batch dimension
	Batch, Heads, KVHeads, QLen, KVLen, HeadDim int
	DTypes                                      [3]string // of q, k and v in the file
}

// QKV is the input of one attention call, in the order [batch, heads,
// positions, head_dim] whatever the file's layout.
type QKV struct {
	Sizes
	Q, K, V []float16.Float16
	// Warnings are sentences about values that change the result: NaN,
	// infinities, and heads whose values are too small for F16.
	Warnings []string
}

// maxElements bounds a tensor so that positions and byte counts of every
// derived tensor stay far from overflow on 64-bit systems.
const maxElements int64 = 1 << 40

// names of the tensors of an attention call.
var names = [3]string{"q", "k", "v"}

// Sizes checks the tensors q [heads, q_len, head_dim], k and v
// [kv_heads, kv_len, head_dim] (in layout BSHD the first two axes the other way
// round), all with a leading batch dimension or all without, and returns their
// sizes. It reads no data.
func (f *File) Sizes() (Sizes, error) {
	var s Sizes
	var dims [3][4]int
	var ranks [3]int
	for i, name := range names {
		info, err := f.Info(name)
		if err != nil {
			return s, err
		}
		if dims[i], err = f.dims(info); err != nil {
			return s, err
		}
		ranks[i], s.DTypes[i] = len(info.Shape), info.DType
	}
	q, k, v := dims[0], dims[1], dims[2]
	fail := func(tensor, format string, args ...any) (Sizes, error) {
		return Sizes{}, &FormatError{f.path, tensor, fmt.Sprintf(format, args...)}
	}
	other := ""
	if swapped := q[1] <= k[1] && q[2]%k[2] == 0; swapped && f.Layout != BSHD {
		other = "; if the axes are positions before heads, say so with --layout bshd"
	}
	switch {
	case ranks[1] != ranks[0] || ranks[2] != ranks[0]:
		return fail("", "q, k and v have ranks %d, %d and %d; give all of them a batch dimension or none", ranks[0], ranks[1], ranks[2])
	case k != v:
		kInfo, vInfo := f.infos["k"], f.infos["v"]
		return fail("v", "shape %v differs from k's %v; they must be equal", vInfo.Shape, kInfo.Shape)
	case q[0] != k[0]:
		return fail("q", "batch %d differs from k's %d", q[0], k[0])
	case q[3] != k[3]:
		return fail("q", "head_dim %d differs from k's %d", q[3], k[3])
	case q[1]%k[1] != 0:
		return fail("q", "%s cannot share %s; the first must be a multiple of the second%s", plural.Of(q[1], "query head", "query heads"), plural.Of(k[1], "KV head", "KV heads"), other)
	case q[2] > k[2]:
		return fail("q", "%s but only %s; queries are the last positions of the keys%s", plural.Of(q[2], "query position", "query positions"), plural.Of(k[2], "key", "keys"), other)
	}
	s.Batched = ranks[0] == 4
	s.Batch, s.Heads, s.KVHeads = q[0], q[1], k[1]
	s.QLen, s.KVLen, s.HeadDim = q[2], k[2], q[3]
	return s, nil
}

// LoadQKV checks the tensors as Sizes does and reads them.
func (f *File) LoadQKV() (QKV, error) {
	sizes, err := f.Sizes()
	if err != nil {
		return QKV{}, err
	}
	in := QKV{Sizes: sizes}
	for i, to := range []*[]float16.Float16{&in.Q, &in.K, &in.V} {
		heads, seq := sizes.axes(i)
		part := func(row int64) int { return int(row / int64(seq)) }
		if f.Layout == BSHD {
			part = func(row int64) int { return int(row/int64(seq*heads))*heads + int(row%int64(heads)) }
		}
		half, losses, err := f.load(names[i], sizes.Batch*heads, part)
		if err != nil {
			return QKV{}, err
		}
		if text := half.odd.text(half.Info); text != "" {
			in.Warnings = append(in.Warnings, text)
		}
		if text := weakHeads(names[i], losses, heads); text != "" {
			in.Warnings = append(in.Warnings, text)
		}
		*to = half.Data
		if f.Layout == BSHD {
			*to = SwapAxes(half.Data, sizes.Batch, seq, heads, sizes.HeadDim)
		}
	}
	return in, nil
}

// LoadWide reads q, k and v as they are in the file, in the order of QKV.
func (f *File) LoadWide() (q, k, v []float32, err error) {
	sizes, err := f.Sizes()
	if err != nil {
		return nil, nil, nil, err
	}
	for i, to := range []*[]float32{&q, &k, &v} {
		if *to, err = f.LoadF32(names[i]); err != nil {
			return nil, nil, nil, err
		}
		if heads, seq := sizes.axes(i); f.Layout == BSHD {
			*to = SwapAxes(*to, sizes.Batch, seq, heads, sizes.HeadDim)
		}
	}
	return q, k, v, nil
}

// Converted says whether a tensor is of another type than F16.
func (s Sizes) Converted() bool { return s.DTypes != [3]string{"F16", "F16", "F16"} }

// axes returns heads and positions of q, k or v.
func (s Sizes) axes(i int) (heads, seq int) {
	if i == 0 {
		return s.Heads, s.QLen
	}
	return s.KVHeads, s.KVLen
}

// weakHeads names heads that are too small for F16, in a tensor that is not.
func weakHeads(name string, losses []loss, heads int) string {
	count, first := 0, 0
	for i := range losses {
		if losses[i].isTooMuch() {
			if count++; count == 1 {
				first = i
			}
		}
	}
	if count == 0 {
		return ""
	}
	return fmt.Sprintf("%s: %d of %d heads are too small for F16, the first is head %d of batch %d: %v",
		name, count, len(losses), first%heads, first/heads, &losses[first])
}

// SwapAxes returns [batch, b, a, dim] of a contiguous [batch, a, b, dim].
func SwapAxes[T any](data []T, batch, a, b, dim int) []T {
	out := make([]T, len(data))
	for n := range batch {
		for i := range a {
			for j := range b {
				copy(out[((n*b+j)*a+i)*dim:][:dim], data[((n*a+i)*b+j)*dim:][:dim])
			}
		}
	}
	return out
}

// dims returns [batch, heads, seq, dim] of a rank 3 or 4 tensor in the file's
// layout.
func (f *File) dims(info Info) ([4]int, error) {
	fail := func(format string, args ...any) ([4]int, error) {
		return [4]int{}, &FormatError{f.path, info.Name, fmt.Sprintf(format, args...)}
	}
	if _, _, err := decoder(info.DType); err != nil {
		return fail("%v", err)
	}
	d := [4]int{1, 1, 1, 1}
	switch len(info.Shape) {
	case 3, 4:
		copy(d[4-len(info.Shape):], info.Shape)
	default:
		axes := "heads, seq, dim"
		if f.Layout == BSHD {
			axes = "seq, heads, dim"
		}
		return fail("shape %v has rank %d; expected [%s] or [batch, %s]", info.Shape, len(info.Shape), axes, axes)
	}
	total := int64(1)
	for _, n := range d {
		if n == 0 {
			return fail("shape %v has a zero length; every dimension must be at least 1", info.Shape)
		}
		if int64(n) > maxElements/total {
			return fail("shape %v has more than 2^40 elements", info.Shape)
		}
		total *= int64(n)
	}
	if f.Layout == BSHD {
		d[1], d[2] = d[2], d[1]
	}
	return d, nil
}
