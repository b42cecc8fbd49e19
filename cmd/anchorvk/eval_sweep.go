package main

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/profile"
	"github.com/anchorvk/anchorvk/internal/quality"
)

// maxSettings bounds what the lists of `eval` multiply to.
const maxSettings = 1000

// What --target tries without --theta or --weight, whichever the preset has.
var (
	targetThetas  = []string{"2", "4", "6", "8", "10", "12", "14", "16"}
	targetWeights = []string{"0.01", "0.02", "0.05", "0.1", "0.15", "0.2", "0.3", "0.5", "1", "2"}
)

// evalAxis is one list of `eval`: every value changes the parameters of a setting.
type evalAxis struct {
	flag string
	list []string
	set  func(p *attention.Params, text string) error
}

func (f *evalFlags) axes() []evalAxis {
	number := func(field func(*attention.Params) *int) func(*attention.Params, string) error {
		return func(p *attention.Params, text string) error {
			n, err := strconv.Atoi(text)
			if err != nil {
				return fmt.Errorf("%q is no whole number", text)
			}
			*field(p) = n
			return nil
		}
	}
	return []evalAxis{
		{"theta", f.thetas, func(p *attention.Params, text string) error {
			theta, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return fmt.Errorf("%q is no number", text)
			}
			p.Theta = theta
			return nil
		}},
		{"step", f.steps, number(func(p *attention.Params) *int { return &p.Step })},
		{"block", f.blocks, number(func(p *attention.Params) *int { return &p.Block })},
		{"sink-blocks", f.sinks, number(func(p *attention.Params) *int { return &p.SinkBlocks })},
		{"window-blocks", f.windows, number(func(p *attention.Params) *int { return &p.WindowBlocks })},
		{"tail", f.tails, number(func(p *attention.Params) *int { return &p.Tail })},
		{"sample", f.samples, func(p *attention.Params, text string) (err error) {
			p.Sample, err = parseSample(text)
			return err
		}},
		{"weight", f.weights, func(p *attention.Params, text string) (err error) {
			if p.Sample.Weight, err = strconv.ParseFloat(text, 64); err != nil {
				err = fmt.Errorf("%q is no number", text)
			}
			return err
		}},
		{"guard", f.guards, func(p *attention.Params, text string) (err error) {
			p.Guard, err = parseGuard(text)
			return err
		}},
	}
}

// evalCombination is a setting in the making.
type evalCombination struct {
	preset string
	own    []string // what it has instead of the preset's, as "theta=8"
	params attention.Params
}

// combine multiplies all lists to settings.
func (f *evalFlags) combine(changed func(string) bool) error {
	if f.target != nil && !changed("theta") && !changed("weight") {
		if p, err := attention.Preset(strings.TrimSpace(f.presets[0])); err == nil && p.Sample.On() {
			f.weights = targetWeights
		} else {
			f.thetas = targetThetas
		}
	}
	var all []evalCombination
	for i, name := range f.presets {
		name = strings.TrimSpace(name)
		f.presets[i] = name
		p, err := attention.Preset(name)
		if err != nil {
			return usage("--preset %q is none; use one of %s", name, strings.Join(attention.Presets(), ", "))
		}
		p.Scale = f.scale
		all = append(all, evalCombination{preset: name, params: p})
	}
	if len(all) == 0 {
		return usage("--preset is empty; use one of %s", strings.Join(attention.Presets(), ", "))
	}
	for _, x := range f.axes() {
		if len(x.list) == 0 {
			if changed(x.flag) {
				return usage("--%s is empty; give it a value or a list", x.flag)
			}
			continue
		}
		var next []evalCombination
		for _, v := range all {
			for _, text := range x.list {
				text = strings.TrimSpace(text)
				w := evalCombination{v.preset, append(v.own[:len(v.own):len(v.own)], x.flag+"="+text), v.params}
				if err := x.set(&w.params, text); err != nil {
					return usage("--%s: %v", x.flag, err)
				}
				next = append(next, w)
			}
		}
		if all = next; len(all) > maxSettings {
			return usage("the lists multiply to more than %d settings; shorten one", maxSettings)
		}
	}
	seen := map[string]bool{}
	for _, v := range all {
		if err := chooseRows(&v.params, changed); err != nil {
			return err
		}
		if err := v.params.Validate(); err != nil {
			return err
		}
		if key := fmt.Sprint(v.params); !seen[key] { // presets may differ in nothing but what the lists set
			seen[key] = true
			f.settings = append(f.settings, quality.Setting{Name: evalLabel(v.preset, v.own), Params: v.params})
		}
	}
	if f.target != nil {
		return f.addOptions(changed("sample"))
	}
	return nil
}

// addOptions makes the settings what --target chooses from: thetas, anchor_only
// and dense, the last for where nothing else reaches the target.
func (f *evalFlags) addOptions(ownSample bool) error {
	base, err := attention.Preset(f.presets[0])
	if err != nil {
		return err
	}
	for i := range f.settings {
		s := &f.settings[i]
		if math.IsInf(s.Params.Theta, 0) {
			return usage("--theta %v: --target tries dense and anchor_only anyway; list finite thetas", s.Params.Theta)
		}
		own := attention.Head{Mode: attention.HeadAnchor, Theta: s.Params.Theta}
		if s.Params.Sample.On() {
			own = attention.Head{Mode: attention.HeadAnchor, Weight: s.Params.Sample.Weight}
		}
		if s.Own = own; !ownSample {
			s.Params.Sample = base.Sample // as in a profile, where single heads have thetas
		}
		f.options = append(f.options, own)
	}
	for _, mode := range []attention.HeadMode{attention.HeadAnchorOnly, attention.HeadDense} {
		own := attention.Head{Mode: mode}
		f.options = append(f.options, own)
		f.settings = append(f.settings, quality.Setting{Name: evalLabel(f.presets[0], []string{mode.String()}), Params: f.settings[0].Params, Own: own})
	}
	return nil
}

// addProfiles appends the profiles in files as settings.
func (f *evalFlags) addProfiles() error {
	for _, path := range f.profiles {
		p, err := profile.Load(path)
		if err != nil {
			return err
		}
		if err := p.Check(math.MaxInt, math.MaxInt); err != nil { // any model's; a weight without sampled rows
			return err
		}
		params, err := attention.Preset(p.Preset)
		if err != nil {
			return err
		}
		params.Scale = f.scale
		f.settings = append(f.settings, quality.Setting{Name: "profile " + filepath.Base(path), Params: params, Profile: p})
	}
	return nil
}
