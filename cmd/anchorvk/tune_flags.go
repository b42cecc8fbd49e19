package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/tune"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// tuneFlags are the flags of `bench --tune`.
type tuneFlags struct {
	on             bool
	tiers, kernels []string
	margin         float64
	limit          time.Duration

	ownShape bool // --seq, --heads and --kv-heads are not given
}

func (t *tuneFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&t.on, "tune", false, "sweep the tuning of the kernels on this device and store what wins")
	flags.StringSliceVar(&t.tiers, "tiers", nil, "with --tune: `tiers` to tune instead of the one that would be used")
	flags.StringSliceVar(&t.kernels, "kernels", []string{tuning.Attend, tuning.Identify}, "with --tune: `kernels` to tune")
	flags.Float64Var(&t.margin, "margin", 0.05, "with --tune: `share` by which a winner must be faster to be stored")
	flags.DurationVar(&t.limit, "limit", 10*time.Minute, "with --tune: `time` after which nothing new is tried")
	values(cmd, "kernels", tuning.Attend, tuning.Identify, tuning.Attend+","+tuning.Identify)
}

// check raises every argument error of --tune, and sets the defaults that
// differ from those of a plain measurement.
func (t *tuneFlags) check(cmd *cobra.Command, f *benchFlags) error {
	changed := cmd.Flags().Changed
	if !t.on {
		for _, name := range []string{"tiers", "kernels", "margin", "limit"} {
			if changed(name) {
				return usage("--%s is for --tune, which is not given", name)
			}
		}
		return nil
	}
	if err := f.params.one("--tune"); err != nil {
		return err
	}
	for _, name := range []string{"input", "compare", "explain"} {
		if changed(name) {
			return usage("--%s and --tune exclude each other: a sweep measures generated inputs against the tuning table", name)
		}
	}
	names := map[string]bool{}
	for _, tier := range attention.Tiers(&vk.Report{}) {
		names[string(tier.Name)] = true
	}
	for i, tier := range t.tiers {
		if tier = strings.TrimSpace(tier); !names[tier] {
			return usage("--tiers: %q is no tier; `anchorvk devices` lists them", tier)
		}
		if t.tiers[i] = tier; slices.Contains(t.tiers[:i], tier) {
			return usage("--tiers: %s is there twice", tier)
		}
	}
	for i, k := range t.kernels {
		if k != tuning.Attend && k != tuning.Identify {
			return usage("--kernels: %q is none; choose attend, identify or both with a comma", k)
		}
		if slices.Contains(t.kernels[:i], k) {
			return usage("--kernels: %s is there twice", k)
		}
	}
	switch {
	case len(t.kernels) == 0:
		return usage("--kernels is empty; choose attend, identify or both with a comma")
	case !(t.margin >= 0.01 && t.margin <= 1):
		return usage("--margin %v is no share from 0.01 to 1; less is within what measurements vary", t.margin)
	case t.limit <= 0:
		return usage("--limit %v leaves no time; use 10m", t.limit)
	case slices.Contains(t.kernels, tuning.Identify) && !slices.Contains(f.modes, attention.ModeAnchor):
		return usage("--kernels identify needs mode anchor, which --modes leaves out")
	}
	t.ownShape = !changed("seq") && !changed("heads") && !changed("kv-heads")
	if !changed("seq") {
		f.seq = "4096"
	}
	if !changed("head-dim") {
		f.headDims = []int{64, 128}
	}
	return nil
}

// shapeFor sets sizes that keep the device busy, where none are given.
func (t *tuneFlags) shapeFor(r *vk.Report, f *benchFlags) {
	if t.ownShape {
		busy := tune.BusyShape(r, 0)
		f.lengths, f.heads, f.kvHeads = []int{busy.KVLen}, busy.Heads, busy.KVHeads
	}
}
