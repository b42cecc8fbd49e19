package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/profile"
	"github.com/anchorvk/anchorvk/internal/quality"
)

// defaultPreset is what the command computes when nothing else is asked for:
// what real models survive.
const defaultPreset = "safe"

// paramFlags are the algorithm's parameters as flags. What is not given comes
// from the preset. Lists are swept by bench.
type paramFlags struct {
	cmd                 *cobra.Command
	preset              string
	profile             string // file of modes and thetas for each head
	layer               int    // of the profile's model
	loaded              *profile.Profile
	capture             *quality.Capture // what the input's metadata say, nil for inputs that are made up
	thetas              []float64
	steps, blocks       []int
	sink, window, tails []int // one number at most
	guard, sample       string
	weights             []float64
	scale               float64
	p                   attention.Params // the first of each list
}

func (f *paramFlags) add(cmd *cobra.Command) {
	f.cmd = cmd
	flags := cmd.Flags()
	flags.StringVar(&f.preset, "preset", defaultPreset, "`name` of parameters: safe, lean, or paper for the published definition; other flags go before it")
	flags.Var(numbers(&f.weights), "weight", "least mean probability of a key that sampled rows keep, as a `share` of what each would have if all had the same")
	flags.Var(numbers(&f.thetas), "theta", "largest `distance` below the anchor at which a key is kept, by pooled rows then; inf is dense, -inf keeps none but what the guard finds")
	flags.Var(wholes(&f.steps), "step", "`blocks` in a group, which shares one list of stripes")
	flags.Var(wholes(&f.blocks), "block", "`rows` pooled together, a multiple of 16")
	flags.Var(whole(&f.sink), "sink-blocks", "`blocks` of first keys that every row attends")
	flags.Var(whole(&f.window), "window-blocks", "`blocks` before the group that its rows attend")
	flags.Var(whole(&f.tails), "tail", "last `rows` that attend every key; 0 for none")
	flags.StringVar(&f.sample, "sample", "", "`stride,weight,part` of the rows that choose keys, such as 16,0.2,8; without a part, 1; off for pooled rows")
	flags.StringVar(&f.guard, "guard", "", "`stride,peak,limit,look` of the guard, such as 16,0.01,0.02,4; without a look, or 0, it keeps all keys where it fails; off for none")
	flags.Float64Var(&f.scale, "scale", 0, "`factor` of q.k; 0 is 1/sqrt(head_dim)")
	flags.StringVar(&f.profile, "profile", "", "JSON `file` with modes, thetas and weights of single heads, as eval writes it; its preset is taken where --preset is not given")
	flags.IntVar(&f.layer, "layer", 0, "`number` of the layer, from 0, whose heads in the profile are meant; that of the file's metadata where it is not given")
	values(cmd, "preset", attention.Presets()...)
}

// load reads the profile, before anything else is done.
func (f *paramFlags) load() (err error) {
	switch {
	case f.profile == "" && f.cmd.Flags().Changed("profile"): // a script's variable that is not set
		return usage("--profile needs the name of a file, but it is empty")
	case f.profile == "" && f.cmd.Flags().Changed("layer"):
		return usage("--layer is for a profile, but no --profile names one")
	case f.profile == "":
		return nil
	case f.layer < 0:
		return usage("--layer %d: layers are counted from 0", f.layer)
	}
	if f.loaded, err = profile.Load(f.profile); err != nil {
		return err
	}
	if !f.cmd.Flags().Changed("preset") {
		f.preset = f.loaded.Preset
	}
	return nil
}

// of takes from the metadata of a file, as eval does, which layer's heads it holds
// and the numbers that they have in the model. --layer goes before them.
func (f *paramFlags) of(file *inputFile, path string) error {
	if f.loaded == nil { // nobody asks
		return nil
	}
	c, err := quality.Describe(file.File, path, file.shape, f.layer)
	if err != nil {
		return err
	}
	if f.cmd.Flags().Changed("layer") {
		c.Layer = f.layer
	}
	f.layer, f.capture = c.Layer, &c
	return nil
}

