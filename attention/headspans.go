package attention

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
