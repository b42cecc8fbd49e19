package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/anchorvk/anchorvk/attention"
)

// paramFlags are the algorithm's parameters as flags.
type paramFlags struct{ p attention.Params }

func (f *paramFlags) add(flags *pflag.FlagSet) {
	f.p = attention.DefaultParams()
	flags.Float64Var(&f.p.Theta, "theta", f.p.Theta, "largest `distance` below the anchor at which a key is kept; inf is dense, -inf the anchor only")
	flags.IntVar(&f.p.Step, "step", f.p.Step, "`blocks` in a group, which shares one list of stripes")
	flags.IntVar(&f.p.Block, "block", f.p.Block, "`rows` pooled together, a multiple of 16")
	flags.IntVar(&f.p.SinkBlocks, "sink-blocks", f.p.SinkBlocks, "`blocks` of first keys that every row attends")
	flags.IntVar(&f.p.WindowBlocks, "window-blocks", f.p.WindowBlocks, "`blocks` before the group that its rows attend")
	flags.Float64Var(&f.p.Scale, "scale", 0, "`factor` of q.k; 0 is 1/sqrt(head_dim)")
}

// flagError says in plain words why a flag cannot be read.
func flagError(err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		kind := map[string]string{"int": "whole number", "uint64": "whole number from 0", "float64": "number", "intSlice": "list of whole numbers", "duration": "time such as 90s or 10m"}[invalid.GetFlag().Value.Type()]
		if kind != "" {
			return usage("--%s: %q is no %s", invalid.GetFlag().Name, invalid.GetValue(), kind)
		}
	}
	return usage("%v", err)
}

// parseModes reads a list such as "anchor,dense" without repetitions.
func parseModes(flag string, names []string) ([]attention.Mode, error) {
	var modes []attention.Mode
	seen := map[attention.Mode]bool{}
	for _, name := range names {
		mode, err := attention.ParseMode(strings.TrimSpace(name))
		if err != nil {
			return nil, usage("%s: %q is no mode; choose anchor, dense or both with a comma", flag, name)
		}
		if seen[mode] {
			return nil, usage("%s: %s is there twice", flag, mode)
		}
		seen[mode] = true
		modes = append(modes, mode)
	}
	if len(modes) == 0 {
		return nil, usage("%s is empty; choose anchor, dense or both with a comma", flag)
	}
	return modes, nil
}

// maxLengths bounds the list that a range may grow to.
const maxLengths = 1000

// parseLengths reads a list of lengths and ranges: "4096", "4096,8192",
// "4096-131072*2" (doubling) and "1024-4096+1024" (adding). A range without
// a step doubles.
func parseLengths(flag, text string) ([]int, error) {
	var lengths []int
	for _, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		from, rest, isRange := strings.Cut(part, "-")
		first, err := length(flag, part, from)
		if err != nil {
			return nil, err
		}
		if !isRange {
			lengths = append(lengths, first)
			continue
		}
		to, stepText, op := rest, "2", byte('*')
		if i := strings.IndexAny(rest, "*+"); i >= 0 {
			to, stepText, op = rest[:i], rest[i+1:], rest[i]
		}
		last, err := length(flag, part, to)
		if err != nil {
			return nil, err
		}
		step, err := length(flag, part, stepText)
		if err != nil {
			return nil, err
		}
		switch {
		case last < first:
			return nil, usage("%s: the range %q runs backwards", flag, part)
		case op == '*' && step < 2:
			return nil, usage("%s: the range %q never ends; multiply by 2 or more", flag, part)
		}
		for n := int64(first); n <= int64(last); {
			lengths = append(lengths, int(n))
			if len(lengths) > maxLengths {
				return nil, usage("%s: %q gives more than %d lengths; use a larger step", flag, text, maxLengths)
			}
			if op == '*' {
				n *= int64(step)
			} else {
				n += int64(step)
			}
		}
	}
	return lengths, nil
}

func length(flag, part, text string) (int, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return 0, usage("%s: %q is no length from 1 to 2147483647 in %q; write 4096, a list 4096,8192 or a range 4096-131072*2", flag, text, part)
	}
	return int(n), nil
}
