package tuning

import (
	"fmt"

	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/anchorvk/anchorvk/vk"
)

// Request is what a tuning is chosen for.
type Request struct {
	Tier    Tier // "" takes the best that the device passes
	HeadDim int
	Refused map[Tier]string // tiers that the driver could not build, with the reason
	Rules   []Rule          // that go before the table, later ones before earlier ones
}

// Chosen is a tier and a tuning that the device can take. Tuning.From names the
// last rule that fits.
type Chosen struct {
	Tier    Tier
	Tuning  Tuning
	LeftOut []LeftOut // rules for the tier and head dimension that cannot be
}

// LeftOut is a rule that cannot be, with the reason.
type LeftOut struct{ From, Why string }

// Err is the error of a caller whose rule must be taken.
func (l LeftOut) Err() error {
	return problem.Errorf(l.From, "use other values, or none; Plan.String shows the choice of the table", "cannot be: %s", l.Why)
}

// Choose takes the tier asked for or the device's best one, and for it the
// tuning of the last rule that fits: the table's, then each of those given,
// which replaces what it names. What cannot be is left out, which Tuning.Why
// says too. Errors are [*vk.FeatureError] and [*problem.ArgumentError].
func Choose(r *vk.Report, q Request) (c Chosen, err error) {
	var base *Rule
	if c.Tier, base, c.Tuning, err = chooseTier(r, &q); err != nil {
		return c, err
	}
	c.Tuning.From, c.Tuning.Why = base.From, base.Why
	arch, choice := DetectArchitecture(r), base.Choice
	for i := range q.Rules {
		rule := &q.Rules[i]
		if !rule.When.holds(r, arch, c.Tier, q.HeadDim, int(r.Subgroup.Size)) {
			continue
		}
		next := rule.Choice.over(choice)
		var tuned Tuning
		why := rule.Choice.senseless()
		if why == "" {
			tuned, why = fit(r, c.Tier, q.HeadDim, next, rule.Choice)
		}
		if why != "" {
			c.LeftOut = append(c.LeftOut, LeftOut{rule.From, why})
			c.Tuning.Why += fmt.Sprintf("; %s is left out: %s", rule.From, why)
			continue
		}
		choice, c.Tuning = next, tuned
		c.Tuning.From, c.Tuning.Why = rule.From, rule.Why
	}
	return c, nil
}

// fromTable returns the first rule of the table for a device, which passes the
// tier, with its tuning; why says that the tier is not for the device and the
// head dimension, or is "".
func fromTable(r *vk.Report, tier Tier, headDim int) (rule *Rule, t Tuning, why string) {
	arch := DetectArchitecture(r)
	for _, refusal := range refusals {
		if refusal.When.holds(r, arch, tier, headDim, int(r.Subgroup.Size)) {
			return nil, t, refusal.why
		}
	}
	for i := range table {
		if rule = &table[i]; rule.isFor(r, arch, tier, headDim) {
			t, why = fit(r, tier, headDim, rule.Choice, Choice{})
			return rule, t, why
		}
	}
	panic("tuning: no rule for tier " + string(tier)) // the table ends with a rule for every tier; a test sees to it
}
