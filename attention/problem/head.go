package problem

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
		return nil, Errorf("HeadMode", "use HeadDefault, HeadAnchor, HeadDense or HeadAnchorOnly", "is %d, which is no mode", int(m))
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
	return Errorf("HeadMode", "use default, anchor, dense or anchor_only", "is %q, which is no mode", text)
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
		return Errorf(field+".Mode", "use HeadDefault, HeadAnchor, HeadDense or HeadAnchorOnly", "is %d, which is no mode", int(h.Mode))
	case math.IsNaN(h.Theta):
		return Errorf(field+".Theta", "use a number such as 12", "is NaN")
	case h.Mode != HeadAnchor && h.Theta != 0:
		return Errorf(field+".Theta", "set Mode to HeadAnchor, or leave Theta 0", "is %v, and mode %v has no theta", h.Theta, h.Mode)
	case h.Mode != HeadAnchor && h.Weight != 0:
		return Errorf(field+".Weight", "set Mode to HeadAnchor, or leave Weight 0", "is %v, and mode %v has no weight", h.Weight, h.Mode)
	case h.Weight == 0:
		return nil
	case h.Theta != 0:
		return Errorf(field+".Weight", "leave one of them 0: pooled rows use the theta, sampled rows the weight", "is %v beside a theta of %v", h.Weight, h.Theta)
	case !weightInRange(h.Weight):
		return Errorf(field+".Weight", "use a number such as 0.2", "is %v, outside of %.1e to %.1e", h.Weight, smallestWeight, math.MaxFloat32)
	case !sample.On():
		return Errorf(field+".Weight", "use a theta, or parameters with sampled rows, such as those of preset safe", "is %v, but there are no sampled rows to choose by", h.Weight)
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

// ThetaOf is the theta of a head that is not dense.
func (p Params) ThetaOf(h Head) float64 {
	switch h.Mode {
	case HeadAnchor:
		return h.Theta
	case HeadAnchorOnly:
		return math.Inf(-1)
	}
	return p.Theta
}

// WeightOf is the weight of a head whose stripes sampled rows choose.
func (p Params) WeightOf(h Head) float64 {
	if h.Weight != 0 {
		return h.Weight
	}
	return p.Sample.Weight
}

// GuardsHead says whether the guard looks after a head: with every candidate
// kept there is nothing to miss.
func (p Params) GuardsHead(h Head) bool {
	return p.Guard.On() && !h.IsDense() && h.Mode != HeadAnchorOnly && !math.IsInf(p.ThetaOf(h), 1)
}

// ValidateFor adds to Validate what depends on the number of heads.
func (p Params) ValidateFor(s Shape) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if len(p.Heads) != 0 && len(p.Heads) != s.Heads {
		return Errorf("Params.Heads", "give one for each query head, or none", "has %s for %s", plural.Of(len(p.Heads), "entry", "entries"), plural.Of(s.Heads, "query head", "query heads"))
	}
	return nil
}
