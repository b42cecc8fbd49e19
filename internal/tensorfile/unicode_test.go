package tensorfile

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// Go's decoder would replace these by U+FFFD, and two names might become one.
func TestHeaderMustBeUnicode(t *testing.T) {
	for name, want := range map[string]string{
		"\xff":                "it is not UTF-8",
		`\ud800`:              "half a surrogate pair",
		`\ude00\ud83d`:        "half a surrogate pair",
		`\ud83dx`:             "half a surrogate pair",
		`\ud83d\n`:            "half a surrogate pair",
		`\ud83d\ude00`:        "",
		`\\ud800`:             "",
		`\u00e9\"\ufffd`:      "",
		"é \U0001f600 \ufffd": "",
	} {
		_, err := parse(raw(`{"`+name+`":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 0))
		if want == "" {
			require.NoError(t, err, "%q", name)
		} else {
			require.ErrorContains(t, err, want, "%q", name)
		}
	}
}

// The reader may get the header in parts of any size.
func TestUnicodeReaderInParts(t *testing.T) {
	for text, want := range map[string]error{
		`{"é\ud83d\ude00 \\ud83d \n":1}`: nil, "{\"é\xff\":1}": errNotUTF8, `{"\ud83d":1}`: errHalfPair, "{\"\xc3": errNotUTF8,
	} {
		got, err := io.ReadAll(&unicodeReader{r: iotest.OneByteReader(strings.NewReader(text))})
		require.ErrorIs(t, err, want, text)
		if want == nil {
			require.Equal(t, text, string(got))
		}
	}
}