// notes say where a profile changes nothing, as of a layer that was counted from
// 1, and where it is of another model than the input.
func (f *paramFlags) notes() (notes []string) {
	if f.loaded == nil {
		return nil
	}
	if f.capture != nil {
		notes = otherModels(f.profile, f.loaded, *f.capture)
	}
	named := f.capture != nil && f.capture.Named
	switch {
	case !slices.ContainsFunc(f.loaded.Heads, func(h profile.Head) bool { return h.Layer == f.layer }):
		notes = append(notes, fmt.Sprintf("--profile %s names no head of layer %d (layers count from 0): its heads are as preset %s says", f.profile, f.layer, f.preset))
	case named && !slices.ContainsFunc(f.loaded.Heads, f.inCapture):
		notes = append(notes, fmt.Sprintf("--profile %s names none of the heads %s of layer %d that %s holds: they are as preset %s says", f.profile, listOf(f.capture.Heads), f.layer, f.capture.Path, f.preset))
	}
	return notes
}

// inCapture says whether the input holds a head of the profile.
func (f *paramFlags) inCapture(h profile.Head) bool { return f.capture.Holds(h.Layer, h.Head) }

// ofHeads adds what the profile says of a layer with so many query heads. Where
// metadata number the heads, they are some of the model's, which may have more.
func (f *paramFlags) ofHeads(p attention.Params, heads int) (attention.Params, error) {
	if f.loaded == nil {
		return p, nil
	}
	if f.capture == nil || !f.capture.Named {
		var err error
		if p.Heads, err = f.loaded.For(f.layer, heads); err != nil {
			return p, err
		}
	} else {
		p.Heads = quality.Setting{Params: p, Profile: f.loaded}.ParamsFor(*f.capture).Heads
		if !slices.ContainsFunc(f.loaded.Heads, f.inCapture) {
			p.Heads = nil
		}
	}
	for _, own := range p.Heads {
		if own.Weight != 0 && !p.Sample.On() {
			try := "add --sample 16,0.2,8 or --preset safe"
			if f.cmd.Flags().Changed("theta") {
				try = "leave --theta out"
			}
			return p, usage("--profile %s has weights, which are of sampled rows, but pooled rows choose the keys: %s", f.profile, try)
		}
	}
	return p, nil
}

// base is the preset with all that takes one value.
func (f *paramFlags) base() (attention.Params, error) {
	p, err := attention.Preset(f.preset)
	if err != nil {
		return p, usage("--preset %q is unknown; choose %s", f.preset, strings.Join(attention.Presets(), " or "))
	}
	p.Scale = f.scale
	for _, x := range []struct {
		given []int
		to    *int
	}{{f.sink, &p.SinkBlocks}, {f.window, &p.WindowBlocks}, {f.tails, &p.Tail}} {
		if len(x.given) > 0 {
			*x.to = x.given[0]
		}
	}
	if f.cmd.Flags().Changed("sample") {
		if p.Sample, err = parseSample(f.sample); err != nil {
			return p, usage("--sample: %v", err)
		}
	}
	if f.cmd.Flags().Changed("guard") {
		if p.Guard, err = parseGuard(f.guard); err != nil {
			return p, usage("--guard: %v", err)
		}
	}
	return p, nil
}

// parseGuard reads "off" or stride, peak, limit and look, which may be left out.
func parseGuard(text string) (g attention.Guard, err error) {
	if text == "off" {
		return g, nil
	}
	if !parseNumbers(text, 3, &g.Stride, &g.Peak, &g.Limit, &g.Look) {
		return attention.Guard{}, fmt.Errorf("%q is no guard; use stride,peak,limit,look such as 16,0.01,0.02,4, or off", text)
	}
	return g, nil
}

