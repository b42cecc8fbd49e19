package tensorfile

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/nlpodyssey/safetensors"
	"github.com/x448/float16"
)

// File is an open safetensors file whose header has passed every check.
// Tensor data is read when a tensor is loaded.
type File struct {
	path  string
	data  io.ReaderAt
	close io.Closer
	infos map[string]Info
}

// Open reads and checks the header of the file at path.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &FormatError{path, "", "no such file; give a safetensors file that has the tensors q, k and v"}
		}
		return nil, &FormatError{path, "", "cannot be opened: " + cause(err).Error()}
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &FormatError{path, "", "not a regular file; its size must be known to check its header"}
	}
	var file *File
	if err == nil {
		file, err = Parse(f, info.Size(), path)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	file.close = f
	return file, nil
}

// cause drops the operation and path of a PathError; FormatError has the path.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Parse checks the header of size bytes of safetensors in r. The name stands
// for the file in errors. The bytes must not change while the File is used.
func Parse(r io.ReaderAt, size int64, name string) (*File, error) {
	var prefix [8]byte
	if size < int64(len(prefix)) {
		return nil, &FormatError{name, "", fmt.Sprintf("%d bytes are too few for a safetensors file; it is cut short or another format", size)}
	}
	if _, err := r.ReadAt(prefix[:], 0); err != nil {
		return nil, fmt.Errorf("%s: cannot read the header: %w", name, err)
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > maxHeader && length <= uint64(size)-8 {
		return nil, &FormatError{name, "", fmt.Sprintf("the header has %d bytes, more than the format's limit of %d; it is not safetensors", length, maxHeader)}
	}
	if length > uint64(size)-8 {
		return nil, &FormatError{name, "", fmt.Sprintf("the header claims %d bytes, but %d follow it; the file is cut short or not safetensors", length, size-8)}
	}
	header := make([]byte, length)
	if _, err := r.ReadAt(header, 8); err != nil && !(err == io.EOF && int64(length)+8 == size) {
		return nil, fmt.Errorf("%s: cannot read the header: %w", name, err)
	}
	if err := checkHeaderJSON(header); err != nil {
		return nil, &FormatError{name, "", err.Error()}
	}
	var meta safetensors.Metadata
	if err := json.Unmarshal(header, &meta); err != nil {
		return nil, &FormatError{name, "", "wrong header: " + err.Error()}
	}
	start := int64(length) + 8
	infos, err := checkEntries(name, meta.Tensors(), start, size-start)
	if err != nil {
		return nil, err
	}
	return &File{path: name, data: r, infos: infos}, nil
}

// Close closes the file that Open opened.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close.Close()
}

// Info returns the description of a tensor.
func (f *File) Info(name string) (Info, error) {
	info, ok := f.infos[name]
	if !ok {
		return Info{}, &FormatError{f.path, name, "missing; the file has " + list(f.infos)}
	}
	return info, nil
}

// Half is a tensor converted to 16-bit floats, in row-major order.
type Half struct {
	Info
	Data []float16.Float16
}

// chunk is how many bytes are read and converted at a time.
const chunk = 1 << 20

// Load reads a tensor as F16. BF16 and F32 are rounded to nearest even; NaN
// and infinities stay what they are. A finite value that F16 cannot hold is
// an error that names the element.
func (f *File) Load(name string) (Half, error) {
	info, err := f.Info(name)
	if err != nil {
		return Half{}, err
	}
	convert, width, err := converter(info.DType)
	if err != nil {
		return Half{}, &FormatError{f.path, name, err.Error()}
	}
	half := Half{info, make([]float16.Float16, info.size/int64(width))}
	buffer := make([]byte, min(chunk, info.size))
	for done := int64(0); done < info.size; {
		part := buffer[:min(int64(len(buffer)), info.size-done)]
		if n, err := f.data.ReadAt(part, info.begin+done); n < len(part) {
			return Half{}, fmt.Errorf("%s: tensor %q: cannot read its data: %w", f.path, name, err)
		}
		first := done / int64(width)
		if bad := convert(half.Data[first:first+int64(len(part)/width)], part); bad >= 0 {
			at := first + int64(bad)
			value := part[bad*width : (bad+1)*width]
			return Half{}, &FormatError{f.path, name, fmt.Sprintf(
				"element %v is %g, beyond the F16 range of +-65504; scale the tensor down before saving it", index(at, info.Shape), decode(info.DType, value))}
		}
		done += int64(len(part))
	}
	return half, nil
}

// index turns a flat position into one index per dimension.
func index(flat int64, shape []int) []int64 {
	at := make([]int64, len(shape))
	for i := len(shape) - 1; i >= 0; i-- {
		at[i] = flat % int64(shape[i])
		flat /= int64(shape[i])
	}
	return at
}
