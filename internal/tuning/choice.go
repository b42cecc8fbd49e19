package tuning

import "fmt"

// Choice is what a tuning asks for, before it is fitted to a device and a head
// dimension. A zero field leaves its choice open.
type Choice struct {
	// Way is how kernels are to take their tensors, where the device and the
	// tier can.
	Way Way `json:"way,omitzero"`
	// SubgroupSize is the subgroup size to ask of the driver; 0 takes what it
	// gives. A rule of the table may ask for SmallestSubgroup.
	SubgroupSize int `json:"subgroup_size,omitempty"`
	// Matrix is the product that matrix kernels are built from, one that the
	// device offers; zero takes the best.
	Matrix MatrixShape `json:"matrix,omitzero"`
	// Range is how many keys a dispatch of the attention kernels attends at most,
	// a multiple of 16; not for matrix kernels.
	Range int `json:"range,omitempty"`
	// Attend shapes the attention kernels.
	Attend ShapeChoice `json:"attend,omitzero"`
	// Identify shapes the stripe search; all zero: as Attend.
	Identify ShapeChoice `json:"identify,omitzero"`
}

// SmallestSubgroup asks for the smallest subgroup that the device offers of 8
// invocations or more.
const SmallestSubgroup = -1

// ShapeChoice asks for a [KernelShape].
type ShapeChoice struct {
	// Subgroups and Local, one of them, are the size of a workgroup in
	// subgroups and in invocations. It is halved until the device takes it.
	Subgroups int `json:"subgroups,omitempty"`
	Local     int `json:"local,omitempty"`
	// Lanes is the most invocations that share rows, except in matrix kernels,
	// where it is the subgroup. It is the largest power of two up to that
	// which the smallest subgroup holds and which divides head_dim / 8.
	Lanes int `json:"lanes,omitempty"`
	// Rows is how many query rows lanes hold; in matrix kernels at most four a
	// lane, at least four scores for a lane, and rounded up to what the device's product has.
	Rows int `json:"rows,omitempty"`
	// Elements, where above 0, halves Rows until an invocation holds at most so
	// many elements of them. Not for matrix kernels.
	Elements int `json:"elements,omitempty"`
	// Keys is how many keys are scored together; in matrix kernels rounded up
	// to what the device's product has.
	Keys int `json:"keys,omitempty"`
	// KeyElements, where above 0, halves Keys until a tile of them holds at most
	// so many elements. For the attention kernels on matrix units.
	KeyElements int `json:"key_elements,omitempty"`
	// Slices is how many subgroups share rows, each with a slice of head_dim,
	// where a subgroup's registers hold no whole rows; a power of two, for the
	// attention kernels of coop and coop-f16.
	Slices int `json:"slices,omitempty"`
	// SliceElements, where above 0, doubles Slices until a slice has at most so
	// many elements of head_dim.
	SliceElements int `json:"slice_elements,omitempty"`
	// Lean is for the stripe search on matrix units where registers are few: it
	// reads pooled queries from shared memory, of one head a workgroup, and
	// fetches no keys ahead.
	Lean bool `json:"lean,omitempty"`
}

// mostOfAny is the largest number that a choice may hold; below it no product of
// them overflows.
const mostOfAny = 1 << 16

// senseless says which number of a choice is none that could ever be, as in a
// damaged file, or is "".
func (c Choice) senseless() string {
	for _, n := range [...]int{
		max(c.SubgroupSize, 0), max(c.Range, 0), c.Matrix.M, c.Matrix.N, c.Matrix.K,
		c.Attend.Subgroups, c.Attend.Local, c.Attend.Lanes, c.Attend.Rows, c.Attend.Elements, c.Attend.Keys, c.Attend.KeyElements, c.Attend.Slices, c.Attend.SliceElements,
		c.Identify.Subgroups, c.Identify.Local, c.Identify.Lanes, c.Identify.Rows, c.Identify.Elements, c.Identify.Keys, c.Identify.KeyElements, c.Identify.Slices, c.Identify.SliceElements,
	} {
		if n < 0 || n > mostOfAny {
			return fmt.Sprintf("it holds the number %d, and no choice is below 0 or above %d", n, mostOfAny)
		}
	}
	if c.SubgroupSize < SmallestSubgroup {
		return fmt.Sprintf("there are no subgroups of %d", c.SubgroupSize)
	}
	return ""
}

// over replaces in base what c names.
func (c Choice) over(base Choice) Choice {
	if base.Identify == (ShapeChoice{}) {
		base.Identify = base.Attend
	}
	if c.Way != (Way{}) {
		base.Way = c.Way
	}
	if c.SubgroupSize != 0 {
		base.SubgroupSize = c.SubgroupSize
	}
	if c.Matrix != (MatrixShape{}) {
		base.Matrix = c.Matrix
	}
	if c.Range != 0 {
		base.Range = c.Range
	}
	base.Attend, base.Identify = c.Attend.over(base.Attend), c.Identify.over(base.Identify)
	return base
}

// over replaces a number together with the bound that would change it.
func (c ShapeChoice) over(base ShapeChoice) ShapeChoice {
	if c.Local != 0 || c.Subgroups != 0 {
		base.Local, base.Subgroups = c.Local, c.Subgroups
	}
	if c.Lanes != 0 {
		base.Lanes = c.Lanes
	}
	if c.Rows != 0 {
		base.Rows, base.Elements = c.Rows, c.Elements
	}
	if c.Keys != 0 {
		base.Keys, base.KeyElements = c.Keys, c.KeyElements
	}
	if c.Slices != 0 {
		base.Slices, base.SliceElements = c.Slices, c.SliceElements
	}
	base.Lean = base.Lean || c.Lean
	return base
}

// Choice is the tuning as a choice that gives it again on the same device, all
// but Range, which lengths may demand.
func (t Tuning) Choice(tier Tier) Choice {
	shape := func(s KernelShape) ShapeChoice {
		if tier.OnMatrixUnits() {
			return ShapeChoice{Subgroups: s.Local / s.Lanes, Rows: s.Rows, Keys: s.Keys, Slices: s.Slices, Lean: s.Lean}
		}
		return ShapeChoice{Local: s.Local, Lanes: s.Lanes, Rows: s.Rows, Keys: s.Keys}
	}
	return Choice{Way: t.Way, SubgroupSize: t.Subgroup, Matrix: t.Matrix, Attend: shape(t.Attend), Identify: shape(t.Identify)}
}
