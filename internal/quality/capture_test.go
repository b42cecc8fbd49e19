package quality

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/tensorfile"
)

// capture writes a file of 4 query heads and 2 KV heads with metadata.
func capture(t *testing.T, meta map[string]string) string {
	t.Helper()
	w := tensorfile.NewWriter(meta)
	for name, heads := range map[string]int{"q": 4, "k": 2, "v": 2} {
		require.NoError(t, w.AddF16(name, []int{heads, 5, 8}, make([]float16.Float16, heads*5*8)))
	}
	var b bytes.Buffer
	require.NoError(t, w.WriteFile(&b))
	path := filepath.Join(t.TempDir(), "capture.safetensors")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	return path
}

// describe opens a capture as the command does.
func describe(t *testing.T, path string, place int) (Capture, error) {
	t.Helper()
	file, err := tensorfile.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	return Describe(file, path, attention.Shape{Batch: 1, Heads: 4, KVHeads: 2, QLen: 5, KVLen: 5, HeadDim: 8}, place)
}

func TestCaptureNames(t *testing.T) {
	for _, c := range []struct {
		meta  map[string]string
		layer int
		heads []int
	}{
		{nil, 7, []int{0, 1, 2, 3}},
		{map[string]string{"model": "m", "layer": "20", "heads": "4, 5,6,7", "kv_heads": "2,3"}, 20, []int{4, 5, 6, 7}},
		{map[string]string{"heads": "4", "kv_heads": "2"}, 7, []int{0, 1, 2, 3}}, // how many there are
	} {
		got, err := describe(t, capture(t, c.meta), 7)
		require.NoError(t, err)
		require.Equal(t, c.layer, got.Layer)
		require.Equal(t, c.heads, got.Heads)
		require.Equal(t, c.meta["model"], got.Model)
		require.Equal(t, 4, got.Shape.Heads)
	}
}

func TestCaptureNamesThatCannotBe(t *testing.T) {
	for want, meta := range map[string]map[string]string{
		`layer "-1", which is no number`:                       {"layer": "-1"},
		`layer "last", which is no number`:                     {"layer": "last"},
		`heads "0,1,2" for a q of 4 heads: that is 3`:          {"heads": "0,1,2"},
		`heads "0,1,1,2" for a q of 4 heads: 1 is there twice`: {"heads": "0,1,1,2"},
		`heads "0,1,x,2" for a q of 4 heads: "x" is no number`: {"heads": "0,1,x,2"},
		`kv_heads "1,2,3" for a k of 2 heads: that is 3`:       {"kv_heads": "1,2,3"},
		`kv_head "0" for a k of 2 heads: that is 1`:            {"kv_head": "0"},
	} {
		path := capture(t, meta)
		_, err := describe(t, path, 0)
		var wrong *tensorfile.FormatError
		require.ErrorAs(t, err, &wrong)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, path)
	}
}

// Only a list of numbers, or one of a single head, says which of the model's heads
// a file holds.
func TestHeadsAreNamedByAList(t *testing.T) {
	for text, named := range map[string]bool{"": false, "4": false, "0,1,2,3": true, "8,9,3,1": true} {
		meta := map[string]string{"layer": "3"}
		if text != "" {
			meta["heads"] = text
		}
		c, err := describe(t, capture(t, meta), 0)
		require.NoError(t, err, text)
		require.Equal(t, named, c.Named, text)
		require.True(t, c.Holds(3, 1))
		require.False(t, c.Holds(2, 1))
		require.Equal(t, text == "8,9,3,1", c.Holds(3, 9))
	}
}
