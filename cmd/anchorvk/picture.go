package main

import (
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"

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
}

const (
	panelSize  = 480 // most pixels of a panel's side
	panelGap   = 12
	labelSpace = 18 // above each panel, for its label in the SVG
)

var (
	colourNone   = color.RGBA{255, 255, 255, 255}
	colourAll    = color.RGBA{16, 62, 148, 255}
	colourFuture = color.RGBA{222, 222, 222, 255}
	colourPage   = color.RGBA{245, 245, 245, 255}
)

func newPicture(s attention.Shape, p attention.Params, stripes []byte) *picture {
	pic := &picture{shape: s, params: p, stripes: stripes, w: min(panelSize, s.KVLen), h: min(panelSize, s.QLen), columns: 1}
	for pic.columns < 4 && pic.columns*pic.columns < s.Batch*s.Heads {
		pic.columns++
	}
	return pic
}

// panel returns the place of the panel of head i.
func (p *picture) panel(i int) image.Point {
	return image.Pt(panelGap+i%p.columns*(p.w+panelGap), labelSpace+i/p.columns*(p.h+labelSpace))
}

func (p *picture) image() *image.RGBA {
	count := p.shape.Batch * p.shape.Heads
	rows := (count + p.columns - 1) / p.columns
	img := image.NewRGBA(image.Rect(0, 0, panelGap+p.columns*(p.w+panelGap), rows*(p.h+labelSpace)+panelGap))
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
	computed := overlap(lo, hi, 0, sink) + overlap(lo, hi, window, position+1)
	if from, to := max(lo, sink), min(hi, window); from < to {
		computed += kept[to] - kept[from]
	}
	share := float64(computed) / float64(hi-lo)
	mix := func(a, b uint8) uint8 { return uint8(float64(a) + share*(float64(b)-float64(a)) + 0.5) }
	return color.RGBA{mix(colourNone.R, colourAll.R), mix(colourNone.G, colourAll.G), mix(colourNone.B, colourAll.B), 255}
}

func overlap(lo, hi, from, to int) int { return max(0, min(hi, to)-max(lo, from)) }

func (p *picture) png(w io.Writer) error { return png.Encode(w, p.image()) }

// svg is the same picture with a label above each panel.
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
	for i := range p.shape.Batch * p.shape.Heads {
		at := p.panel(i)
		label := fmt.Sprintf("head %d", i%p.shape.Heads)
		if p.shape.Batch > 1 {
			label = fmt.Sprintf("batch %d, head %d", i/p.shape.Heads, i%p.shape.Heads)
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d">%s</text>`+"\n", at.X, at.Y-5, label)
	}
	fmt.Fprintln(&b, "</svg>")
	_, err := io.WriteString(w, b.String())
	return err
}
