// Package tensorfile reads and writes the tensors of the command in the
// safetensors format.
//
// The format is an 8-byte little-endian header length, a JSON header that
// gives each tensor's dtype, shape and byte range, and the data. Files are
// written by github.com/nlpodyssey/safetensors. They are read here, because a
// file is input from strangers: the header is decoded in bounded memory, and
// every claim of it is held against the size of the file before a byte is
// allocated for it. Tensors that are not asked for may have any type.
package tensorfile

import (
	"fmt"
	"math"
	"math/bits"
	"sort"
	"strings"

	"github.com/anchorvk/anchorvk/internal/plural"
)

// maxHeader is the format's own limit for the JSON header, in bytes.
const maxHeader = 100_000_000

// FormatError says what is wrong with a file or with a tensor in it.
type FormatError struct {
	Path   string // file
	Tensor string // tensor name, empty when the file as a whole is meant
	Why    string // what is wrong, and what to try where that is known
}

func (e *FormatError) Error() string {
	if e.Tensor != "" {
		return fmt.Sprintf("%s: tensor %q: %s", e.Path, e.Tensor, e.Why)
	}
	return e.Path + ": " + e.Why
}

// Info describes one tensor of a file.
type Info struct {
	Name  string
	DType string // F16, BF16, F32, ...
	Shape []int
	begin int64 // offset of the data in the file
	size  int64 // bytes
}

func (i Info) String() string { return fmt.Sprintf("%s %s%v", i.Name, i.DType, i.Shape) }

// bitsOf are the types whose size the format defines. Tensors of other types
// may lie in a file as long as nobody reads them.
var bitsOf = map[string]uint64{
	"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
	"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
	"U16": 16, "I16": 16, "F16": 16, "BF16": 16,
	"U32": 32, "I32": 32, "F32": 32,
	"U64": 64, "I64": 64, "F64": 64, "C64": 64,
}

// needs returns the bytes of a tensor of known type, and whether they can be
// counted.
func (e entry) needs() (size uint64, ok bool) {
	size = bitsOf[e.dtype]
	for _, n := range e.shape {
		high, low := bits.Mul64(size, n)
		if high != 0 || low > math.MaxInt64 || n > math.MaxInt {
			return 0, false
		}
		size = low
	}
	return size/8 + (size%8+7)/8, true
}

// checkEntries holds every entry of the header against the others and the
// data's size: byte ranges fit their shape and dtype and tile the data
// without a gap, an overlap or a rest.
func checkEntries(path string, tensors map[string]entry, dataStart, dataSize int64) (map[string]Info, error) {
	infos := make(map[string]Info, len(tensors))
	order := make([]string, 0, len(tensors))
	for name, t := range tensors {
		fail := func(format string, args ...any) error {
			return &FormatError{path, name, fmt.Sprintf(format, args...)}
		}
		if t.begin > t.end || t.end > uint64(dataSize) {
			return nil, fail("data_offsets [%d, %d] lie outside the file's %s; the file is cut short or its header is wrong", t.begin, t.end, plural.Of(dataSize, "data byte", "data bytes"))
		}
		if _, known := bitsOf[t.dtype]; known {
			need, ok := t.needs()
			switch {
			case !ok:
				return nil, fail("shape %v of %s overflows", t.shape, t.dtype)
			case need != t.end-t.begin:
				return nil, fail("shape %v of %s needs %s, but data_offsets give it %d", t.shape, t.dtype, plural.Of(need, "byte", "bytes"), t.end-t.begin)
			}
		}
		shape := make([]int, len(t.shape))
		for i, n := range t.shape {
			shape[i] = int(min(n, math.MaxInt)) // of an unknown type, for messages
		}
		infos[name] = Info{name, t.dtype, shape, dataStart + int64(t.begin), int64(t.end - t.begin)}
		order = append(order, name)
	}
	sort.Slice(order, func(i, j int) bool {
		a, b := infos[order[i]], infos[order[j]]
		if a.begin != b.begin {
			return a.begin < b.begin
		}
		if a.size != b.size {
			return a.size < b.size // an empty tensor may share its neighbour's offset
		}
		return a.Name < b.Name
	})
	next := dataStart
	for _, name := range order {
		info := infos[name]
		switch {
		case info.begin < next:
			return nil, &FormatError{path, name, "its data overlap another tensor's"}
		case info.begin > next:
			return nil, &FormatError{path, name, plural.Of(info.begin-next, "unused byte lies", "unused bytes lie") + " before its data"}
		}
		next += info.size
	}
	if rest := dataStart + dataSize - next; rest != 0 {
		return nil, &FormatError{path, "", plural.Of(rest, "byte follows", "bytes follow") + " the last tensor; the header is wrong or the file is damaged"}
	}
	return infos, nil
}

// list names the tensors of a file for an error message.
func list(infos map[string]Info) string {
	const most = 12
	var all []string
	for _, info := range infos {
		all = append(all, info.String())
	}
	sort.Strings(all)
	switch {
	case len(all) == 0:
		return "nothing"
	case len(all) > most:
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", len(all)-most)
	}
	return strings.Join(all, ", ")
}
