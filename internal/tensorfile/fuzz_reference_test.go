package tensorfile

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// difference is one from the safetensors package that is meant.
type difference struct {
	refusal *regexp.Regexp
	reason  string
}

// deliberate are the reader's refusals of files that the package reads.
var deliberate = []difference{
	{regexp.MustCompile(`the header has the name ".*" twice`), "one of the two would win without a word"},
	{regexp.MustCompile(`bytes? follows? the header's JSON object`), "the format pads with spaces; the package takes every white space of JSON"},
	{regexp.MustCompile(`the header is not a JSON object`), "the format's header begins with {, and the package takes white space before it"},
	{regexp.MustCompile(`the header nests deeper than`), "no writer nests at all beyond the format's three levels"},
	{regexp.MustCompile(`shape .* overflows`), "with a zero among the lengths, whose product the package takes; no array has such a shape"},
	{regexp.MustCompile(`__metadata__ is no JSON object`), "null, which the package takes for no metadata; no writer writes it"},
	{regexp.MustCompile(`has more than \d+ (names|numbers)`), "memory and time are bounded"},
}

// lenient are the package's refusals of files that the reader reads.
var lenient = []difference{
	{regexp.MustCompile(`expected a string`), "metadata are not read, and may be anything"},
	{regexp.MustCompile("(?s)unknown variant `.*`, expected one of `BOOL`"), "a tensor that nobody asks for is not judged"},
}

func isMeant(differences []difference, refusal string) bool {
	return slices.ContainsFunc(differences, func(d difference) bool { return d.refusal.MatchString(refusal) })
}

// reference is the safetensors package in a Python process of its own, where
// ANCHORVK_SAFETENSORS_PYTHON names a Python that has it (tools/fuzz.sh).
var reference struct {
	sync.Mutex
	started bool
	in      io.Writer
	out     *bufio.Reader
}

// verdict of the package on a file.
type verdict struct {
	Error   string                        `json:"error"`
	Tensors map[string][3]json.RawMessage `json:"tensors"`
}

// askReference gives a file to the package; false where there is none to ask.
func askReference(t testing.TB, file []byte) (v verdict, ok bool) {
	t.Helper()
	python := os.Getenv("ANCHORVK_SAFETENSORS_PYTHON")
	if python == "" {
		return v, false
	}
	reference.Lock()
	defer reference.Unlock()
	if !reference.started {
		command := exec.Command(python, filepath.Join("testdata", "reference.py"))
		command.Stderr = os.Stderr
		in, err := command.StdinPipe()
		require.NoError(t, err)
		out, err := command.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start()) // it ends when its stdin does, with this process
		reference.started, reference.in, reference.out = true, in, bufio.NewReader(out)
	}
	_, err := reference.in.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(file))), file...))
	require.NoError(t, err)
	line, err := reference.out.ReadBytes('\n')
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(line, &v), "%s", line)
	return v, true
}

// compareWithReference holds what the reader makes of a file, or why it refuses
// it, against the package.
func compareWithReference(t *testing.T, file []byte, got *File, refusal error) {
	t.Helper()
	want, ok := askReference(t, file)
	switch {
	case !ok:
	case refusal != nil && want.Error == "":
		require.True(t, isMeant(deliberate, refusal.Error()), "the package reads it: %s\nthe reader does not: %v", want.Tensors, refusal)
	case refusal == nil && want.Error != "":
		require.True(t, isMeant(lenient, want.Error), "the package refuses it: %s\nthe reader takes it: %s", want.Error, list(got.infos))
	case refusal == nil:
		require.Len(t, want.Tensors, len(got.infos))
		for name, info := range got.infos {
			theirs, ok := want.Tensors[name]
			require.True(t, ok, "the package has no tensor %q", name)
			data := file[info.begin : info.begin+info.size]
			for i, ours := range []any{info.DType, info.Shape, crc32.ChecksumIEEE(data)} {
				text, err := json.Marshal(ours)
				require.NoError(t, err)
				require.JSONEq(t, string(theirs[i]), string(text), "tensor %q", name)
			}
		}
	}
}
