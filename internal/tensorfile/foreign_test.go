package tensorfile

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// zipped is an archive with one empty member.
func zipped(t *testing.T, member string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	_, err := w.Create(member)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// Files of other formats are called by their name, with what to do.
func TestOtherFormatsAreNamed(t *testing.T) {
	pad := func(start string) []byte { return append([]byte(start), make([]byte, 100)...) }
	for _, c := range []struct {
		name string
		file []byte
		want []string
	}{
		{"empty", nil, []string{"is empty", "q, k and v"}},
		{"GGUF", pad("GGUF\x03\x00\x00\x00"), []string{"is a GGUF or GGML file", "while the model runs"}},
		{"npz", zipped(t, "q.npy"), []string{"is an .npz file of numpy", "safetensors.numpy.save_file"}},
		{"npy", pad("\x93NUMPY\x01\x00v\x00{'descr'"), []string{"is a .npy file", "safetensors.numpy.save_file"}},
		{"torch", zipped(t, "archive/data.pkl"), []string{"is a file of torch.save", "safetensors.torch.save_file"}},
		{"torch with another first member", zipped(t, "model/byteorder"), []string{"is a file of torch.save"}},
		{"zip", zipped(t, "readme"), []string{"is a zip archive", "unpack it"}},
		{"pickle", pad("\x80\x02}q\x00(X\x01\x00\x00\x00q"), []string{"is a Python pickle", "safetensors.torch.save_file"}},
		{"index", []byte(`{"metadata": {"total_size": 1}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}`), []string{"is the index of a model in several files", "weight_map"}},
		{"JSON", []byte(`{"q": [1, 2, 3]}`), []string{"is JSON text"}},
		{"HDF5", pad("\x89HDF\r\n\x1a\n"), []string{"is an HDF5 file"}},
		{"gzip", pad("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"), []string{"is compressed", "unpack it"}},
		{"LFS", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"), []string{"is a pointer of Git LFS", "git lfs pull"}},
		{"text", []byte("these are no tensors"), []string{"the file is cut short or not safetensors"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "in")
			require.NoError(t, os.WriteFile(path, c.file, 0o600))
			_, err := Open(path)
			var format *FormatError
			require.ErrorAs(t, err, &format)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

// A header may begin with the bytes of another format.
func TestAHeaderMayLookForeign(t *testing.T) {
	text := `{"q":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`
	text += strings.Repeat(" ", '{'-len(text))
	f, err := parse(raw(text)) // its length is the character that begins JSON
	require.NoError(t, err)
	_, err = f.Info("q")
	require.NoError(t, err)
}

func TestAFolderNamesItsFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a [folder]")
	require.NoError(t, os.Mkdir(dir, 0o755))
	path := filepath.Join(dir, "qkv.safetensors")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err := Open(dir)
	require.EqualError(t, err, dir+": is a folder; give a file in it: "+path)
}

// Tensors that nobody reads may be of any type; one that is read is refused
// with the types that can be.
func TestTypesOfUnusedTensors(t *testing.T) {
	for dtype, bytes := range map[string]int{
		"F8_E4M3": 16, "F8_E5M2": 16, "F8_E8M0": 16, "F4": 8, "F6_E2M3": 12, "F6_E3M2": 12, "C64": 128, "F64": 128, "BOOL": 16, "NF4_OF_TOMORROW": 11,
	} {
		entry := func(name, dtype string, from, size int) string {
			return fmt.Sprintf(`%q:{"dtype":%q,"shape":[1,2,8],"data_offsets":[%d,%d]}`, name, dtype, from, from+size)
		}
		header := "{" + strings.Join([]string{entry("k", "F16", 0, 32), entry("q", "F16", 32, 32), entry("v", "F16", 64, 32), entry("other", dtype, 96, bytes)}, ",") + "}"
		f, err := parse(raw(header, make([]byte, 96+bytes)...))
		require.NoError(t, err, dtype)
		_, err = f.LoadQKV()
		require.NoError(t, err, dtype)

		header = "{" + strings.Join([]string{entry("k", "F16", 0, 32), entry("v", "F16", 32, 32), entry("q", dtype, 64, bytes)}, ",") + "}"
		f, err = parse(raw(header, make([]byte, 64+bytes)...))
		require.NoError(t, err, dtype)
		_, err = f.LoadQKV()
		require.EqualError(t, err, `x.st: tensor "q": dtype `+dtype+` is not supported; save it as F16, BF16 or F32`)

		if dtype == "NF4_OF_TOMORROW" {
			continue // nobody knows its size
		}
		header = "{" + entry("other", dtype, 0, bytes+8) + "}"
		_, err = parse(raw(header, make([]byte, bytes+8)...))
		require.ErrorContains(t, err, fmt.Sprintf("needs %d bytes, but data_offsets give it %d", bytes, bytes+8))
	}
}

// many is a header of names without end, as large as a test wants it.
type many struct {
	length   int64
	requests int
	cancel   context.CancelFunc
	after    int
}

func (m *many) ReadAt(p []byte, at int64) (int, error) {
	if m.requests++; m.cancel != nil && m.requests > m.after {
		m.cancel()
	}
	const line = `"%012d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`
	size := int64(len(fmt.Sprintf(line, 0)))
	for i := 0; i < len(p); {
		switch n := at + int64(i); {
		case n < 8:
			p[i] = binary.LittleEndian.AppendUint64(nil, uint64(m.length))[n]
			i++
		case n == 8:
			p[i] = '{'
			i++
		default:
			number, within := (n-9)/size, (n-9)%size
			i += copy(p[i:], fmt.Sprintf(line, number)[within:])
		}
	}
	return len(p), nil
}

// A header of a size that the format allows, full of names, is given up at a
// limit: before it costs memory or time.
func TestAHeaderOfManyNames(t *testing.T) {
	m := &many{length: 99_000_000}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Parse(m, m.length+8, "x.st")
	runtime.ReadMemStats(&after)
	require.EqualError(t, err, "x.st: the header has more than 131072 names; save q, k and v in a file of their own")
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(400<<20), "bytes allocated in all")

	// So is one whose metadata are endless.
	var text strings.Builder
	text.WriteString(`{"__metadata__":{`)
	for i := range maxNames + 1 {
		fmt.Fprintf(&text, `"%d":"",`, i)
	}
	text.WriteString(`"last":""}}`)
	_, err = parse(raw(text.String()))
	require.ErrorContains(t, err, "the header has more than 131072 names")
}

// Reading a header ends when it is interrupted.
func TestReadingAHeaderIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	m := &many{length: 99_000_000, cancel: cancel, after: 3}
	_, err := open(ctx, m, m.length+8, "x.st")
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, m.requests, 8)
}

// So does reading tensors.
func TestReadingTensorsIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	whole := small(t)
	f, err := open(ctx, bytes.NewReader(whole), int64(len(whole)), "x.st")
	require.NoError(t, err)
	cancel()
	_, err = f.LoadQKV()
	require.ErrorIs(t, err, context.Canceled)
}

var _ io.ReaderAt = (*many)(nil)

// Opening a pipe does not wait for its writer.
func TestAPipeIsRefusedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	makePipe(t, path)
	done := make(chan error, 1)
	go func() {
		_, err := Open(path)
		done <- err
	}()
	select {
	case err := <-done:
		require.ErrorContains(t, err, "not a regular file")
	case <-time.After(10 * time.Second):
		t.Fatal("waits for a writer")
	}
}