// parseSample reads "off" or stride, weight and part, which may be left out.
func parseSample(text string) (s attention.Sample, err error) {
	if text == "off" {
		return s, nil
	}
	if !parseNumbers(text, 2, &s.Stride, &s.Weight, &s.Part) {
		return attention.Sample{}, fmt.Errorf("%q names no sampled rows; use stride,weight,part such as 16,0.2,8, or off", text)
	}
	return s, nil
}

// parseNumbers reads numbers with commas between them, at least so many, to
// *int and *float64.
func parseNumbers(text string, least int, to ...any) bool {
	parts := strings.Split(text, ",")
	if len(parts) < least || len(parts) > len(to) {
		return false
	}
	for i, part := range parts {
		var err error
		switch part = strings.TrimSpace(part); x := to[i].(type) {
		case *int:
			*x, err = strconv.Atoi(part)
		case *float64:
			*x, err = strconv.ParseFloat(part, 64)
		}
		if err != nil {
			return false
		}
	}
	return true
}

// chooseRows lets the flag that says how much is kept say which rows choose, too:
// pooled rows by a theta, sampled ones by a weight. given says whether a flag was
// given.
func chooseRows(p *attention.Params, given func(flag string) bool) error {
	byTheta := given("theta") && !math.IsInf(p.Theta, 0)
	if byTheta && !given("sample") && !given("weight") {
		p.Sample = attention.Sample{}
	}
	switch {
	case given("weight") && given("theta") && !byTheta:
		return usage("--weight says nothing beside --theta %v, which keeps every key or none: leave one of them out", p.Theta)
	case given("weight") && !p.Sample.On():
		return usage("--weight is of sampled rows, but pooled rows choose the keys: use --theta, or --sample 16,0.2,8")
	case byTheta && p.Sample.On():
		return usage("--theta %v is of pooled rows, but sampled rows choose the keys: leave --sample and --weight out, or --theta", p.Theta)
	}
	return nil
}

// orElse is a list, or its one default.
func orElse[T any](list []T, otherwise T) []T {
	if len(list) == 0 {
		return []T{otherwise}
	}
	return list
}

// all returns every combination, checked, and keeps the first in p.
func (f *paramFlags) all() ([]attention.Params, error) {
	if err := f.load(); err != nil {
		return nil, err
	}
	base, err := f.base()
	if err != nil {
		return nil, err
	}
	type combination struct {
		theta, weight float64
		step, block   int
	}
	seen := map[combination]bool{}
	var all []attention.Params
	for _, block := range orElse(f.blocks, base.Block) {
		for _, step := range orElse(f.steps, base.Step) {
			for _, weight := range orElse(f.weights, base.Sample.Weight) {
				for _, theta := range orElse(f.thetas, base.Theta) {
					p := base
					p.Theta, p.Sample.Weight, p.Step, p.Block = theta, weight, step, block
					if err := chooseRows(&p, f.cmd.Flags().Changed); err != nil {
						return nil, err
					}
					if err := p.Validate(); err != nil {
						return nil, err
					}
					c := combination{theta, weight, step, block}
					if seen[c] {
						return nil, usage("--theta, --weight, --step or --block have a value twice: theta %v, weight %v, step %d, block %d", theta, weight, step, block)
					}
					seen[c] = true
					all = append(all, p)
				}
			}
		}
	}
	if len(all) > maxLengths {
		return nil, usage("--theta, --weight, --step and --block give %d combinations, more than %d; use shorter lists", len(all), maxLengths)
	}
	f.p = all[0]
	return all, nil
}

// one checks the parameters where a list has no meaning.
func (f *paramFlags) one(command string) error {
	for _, l := range []struct {
		flag  string
		count int
	}{{"theta", len(f.thetas)}, {"weight", len(f.weights)}, {"step", len(f.steps)}, {"block", len(f.blocks)}} {
		if l.count > 1 {
			return usage("--%s has %d values, but %s takes one; `anchorvk bench` sweeps a list", l.flag, l.count, command)
		}
	}
	_, err := f.all()
	return err
}
