package attention

import (
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// tuningField is what plans and errors call PlanOptions.Tuning.
const tuningField = "PlanOptions.Tuning"

// rules are Rules, and last what is asked for by name.
func (o *PlanOptions) rules() ([]tuning.Rule, error) {
	if o.Tuning == "" {
		return o.Rules, nil
	}
	choice, err := tuning.Parse(tuningField, o.Tuning)
	asked := tuning.Rule{Choice: choice, From: tuningField, Why: o.Tuning}
	return append(o.Rules[:len(o.Rules):len(o.Rules)], asked), err
}

// choose takes the tier and the tuning for a head dimension. Of the rules only
// the one that is asked for by name must be taken.
func (o *PlanOptions) choose(report *vk.Report, headDim int) (tuning.Chosen, error) {
	rules, err := o.rules()
	if err != nil {
		return tuning.Chosen{}, err
	}
	chosen, err := tuning.Choose(report, tuning.Request{Tier: o.Tier, HeadDim: headDim, Refused: o.refused, Rules: rules})
	if n := len(chosen.LeftOut); err == nil && o.Tuning != "" && n > 0 && chosen.LeftOut[n-1].From == tuningField {
		err = chosen.LeftOut[n-1].Err()
	}
	return chosen, err
}
