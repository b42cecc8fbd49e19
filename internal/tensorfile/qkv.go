package tensorfile

import "fmt"

// QKV is the input of one attention call. Dimensions are checked against
// each other; whether a device or the algorithm can take them is not decided
// here.
type QKV struct {
	Q, K, V                                     Half
	Batched                                     bool // tensors have a leading batch dimension
	Batch, Heads, KVHeads, QLen, KVLen, HeadDim int
}

// maxElements bounds a tensor so that positions and byte counts of every
// derived tensor stay far from overflow on 64-bit systems.
const maxElements int64 = 1 << 40

// LoadQKV reads the tensors q [heads, q_len, head_dim], k and v
// [kv_heads, kv_len, head_dim], all with a leading batch dimension or all
// without. Shapes are checked before any data is read.
func (f *File) LoadQKV() (QKV, error) {
	var in QKV
	var dims [3][4]int
	var ranks [3]int
	names := [3]string{"q", "k", "v"}
	for i, name := range names {
		info, err := f.Info(name)
		if err != nil {
			return QKV{}, err
		}
		if dims[i], err = f.dims(info); err != nil {
			return QKV{}, err
		}
		ranks[i] = len(info.Shape)
	}
	q, k, v := dims[0], dims[1], dims[2]
	fail := func(tensor, format string, args ...any) (QKV, error) {
		return QKV{}, &FormatError{f.path, tensor, fmt.Sprintf(format, args...)}
	}
	switch {
	case ranks[1] != ranks[0] || ranks[2] != ranks[0]:
		return fail("", "q, k and v have ranks %d, %d and %d; give all of them a batch dimension or none", ranks[0], ranks[1], ranks[2])
	case k != v:
		return fail("v", "shape %v differs from k's %v; they must be equal", v[4-ranks[2]:], k[4-ranks[1]:])
	case q[0] != k[0]:
		return fail("q", "batch %d differs from k's %d", q[0], k[0])
	case q[3] != k[3]:
		return fail("q", "head_dim %d differs from k's %d", q[3], k[3])
	case q[1]%k[1] != 0:
		return fail("q", "%d query heads cannot share %d KV heads; the first must be a multiple of the second", q[1], k[1])
	case q[2] > k[2]:
		return fail("q", "%d query positions but only %d keys; queries are the last positions of the keys", q[2], k[2])
	}
	in.Batched = ranks[0] == 4
	in.Batch, in.Heads, in.KVHeads = q[0], q[1], k[1]
	in.QLen, in.KVLen, in.HeadDim = q[2], k[2], q[3]
	for i, to := range []*Half{&in.Q, &in.K, &in.V} {
		half, err := f.Load(names[i])
		if err != nil {
			return QKV{}, err
		}
		*to = half
	}
	return in, nil
}

// dims returns [batch, heads, seq, dim] of a rank 3 or 4 tensor.
func (f *File) dims(info Info) ([4]int, error) {
	fail := func(format string, args ...any) ([4]int, error) {
		return [4]int{}, &FormatError{f.path, info.Name, fmt.Sprintf(format, args...)}
	}
	if _, _, err := converter(info.DType); err != nil {
		return fail("%v", err)
	}
	d := [4]int{1, 1, 1, 1}
	switch len(info.Shape) {
	case 3, 4:
		copy(d[4-len(info.Shape):], info.Shape)
	default:
		return fail("shape %v has rank %d; expected [heads, seq, dim] or [batch, heads, seq, dim]", info.Shape, len(info.Shape))
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
	return d, nil
}
