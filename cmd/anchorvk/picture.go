package main

import (
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"github.com/anchorvk/anchorvk/attention"
)

// picture draws which part of the causal matrix was computed, one panel for
// each query head: rows are queries, columns are keys. A pixel's colour says
// which share of its (row, key) pairs was computed: white none, blue all;
// grey is the future.
type picture struct {
	shape   attention.Shape
	params  attention.Params
	stripes []byte // [batch, heads, groups, kv_len]
	w, h    int    // of a panel, in pixels
	columns int    // panels side by side
	title   []string
}

const (
	panelSize  = 480 // most pixels of a panel's side
	panelGap   = 12
	labelSpace = 18 // above each panel, for its label
	titleSpace = 16 // a line of the title
)

var (
	colourNone   = color.RGBA{255, 255, 255, 255}
	colourAll    = color.RGBA{16, 62, 148, 255}
	colourFuture = color.RGBA{222, 222, 222, 255}
	colourPage   = color.RGBA{245, 245, 245, 255}
)

func newPicture(s attention.Shape, p attention.Params, stripes []byte) *picture {
	pic := &picture{shape: s, params: p, stripes: stripes, w: min(panelSize, s.KVLen), h: min(panelSize, s.QLen), columns: 1}
	pic.title = []string{
		fmt.Sprintf("Computed (query, key) pairs of each head: theta %v, step %d, block %d", p.Theta, p.Step, p.Block),
		fmt.Sprintf("keys 0 to %d from left to right, queries at positions %d to %d downwards", s.KVLen-1, s.Prefix(), s.KVLen-1),
		"blue: computed   white: skipped   grey: the future",
	}
	if p.Tail > 0 {
		pic.title[0] += fmt.Sprintf(", tail %d", p.Tail)
	}
	for pic.columns < 4 && pic.columns*pic.columns < s.Batch*s.Heads {
		pic.columns++
	}
	return pic
}

// panel returns the place of the panel of head i.
func (p *picture) panel(i int) image.Point {
	return image.Pt(panelGap+i%p.columns*(p.w+panelGap), len(p.title)*titleSpace+labelSpace+i/p.columns*(p.h+labelSpace))
}

func (p *picture) image() *image.RGBA {
	count := p.shape.Batch * p.shape.Heads
	rows := (count + p.columns - 1) / p.columns
	width := panelGap + p.columns*(p.w+panelGap)
	for _, line := range p.title {
		width = max(width, 2*panelGap+textWidth(line))
	}
	img := image.NewRGBA(image.Rect(0, 0, width, len(p.title)*titleSpace+rows*(p.h+labelSpace)+panelGap))
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			img.SetRGBA(x, y, colourPage)
		}
	}
	for i := range count {
		p.draw(img, p.panel(i), i)
	}
	return img
}

// draw paints the panel of head i, counted over the batch.
func (p *picture) draw(img *image.RGBA, at image.Point, i int) {
	s, group := p.shape, p.params.Group()
	groups := (s.KVLen + group - 1) / group
	kept := make([]int, s.KVLen+1) // running count of stripes of one group
	last := -1
	for y := range p.h {
		// The middle row stands for the pixel's rows.
		position := s.Prefix() + (2*y+1)*s.QLen/(2*p.h)
		g := position / group
		if g != last {
			last = g
			for j, b := range p.stripes[(i*groups+g)*s.KVLen:][:s.KVLen] {
				kept[j+1] = kept[j] + int(b&1)
			}
		}
		window := max(p.params.Sink(), g*group-p.params.Window())
		if position >= s.KVLen-p.params.Tail || p.params.Head(i%s.Heads).IsDense() {
			window = 0 // such rows attend every key
		}
		for x := range p.w {
			lo, hi := x*s.KVLen/p.w, (x+1)*s.KVLen/p.w
			img.SetRGBA(at.X+x, at.Y+y, p.pixel(lo, hi, position, window, kept))
		}
	}
}

// pixel is the colour of the keys [lo, hi) in the row at a position.
func (p *picture) pixel(lo, hi, position, window int, kept []int) color.RGBA {
	if lo > position {
		return colourFuture
	}
	hi = min(hi, position+1)
	sink := p.params.Sink()
	computed := overlap(lo, hi, 0, min(sink, window)) + overlap(lo, hi, window, position+1)
	if from, to := max(lo, sink), min(hi, window); from < to {
		computed += kept[to] - kept[from]
	}
	share := float64(computed) / float64(hi-lo)
	mix := func(a, b uint8) uint8 { return uint8(float64(a) + share*(float64(b)-float64(a)) + 0.5) }
	return color.RGBA{mix(colourNone.R, colourAll.R), mix(colourNone.G, colourAll.G), mix(colourNone.B, colourAll.B), 255}
}

func overlap(lo, hi, from, to int) int { return max(0, min(hi, to)-max(lo, from)) }

// label names the panel of head i.
func (p *picture) label(i int) string {
	text := fmt.Sprintf("head %d", i%p.shape.Heads)
	if p.shape.Batch > 1 {
		text = fmt.Sprintf("batch %d, %s", i/p.shape.Heads, text)
	}
	switch own := p.params.Head(i % p.shape.Heads); own.Mode {
	case attention.HeadDefault:
	case attention.HeadAnchor:
		text += fmt.Sprintf(", theta %v", own.Theta)
	default:
		text += fmt.Sprintf(", %v", own.Mode)
	}
	return text
}

// texts calls draw for every line of text and its place, the left end of its
// base line.
func (p *picture) texts(draw func(x, y int, text string)) {
	for i, line := range p.title {
		draw(panelGap, (i+1)*titleSpace, line)
	}
	for i := range p.shape.Batch * p.shape.Heads {
		at := p.panel(i)
		draw(at.X, at.Y-5, p.label(i))
	}
}

// face is the letters of a PNG, 7 pixels wide.
var face = basicfont.Face7x13

func textWidth(text string) int { return font.MeasureString(face, text).Ceil() }

func (p *picture) png(w io.Writer) error {
	img := p.image()
	p.texts(func(x, y int, text string) {
		d := font.Drawer{Dst: img, Src: image.NewUniform(color.Black), Face: face, Dot: fixed.P(x, y)}
		d.DrawString(text)
	})
	return png.Encode(w, img)
}

// svg is the same picture with its texts as text.
func (p *picture) svg(w io.Writer) error {
	img := p.image()
	var data strings.Builder
	encoder := base64.NewEncoder(base64.StdEncoding, &data)
	if err := png.Encode(encoder, img); err != nil {
		return err
	}
	if err := encoder.Close(); err != nil { // flushes the last bytes
		return err
	}
	var b strings.Builder
	width, height := img.Rect.Dx(), img.Rect.Dy()
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<image width="%d" height="%d" href="data:image/png;base64,%s"/>`+"\n", width, height, data.String())
	p.texts(func(x, y int, text string) {
		fmt.Fprintf(&b, `<text x="%d" y="%d">%s</text>`+"\n", x, y, text)
	})
	fmt.Fprintln(&b, "</svg>")
	_, err := io.WriteString(w, b.String())
	return err
}
