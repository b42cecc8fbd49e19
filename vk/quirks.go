package vk

import (
	"fmt"

	"github.com/anchorvk/anchorvk/internal/drivers"
)

// quirk takes a feature away where a driver offers it and gets it wrong, or
// notes a limit that the driver has and does not report.
type quirk struct {
	driver     uint32
	when       func(*Report) bool
	feature    string // "" for a limit
	loopRounds uint32 // Limits.LoopRounds; 0 for a feature
	why        string
}

// quirks is the whole list; each entry says what was seen.
var quirks = []quirk{
	{
		driver:  drivers.Lavapipe,
		when:    func(r *Report) bool { return r.Subgroup.Size != 8 },
		feature: "coopmat",
		why:     "lavapipe lists cooperative matrices at every vector width, but pipelines that use them crash the process unless the subgroup size is 8",
	},
	{
		driver:     drivers.Lavapipe,
		when:       func(r *Report) bool { return olderMesa(r, 25) },
		loopRounds: 65535,
		why: "every subgroup of lavapipe counts the rounds of all its loops, and ends each loop once 65,535 are used up: " +
			"seen on Mesa 22.3.6, gone on 25.0.7 and 26.1.6; versions between were not tried",
	},
}

func applyQuirks(r *Report) {
	for _, q := range quirks {
		switch {
		case q.driver != r.DriverID || !q.when(r):
		case q.loopRounds > 0:
			r.Limits.LoopRounds = q.loopRounds
		case r.Why[q.feature] == "":
			switchOff(r, q.feature, q.why)
		}
	}
}

// olderMesa says whether a driver of Mesa's may be older than a version. It goes
// by the text, as "Mesa 22.3.6 (LLVM 15.0.6)": old ones give 1 as the number of
// their version. A text that it cannot read counts as old.
func olderMesa(r *Report, major int) bool {
	var found int
	_, err := fmt.Sscanf(r.DriverInfo, "Mesa %d.", &found)
	return err != nil || found < major
}
