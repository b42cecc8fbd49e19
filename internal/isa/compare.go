package isa

import (
	"fmt"
	"strings"
)

// Tolerance is how much larger the cost of a pipeline may get.
const Tolerance = 0.05

// MinWaves is how many subgroups a SIMD should hold: with fewer, too little
// runs while some wait for memory.
const MinWaves = 4

// Difference is what a comparison found.
type Difference struct {
	Key  Key
	What string
	// Bad differences fail the comparison; the others are worth a note.
	Bad bool
}

func (d Difference) String() string { return fmt.Sprintf("%s: %s", d.Key, d.What) }

// Compare says in what a table is worse than the baseline: new spills, new
// scratch memory, a cost higher by more than Tolerance, fewer waves than before
// and than MinWaves, pipelines that only one of them has. AMD's RDNA, whose
// registers suffice, must hold MinWaves at head_dim 128 whatever the baseline
// says. Where the drivers differ, costs are noted and do not fail:
// the compiler changed, not the kernels.
func Compare(baseline, now Table) []Difference {
	var list []Difference
	add := func(k Key, bad bool, format string, args ...any) {
		list = append(list, Difference{Key: k, Bad: bad, What: fmt.Sprintf(format, args...)})
	}
	before := map[Key]*Row{}
	for i := range baseline.Rows {
		before[baseline.Rows[i].Key] = &baseline.Rows[i]
	}
	same := baseline.Driver == now.Driver
	for i := range now.Rows {
		r := &now.Rows[i]
		b, ok := before[r.Key]
		few := r.Waves != Unknown && r.Waves < MinWaves
		switch {
		case few && isRDNA(now.Device) && r.HeadDim == 128:
			add(r.Key, true, "%d waves on an RDNA device, which must hold %d at head_dim 128", r.Waves, MinWaves)
		case few && ok && r.Waves < b.Waves:
			add(r.Key, true, "%d waves, fewer than %d, where the baseline has %d", r.Waves, MinWaves, b.Waves)
		}
		if !ok {
			add(r.Key, true, "not in the baseline (%d spills, %d bytes of scratch)", max(r.Spills, 0), max(r.Scratch, 0))
			continue
		}
		delete(before, r.Key)
		for _, f := range []struct {
			name     string
			old, now int
		}{
			{"registers spilled", b.Spills, r.Spills},
			{"registers filled", b.Fills, r.Fills},
			{"scalar registers spilled", b.ScalarSpills, r.ScalarSpills},
			{"bytes of scratch memory", b.Scratch, r.Scratch},
		} {
			if f.now > max(f.old, 0) {
				add(r.Key, true, "%d %s where the baseline has %d", f.now, f.name, max(f.old, 0))
			}
		}
		if b.Matrix > 0 && r.Matrix == 0 {
			add(r.Key, true, "no matrix instructions where the baseline has %d", b.Matrix)
		}
		switch old, now := float64(b.Cost), float64(r.Cost); {
		case old <= 0 || now <= 0:
		case now > old*(1+Tolerance):
			add(r.Key, same, "cost %d where the baseline has %d: %.1f %% more", r.Cost, b.Cost, 100*(now/old-1))
		case now < old*(1-Tolerance):
			add(r.Key, false, "cost %d where the baseline has %d: %.1f %% less", r.Cost, b.Cost, 100*(1-now/old))
		}
	}
	for i := range baseline.Rows {
		if k := baseline.Rows[i].Key; before[k] != nil {
			add(k, true, "in the baseline and no longer built")
		}
	}
	return list
}

// isRDNA knows AMD's RDNA GPUs by the name that the driver gives them, which
// ends in the name of the chip: "AMD Radeon RX 7600 (RADV NAVI33)".
func isRDNA(device string) bool {
	name := strings.ToLower(device)
	return strings.Contains(name, "navi") || strings.Contains(name, "gfx12")
}
