package report

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stream adds the records of the test's document one by one, and returns what
// is there after each and at the end.
func stream(t *testing.T, f Format) (after []string, whole string) {
	t.Helper()
	d := document()
	records := d.Records
	d.Records = nil
	var b strings.Builder
	s := NewStream(d, &b, f)
	for _, r := range records {
		require.NoError(t, s.Add(r))
		after = append(after, b.String())
	}
	require.NoError(t, s.Close())
	return after, b.String()
}

// A stream ends up as the document does, except the widths of columns, which
// it has to know before the last row.
func TestStream(t *testing.T) {
	for _, f := range []Format{JSON, CSV, JSONL} {
		after, whole := stream(t, f)
		require.Equal(t, render(t, document(), f), whole, "%s", f)
		if f == JSONL {
			require.Equal(t, []int{1, 2}, []int{strings.Count(after[0], "\n"), strings.Count(after[1], "\n")})
		} else {
			require.Equal(t, []string{"", ""}, after, "%s", f)
		}
	}
	after, whole := stream(t, Markdown)
	require.Equal(t, `| mode      | theta | ms      | ratio  | bytes |
| ---       | --:   | --:     | --:    | ---   |
| anchor\|x | 12    | 1234.57 | 25.0 % | 3 MiB |
`, after[0])
	require.Equal(t, after[0]+"| dense     | -inf  | -       | -      | 1023 B |\n2 passed\n", whole)
	d := document()
	d.Records = nil
	var b strings.Builder
	s := NewStream(d, &b, Markdown)
	require.Error(t, s.Add(broken{}))
	require.Empty(t, b.String())
	require.NoError(t, s.Close())
	require.Contains(t, b.String(), "| mode |")
}
