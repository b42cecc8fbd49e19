package attention

import (
	"fmt"
	"math"

	"github.com/anchorvk/anchorvk/internal/plural"
)

// HeadMode is how one query head is computed where its model needs another way
// than the rest.
type HeadMode int

const (
	// HeadDefault leaves a head to Params.
	HeadDefault HeadMode = iota
	// HeadAnchor gives a head a choice of its own: by pooled rows with a Theta, or
	// by sampled ones with a Weight.
	HeadAnchor
	// HeadDense lets a head's rows attend every key. It has no stripes.
	HeadDense
	// HeadAnchorOnly keeps no stripes in a head, and no guard looks after it.
	HeadAnchorOnly
)

var headModes = [...]string{HeadDefault: "default", HeadAnchor: "anchor", HeadDense: "dense", HeadAnchorOnly: "anchor_only"}

// String returns "default", "anchor", "dense" or "anchor_only".
func (m HeadMode) String() string {
	if m < 0 || int(m) >= len(headModes) {
		return fmt.Sprintf("HeadMode(%d)", int(m))
	}
	return headModes[m]
}

// MarshalText writes the mode's name, so that JSON shows it.
func (m HeadMode) MarshalText() ([]byte, error) {
	if m < 0 || int(m) >= len(headModes) {
		return nil, argument("HeadMode", "use HeadDefault, HeadAnchor, HeadDense or HeadAnchorOnly", "is %d, which is no mode", int(m))
	}
	return []byte(headModes[m]), nil
}

// UnmarshalText reads what MarshalText writes.
func (m *HeadMode) UnmarshalText(text []byte) error {
	for i, name := range headModes {
		if name == string(text) {
			*m = HeadMode(i)
			return nil
		}
	}
	return argument("HeadMode", "use default, anchor, dense or anchor_only", "is %q, which is no mode", text)
}

// Head is what one query head has of its own. The zero value is nothing.
type Head struct {
	Mode HeadMode `json:"mode"`
	// Theta has pooled rows choose the head's stripes, with HeadAnchor only.
	Theta float64 `json:"theta"`
	// Weight, above 0, has the rows of Params.Sample choose them instead, with
	// HeadAnchor only; Theta is 0 then.
	Weight float64 `json:"weight,omitempty"`
}

func (h Head) validate(i int, sample Sample) error {
	field := fmt.Sprintf("Params.Heads[%d]", i)
	switch {
	case h.Mode < 0 || int(h.Mode) >= len(headModes):
		return argument(field+".Mode", "use HeadDefault, HeadAnchor, HeadDense or HeadAnchorOnly", "is %d, which is no mode", int(h.Mode))
	case math.IsNaN(h.Theta):
		return argument(field+".Theta", "use a number such as 12", "is NaN")
	case h.Mode != HeadAnchor && h.Theta != 0:
		return argument(field+".Theta", "set Mode to HeadAnchor, or leave Theta 0", "is %v, and mode %v has no theta", h.Theta, h.Mode)
	case h.Mode != HeadAnchor && h.Weight != 0:
		return argument(field+".Weight", "set Mode to HeadAnchor, or leave Weight 0", "is %v, and mode %v has no weight", h.Weight, h.Mode)
	case h.Weight == 0:
		return nil
	case h.Theta != 0:
		return argument(field+".Weight", "leave one of them 0: pooled rows use the theta, sampled rows the weight", "is %v beside a theta of %v", h.Weight, h.Theta)
	case !weightInRange(h.Weight):
		return argument(field+".Weight", "use a number such as 0.2", "is %v, outside of %.1e to %.1e", h.Weight, smallestWeight, math.MaxFloat32)
	case !sample.On():
		return argument(field+".Weight", "use a theta, or parameters with sampled rows, such as those of preset safe", "is %v, but there are no sampled rows to choose by", h.Weight)
	}
	return nil
}

// Head is what query head h has of its own.
func (p Params) Head(h int) Head {
	if len(p.Heads) == 0 {
		return Head{}
	}
	return p.Heads[h]
}

// IsDense says whether a head's rows attend every key.
func (h Head) IsDense() bool { return h.Mode == HeadDense }

// thetaOf is the theta of a head that is not dense.
func (p Params) thetaOf(h Head) float64 {
	switch h.Mode {
	case HeadAnchor:
		return h.Theta
	case HeadAnchorOnly:
		return math.Inf(-1)
	}
	return p.Theta
}

// weightOf is the weight of a head whose stripes sampled rows choose.
func (p Params) weightOf(h Head) float64 {
	if h.Weight != 0 {
		return h.Weight
	}
	return p.Sample.Weight
}

// guardsHead says whether the guard looks after a head: with every candidate
// kept there is nothing to miss.
func (p Params) guardsHead(h Head) bool {
	return p.Guard.On() && !h.IsDense() && h.Mode != HeadAnchorOnly && !math.IsInf(p.thetaOf(h), 1)
}

// validateFor adds to Validate what depends on the number of heads.
func (p Params) validateFor(s Shape) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if len(p.Heads) != 0 && len(p.Heads) != s.Heads {
		return argument("Params.Heads", "give one for each query head, or none", "has %s for %s", plural.Of(len(p.Heads), "entry", "entries"), plural.Of(s.Heads, "query head", "query heads"))
	}
	return nil
}

// headSpan is a run of neighbouring query heads that are dispatched together:
// they are computed alike, and their tensors can be bound at once.
type headSpan struct {
	first, count int
	head         Head
}

// spans appends the spans of a batch entry's heads, none of which crosses a
// multiple of limit.
func (p *Plan) spans(to []headSpan, limit int) []headSpan {
	for h := 0; h < p.Shape.Heads; {
		s := headSpan{first: h, head: p.Params.Head(h)}
		end := min(p.Shape.Heads, (h/limit+1)*limit)
		for h < end && p.Params.Head(h) == s.head {
			s.count++
			h++
		}
		to = append(to, s)
	}
	return to
}

// sparseHeads is the number of query heads that are not dense.
func (p *Plan) sparseHeads() (n int) {
	for h := range p.Shape.Heads {
		if !p.Params.Head(h).IsDense() {
			n++
		}
	}
	return n
}

// ownHeads is the number of query heads with a mode of their own.
func (p *Plan) ownHeads() (n int) {
	for _, h := range p.Params.Heads {
		if h != (Head{}) {
			n++
		}
	}
	return n
}
