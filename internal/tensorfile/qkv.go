package tensorfile

import "fmt"

// Sizes are those of one attention call. They are checked against each other;
// whether a device or the algorithm can take them is not decided here.
type Sizes struct {
	Batched                                     bool // tensors have a leading batch dimension
	Batch, Heads, KVHeads, QLen, KVLen, HeadDim int
	DTypes                                      [3]string // of q, k and v in the file
}

// QKV is the input of one attention call.
type QKV struct {
	Sizes
	Q, K, V Half
}

// maxElements bounds a tensor so that positions and byte counts of every
// derived tensor stay far from overflow on 64-bit systems.
const maxElements int64 = 1 << 40

// names of the tensors of an attention call.
var names = [3]string{"q", "k", "v"}

// Sizes checks the tensors q [heads, q_len, head_dim], k and v
// [kv_heads, kv_len, head_dim], all with a leading batch dimension or all
// without, and returns their sizes. It reads no data.
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
	for i, to := range []*Half{&in.Q, &in.K, &in.V} {
		if *to, err = f.Load(names[i]); err != nil {
			return QKV{}, err
		}
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
