package tensorfile

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/internal/plural"
)

// File is an open safetensors file whose header has passed every check.
// Tensor data is read when a tensor is loaded.
type File struct {
	// Layout is the order of the tensors' axes, BHSD unless it is set.
	Layout Layout

	ctx   context.Context // reading ends with it
	path  string
	data  io.ReaderAt
	close io.Closer
	infos map[string]Info
	meta  map[string]string
}

// Open is OpenContext without a context.
func Open(path string) (*File, error) { return OpenContext(context.Background(), path) }

// OpenContext reads and checks the header of the file at path. Reading the
// header, and tensors later, ends with ctx's error when ctx does.
func OpenContext(ctx context.Context, path string) (*File, error) {
	// Asked before opening, because to open a pipe waits for its writer.
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &FormatError{path, "", "no such file; give a safetensors file that has the tensors q, k and v"}
	case err != nil:
		return nil, &FormatError{path, "", "cannot be opened: " + cause(err).Error()}
	case info.IsDir():
		return nil, &FormatError{path, "", folder(path)}
	case !info.Mode().IsRegular():
		return nil, &FormatError{path, "", "not a regular file; its size must be known to check its header"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &FormatError{path, "", "cannot be opened: " + cause(err).Error()}
	}
	if info, err = f.Stat(); err != nil {
		_ = f.Close()
		return nil, &FormatError{path, "", "cannot be opened: " + cause(err).Error()}
	}
	file, err := open(ctx, f, info.Size(), path)
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
	return open(context.Background(), r, size, name)
}

func open(ctx context.Context, r io.ReaderAt, size int64, name string) (*File, error) {
	start := make([]byte, min(sniffed, size))
	if n, err := r.ReadAt(start, 0); n < len(start) {
		return nil, fmt.Errorf("%s: cannot read the header: %w", name, err)
	}
	fail := func(format string, args ...any) (*File, error) {
		if kind := foreign(start); kind != "" {
			return nil, &FormatError{name, "", kind}
		}
		return nil, &FormatError{name, "", fmt.Sprintf(format, args...)}
	}
	switch {
	case size == 0:
		return fail("is empty; whatever should have written it did not: give a safetensors file that has the tensors q, k and v")
	case size < 8:
		return fail("%s too few for a safetensors file; it is cut short or another format", plural.Of(size, "byte is", "bytes are"))
	}
	length := binary.LittleEndian.Uint64(start)
	switch {
	case length > uint64(size)-8:
		return fail("the header claims %s, but %d follow it; the file is cut short or not safetensors", plural.Of(length, "byte", "bytes"), size-8)
	case length > maxHeader:
		return fail("the header has %d bytes, more than the format's limit of %d; it is not safetensors", length, maxHeader)
	}
	entries, meta, err := readHeader(ctx, io.NewSectionReader(r, 8, int64(length)))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, errNoObject):
		return fail("%v", err)
	case err != nil:
		return nil, &FormatError{name, "", err.Error()}
	}
	begin := int64(length) + 8
	infos, err := checkEntries(name, entries, begin, size-begin)
	if err != nil {
		return nil, err
	}
	return &File{Layout: BHSD, ctx: ctx, path: name, data: r, infos: infos, meta: meta}, nil
}

// Close closes the file that Open opened.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close.Close()
}

// Metadata returns what the header's metadata say under one of the names that
// describe a capture: model, layer, heads, kv_heads and kv_head; "" for nothing.
func (f *File) Metadata(key string) string { return f.meta[key] }

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
	odd  oddities
}

// chunk is about how many bytes are read and converted at a time.
const chunk = 1 << 20

// Load reads a tensor as F16. BF16 and F32 are rounded to nearest even; NaN
// and infinities stay what they are. A finite value that F16 cannot hold is
// an error that names the element, and so is a tensor whose values are so small
// that F16 loses more than it does by rounding.
func (f *File) Load(name string) (Half, error) {
	half, _, err := f.load(name, 1, func(int64) int { return 0 })
	return half, err
}

