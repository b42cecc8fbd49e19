// Package tensorfile reads and writes the tensors of the command in the
// safetensors format.
//
// The format is an 8-byte little-endian header length, a JSON header that
// gives each tensor's dtype, shape and byte range, and the data. Decoding of
// the header's entries is github.com/nlpodyssey/safetensors; the checks
// around it are here, because a file is input from strangers: every claim of
// the header is held against the size of the file before a byte is allocated
// for it.
package tensorfile

import (
	"fmt"
	"math"
	"math/bits"
	"sort"
	"strings"

	"github.com/nlpodyssey/safetensors"
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

// checkEntries holds every entry of the header against the others and the
// data's size: byte ranges fit their shape and dtype and tile the data
// without a gap, an overlap or a rest.
func checkEntries(path string, tensors map[string]*safetensors.TensorInfo, dataStart, dataSize int64) (map[string]Info, error) {
	infos := make(map[string]Info, len(tensors))
	order := make([]string, 0, len(tensors))
	for name, t := range tensors {
		fail := func(format string, args ...any) error {
			return &FormatError{path, name, fmt.Sprintf(format, args...)}
		}
		begin, end := t.DataOffsets[0], t.DataOffsets[1]
		if begin > end || end > uint64(dataSize) {
			return nil, fail("data_offsets [%d, %d] lie outside the file's %d data bytes; the file is cut short or its header is wrong", begin, end, dataSize)
		}
		shape := make([]int, len(t.Shape))
		need := t.DType.Size()
		for i, n := range t.Shape {
			high, low := bits.Mul64(need, n)
			if high != 0 || low > math.MaxInt64 || n > math.MaxInt {
				return nil, fail("shape %v of %s overflows", t.Shape, t.DType)
			}
			need, shape[i] = low, int(n)
		}
		if need != end-begin {
			return nil, fail("shape %v of %s needs %d bytes, but data_offsets give it %d", t.Shape, t.DType, need, end-begin)
		}
		infos[name] = Info{name, t.DType.String(), shape, dataStart + int64(begin), int64(need)}
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
			return nil, &FormatError{path, name, fmt.Sprintf("%d unused bytes lie before its data", info.begin-next)}
		}
		next += info.size
	}
	if rest := dataStart + dataSize - next; rest != 0 {
		return nil, &FormatError{path, "", fmt.Sprintf("%d bytes follow the last tensor; the header is wrong or the file is damaged", rest)}
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
