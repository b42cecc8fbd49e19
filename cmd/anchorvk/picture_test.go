package main

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
)

// TestPicture draws one head at one pixel per row and key.
func TestPicture(t *testing.T) {
	s := attention.Shape{Batch: 1, Heads: 2, KVHeads: 1, QLen: 128, KVLen: 128, HeadDim: 8}
	p := attention.Params{Step: 2, Block: 16, SinkBlocks: 1, WindowBlocks: 1}
	stripes := make([]byte, 2*4*128)
	stripes[4*128+3*128+40] = 1 // head 1, group 3, key 40
	pic := newPicture(s, p, stripes)
	img := pic.image()
	at := func(head, row, key int) color.RGBA {
		origin := pic.panel(head)
		return img.RGBAAt(origin.X+key, origin.Y+row)
	}
	for _, c := range []struct {
		head, row, key int
		want           color.RGBA
		what           string
	}{
		{1, 100, 40, colourAll, "the stripe"},
		{0, 100, 40, colourNone, "another head's stripe"},
		{1, 90, 40, colourNone, "another group's stripe"},
		{1, 100, 41, colourNone, "beside the stripe"},
		{1, 100, 15, colourAll, "the end of the sink"},
		{1, 100, 16, colourNone, "after the sink"},
		{1, 100, 79, colourNone, "before the window"},
		{1, 100, 80, colourAll, "the start of the window"},
		{1, 100, 100, colourAll, "the row itself"},
		{1, 100, 101, colourFuture, "the future"},
		{0, 5, 5, colourAll, "the first group"},
	} {
		require.Equal(t, c.want, at(c.head, c.row, c.key), c.what)
	}
}

// Dense heads and the rows of the tail attend every key, whatever the stripes say.
func TestPictureShowsDenseHeadsAndTheTail(t *testing.T) {
	s := attention.Shape{Batch: 2, Heads: 3, KVHeads: 1, QLen: 64, KVLen: 128, HeadDim: 8}
	p := attention.Params{Step: 2, Block: 16, SinkBlocks: 1, WindowBlocks: 1, Tail: 5}
	p.Heads = []attention.Head{{}, {Mode: attention.HeadDense}, {Mode: attention.HeadAnchor, Theta: 3}}
	pic := newPicture(s, p, make([]byte, 2*3*4*128))
	img := pic.image()
	for i := range 6 {
		for _, row := range []int{0, 58, 59, 63} {
			for key := range 128 {
				want := colourNone
				position := 64 + row
				switch {
				case key > position:
					want = colourFuture
				case i%3 == 1 || row >= 59 || key < 16 || key >= position/32*32-16:
					want = colourAll
				}
				at := pic.panel(i)
				require.Equal(t, want, img.RGBAAt(at.X+key, at.Y+row), "panel %d, row %d, key %d", i, row, key)
			}
		}
	}
	require.Equal(t, "batch 1, head 0", pic.label(3))
	require.Equal(t, "batch 1, head 1, dense", pic.label(4))
	require.Equal(t, "batch 0, head 2, theta 3", pic.label(2))
	require.Contains(t, pic.title[0], "tail 5")
}

func TestPictureMixesWhatAPixelHolds(t *testing.T) {
	s := attention.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 1, KVLen: 4096, HeadDim: 8}
	p := attention.DefaultParams()
	pic := newPicture(s, p, make([]byte, 2*4096))
	require.Equal(t, panelSize, pic.w)
	kept := make([]int, 4097)
	for j := 1001; j <= 4096; j++ {
		kept[j] = kept[j-1]
		if j <= 1004 {
			kept[j]++
		}
	}
	got := pic.pixel(1000, 1008, 4095, 1920, kept)
	require.Equal(t, color.RGBA{136, 159, 202, 255}, got, "half of its 8 keys are kept")
}

func TestPictureFiles(t *testing.T) {
	dir := t.TempDir()
	input := qkv(t, dir)
	for _, name := range []string{"kept.png", "kept.SVG"} {
		path := filepath.Join(dir, name)
		code, _, stderr := invoke(newFake(), nil, append([]string{"run", "-i", input, "--picture", path}, small...)...)
		require.Equal(t, 0, code, stderr)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		if name == "kept.png" {
			img, err := png.Decode(bytes.NewReader(data))
			require.NoError(t, err)
			require.GreaterOrEqual(t, img.Bounds().Dx(), 2*150+3*panelGap, "4 heads, 2 panels side by side")
			pic := newPicture(attention.Shape{Batch: 1, Heads: 4, KVHeads: 2, QLen: 100, KVLen: 150, HeadDim: 16}, attention.DefaultParams(), nil)
			written := 0
			pic.texts(func(x, y int, text string) {
				black := 0
				for dx := range textWidth(text) {
					for dy := range face.Ascent {
						if r, _, _, _ := img.At(x+dx, y-dy).RGBA(); r == 0 {
							black++
						}
					}
				}
				require.Greater(t, black, 10*len(strings.ReplaceAll(text, " ", ""))/2, "ink of %q", text)
				require.LessOrEqual(t, x+textWidth(text), img.Bounds().Dx(), "%q is whole", text)
				written++
			})
			require.Equal(t, 3+4, written, "three lines of title, four heads")
			continue
		}
		require.Equal(t, 3+4, bytes.Count(data, []byte("<text ")), "a title, and a label for each head")
		require.Contains(t, string(data), ">head 3</text>")
		require.True(t, bytes.HasSuffix(data, []byte("</svg>\n")))
	}
}