// load is Load, and sums up what is lost by so many parts of the tensor, such
// as heads: part says to which one a row belongs. The sums are nil for F16.
func (f *File) load(name string, parts int, part func(row int64) int) (Half, []loss, error) {
	info, decode, width, err := f.readable(name)
	if err != nil {
		return Half{}, nil, err
	}
	half := Half{Info: info, Data: make([]float16.Float16, info.size/int64(width))}
	row := int64(1)
	if n := len(info.Shape); n > 0 {
		row = max(1, int64(info.Shape[n-1]))
	}
	var losses []loss
	if info.DType != "F16" {
		losses = make([]loss, parts)
	}
	err = f.chunks(info, width, func(first int64, bytes []byte) error {
		for i, to := 0, half.Data[first:]; i < len(bytes)/width; i++ {
			wide := float32(0)
			if losses == nil {
				to[i] = float16.Frombits(binary.LittleEndian.Uint16(bytes[2*i:]))
			} else {
				wide = decode(bytes[i*width:])
				to[i] = float16.Fromfloat32(wide) // rounds to nearest even
			}
			if to[i].Bits()&0x7c00 == 0x7c00 {
				if losses != nil && isFinite(wide) {
					return &FormatError{f.path, name, fmt.Sprintf(
						"element %v is %g, beyond the F16 range of +-65504; scale the tensor down before saving it", index(first+int64(i), info.Shape), wide)}
				}
				half.odd.add(to[i], first+int64(i))
				continue
			}
			if losses != nil {
				losses[part((first+int64(i))/row)].add(wide, to[i])
			}
		}
		return nil
	})
	if err != nil {
		return Half{}, nil, err
	}
	var total loss
	for _, l := range losses {
		total.merge(l)
	}
	if total.isTooMuch() {
		return Half{}, nil, &FormatError{f.path, name, fmt.Sprintf(
			"%v; scale the tensor up before saving it, by 2^%d or so, and take that out of the output (v) or of --scale (q, k)", &total, total.exponent())}
	}
	return half, losses, nil
}

// LoadF32 reads a tensor as it is in the file: F16, BF16 and F32 all fit F32.
func (f *File) LoadF32(name string) ([]float32, error) {
	info, decode, width, err := f.readable(name)
	if err != nil {
		return nil, err
	}
	data := make([]float32, info.size/int64(width))
	return data, f.chunks(info, width, func(first int64, bytes []byte) error {
		for i := range len(bytes) / width {
			data[first+int64(i)] = decode(bytes[i*width:])
		}
		return nil
	})
}

// readable returns how to read a tensor.
func (f *File) readable(name string) (info Info, decode func([]byte) float32, width int, err error) {
	if info, err = f.Info(name); err != nil {
		return info, nil, 0, err
	}
	if decode, width, err = decoder(info.DType); err != nil {
		return info, nil, 0, &FormatError{f.path, name, err.Error()}
	}
	return info, decode, width, nil
}

// chunks reads a tensor's data piece by piece; first is the position of a
// piece's first element.
func (f *File) chunks(info Info, width int, take func(first int64, bytes []byte) error) error {
	buffer := make([]byte, min(chunk, info.size))
	for done := int64(0); done < info.size; {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		part := buffer[:min(int64(len(buffer)), info.size-done)]
		if n, err := f.data.ReadAt(part, info.begin+done); n < len(part) {
			return fmt.Errorf("%s: tensor %q: cannot read its data: %w", f.path, info.Name, err)
		}
		if err := take(done/int64(width), part); err != nil {
			return err
		}
		done += int64(len(part))
	}
	return nil
}

func isFinite(x float32) bool { return x-x == 0 }

// index turns a flat position into one index per dimension.
func index(flat int64, shape []int) []int64 {
	at := make([]int64, len(shape))
	for i := len(shape) - 1; i >= 0; i-- {
		at[i] = flat % int64(shape[i])
		flat /= int64(shape[i])
	}
	return at
}
