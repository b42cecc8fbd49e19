package quality

import "github.com/anchorvk/anchorvk/attention/oracle"

// partsOf counts the pairs of a whole head by their reason. Of groups that were
// not looked at everything but the stripes is known; those are taken to be as
// large a share of the candidates as in the groups that were. Rows alone would
// not do: few blocks of a long input are sampled, and its tail is in none.
func partsOf(o *oracle.Oracle, head int, seen map[int]oracle.Selection) oracle.Parts {
	var total, known oracle.Parts
	candidates, unseen, unseenTail := 0.0, 0.0, 0.0 // pairs of rows with candidates
	for g := o.FirstGroup(); g < o.Groups(); g++ {
		first, last := o.GroupRows(g)
		lo, hi := o.Candidates(g)
		room := float64(last-first) * float64(hi-lo)
		if s, looked := seen[g]; looked {
			known = known.Add(o.Parts(head, g, s.Chosen, s.Kept))
			candidates += room
			continue
		}
		p := o.Parts(head, g, nil, nil) // its tail holds all candidates
		unseen += room
		unseenTail += p.Tail
		p.Tail = 0
		total = total.Add(p)
	}
	total = total.Add(known)
	if candidates == 0 || o.Params.Head(head).IsDense() {
		total.Tail += unseenTail
		return total
	}
	chosen, added := known.Stripes/candidates, known.Guard/candidates
	total.Stripes += unseen * chosen
	total.Guard += unseen * added
	total.Tail += unseenTail * (1 - chosen - added)
	return total
}
