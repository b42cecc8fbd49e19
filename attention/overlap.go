package attention

import (
	"unsafe"

	"github.com/anchorvk/anchorvk/vk"
)

// place is where the elements of a tensor or of another argument lie: rows of
// neighbouring bytes, repeated along up to three axes.
type place struct {
	name    string
	buffer  *vk.Buffer // nil: host memory
	start   int        // of the first row: an address in host memory, or an offset in the buffer
	row     int        // bytes of a row
	strides [3]int     // in bytes
	counts  [3]int     // 1 or more
}

// placeOf is the place of a valid tensor.
func placeOf(name string, t *Tensor) place {
	p := place{name: name, buffer: t.Buffer, start: int(t.Offset), row: halfBytes * t.Shape[3]}
	if t.Host != nil {
		p.start = int(uintptr(unsafe.Pointer(unsafe.SliceData(t.Host))))
	}
	for axis, stride := range t.Strides {
		p.counts[axis] = t.Shape[axis]
		if t.Shape[axis] > 1 { // else the stride means nothing
			p.strides[axis] = halfBytes * stride
		}
	}
	return p
}

// flat is the place of size bytes in a row.
func flat(name string, buffer *vk.Buffer, start, size int) place {
	return place{name: name, buffer: buffer, start: start, row: size, counts: [3]int{1, 1, 1}}
}

func hostPlace[T any](name string, s []T) place {
	var one T
	return flat(name, nil, int(uintptr(unsafe.Pointer(unsafe.SliceData(s)))), len(s)*int(unsafe.Sizeof(one)))
}

// end is the first byte after the last element.
func (p *place) end() int {
	end := p.start + p.row
	for axis, stride := range p.strides {
		end += (p.counts[axis] - 1) * stride
	}
	return end
}

// checkOverlap refuses outputs that share memory with what is read, or with
// each other: kernels read and write in no order that a caller could know of.
// O may lie over Q element by element, since every row of O is written by those
// who have read the row of Q. Inputs may share all they like.
func checkOverlap(in *Inputs, out *Outputs, lse int) error {
	q, k, v, o := placeOf("Q", &in.Q), placeOf("K", &in.K), placeOf("V", &in.V), placeOf("O", &out.O)
	if !o.same(&q) {
		if err := apart(&o, &q); err != nil {
			return err
		}
	}
	if err := apart(&o, &k, &v); err != nil {
		return err
	}
	if out.LSE != nil {
		p := hostPlace("LSE", out.LSE)
		if err := apart(&p, &q, &k, &v, &o); err != nil {
			return err
		}
	}
	if out.LSEBuffer != nil {
		p := flat("LSEBuffer", out.LSEBuffer, int(out.LSEOffset), 4*lse)
		if err := apart(&p, &q, &k, &v, &o); err != nil {
			return err
		}
	}
	if out.Stripes != nil {
		p, l := hostPlace("Stripes", out.Stripes), hostPlace("LSE", out.LSE)
		return apart(&p, &q, &k, &v, &o, &l)
	}
	return nil
}

// same says whether two places are equal element by element.
func (p *place) same(other *place) bool {
	distance, ok := p.distance(other)
	return ok && distance == 0 && p.row == other.row && p.strides == other.strides && p.counts == other.counts
}

// distance is how many bytes after p the other one starts, where they lie in
// the same memory.
func (p *place) distance(other *place) (int, bool) {
	if p.buffer == nil || other.buffer == nil {
		return other.start - p.start, p.buffer == other.buffer
	}
	bytes, ok := p.buffer.Shares(other.buffer)
	return int(bytes) + other.start - p.start, ok
}

// apart says that an output has an element in common with one of others, or
// may have: then the strides are too odd to tell in little time.
func apart(written *place, others ...*place) error {
	for _, other := range others {
		distance, ok := written.distance(other)
		if !ok || distance >= written.end()-written.start || -distance >= other.end()-other.start {
			continue
		}
		switch meet(written, other, distance) {
		case certain:
			return argument(written.name, overlapTry(written.name), "shares memory with %s: it begins %d bytes %s, and elements of both lie in the same place", other.name, max(distance, -distance), beforeOrAfter(distance))
		case unknown:
			return argument(written.name, overlapTry(written.name), "may share memory with %s: both reach over the same bytes, with strides too irregular to tell their elements apart", other.name)
		}
	}
	return nil
}

func overlapTry(name string) string {
	if name == "O" {
		return "give it memory of its own, or exactly that of Q with the same strides"
	}
	return "give it memory of its own"
}

func beforeOrAfter(distance int) string {
	if distance < 0 {
		return "after it"
	}
	return "before it"
}

// verdict is the answer to whether two places have an element in common.
type verdict int

const (
	never verdict = iota
	certain
	unknown
)

// meet says whether two places have a byte in common, where b starts distance
// bytes after a: whether there are counts x and y of steps with
//
//	sum(a.strides x) - sum(b.strides y) in (distance - a.row, distance + b.row)
//
// Steps of equal length are taken together, which leaves few axes: none but the
// batch where O has lanes of its own among those of Q, K and V.
func meet(a, b *place, distance int) verdict {
	var s search
	for axis := range 3 {
		s.add(a.strides[axis], 0, a.counts[axis]-1)
		s.add(b.strides[axis], 1-b.counts[axis], 0)
	}
	s.sort()
	s.left = maxSearch
	found := s.within(0, distance-a.row+1, distance+b.row-1)
	if s.left < 0 {
		return unknown
	}
	if found {
		return certain
	}
	return never
}

// maxSearch bounds the steps of a search: a few microseconds.
const maxSearch = 1000

// search looks for a sum of steps that lies in a range.
type search struct {
	axes [6]struct{ step, least, most int } // least to most times step
	used int
	left int // of maxSearch; negative: given up
}

func (s *search) add(step, least, most int) {
	if step == 0 {
		return
	}
	for i := range s.used {
		if a := &s.axes[i]; a.step == step {
			a.least, a.most = a.least+least, a.most+most
			return
		}
	}
	a := &s.axes[s.used]
	a.step, a.least, a.most = step, least, most
	s.used++
}

// sort puts the longest steps first.
func (s *search) sort() {
	for i := 1; i < s.used; i++ {
		for j := i; j > 0 && s.axes[j].step > s.axes[j-1].step; j-- {
			s.axes[j], s.axes[j-1] = s.axes[j-1], s.axes[j]
		}
	}
}

// within says whether steps of the axes from first on add up to a number from
// low to high.
func (s *search) within(first, low, high int) bool {
	if s.left--; s.left < 0 {
		return false
	}
	if first == s.used {
		return low <= 0 && high >= 0
	}
	least, most, divisor := 0, 0, s.axes[first].step
	for _, a := range s.axes[first:s.used] {
		least, most, divisor = least+a.step*a.least, most+a.step*a.most, gcd(divisor, a.step)
	}
	low, high = max(low, least), min(high, most)
	if floorDiv(high, divisor)*divisor < low { // all sums are multiples of it
		return false
	}
	a := s.axes[first]
	if first == s.used-1 {
		return true
	}
	least, most = least-a.step*a.least, most-a.step*a.most // of the axes that come after
	from, to := max(a.least, -floorDiv(most-low, a.step)), min(a.most, floorDiv(high-least, a.step))
	for n := from; n <= to; n++ {
		if s.within(first+1, low-n*a.step, high-n*a.step) {
			return true
		}
		if s.left < 0 {
			return false
		}
	}
	return false
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// floorDiv divides by a positive number and rounds down.
func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
