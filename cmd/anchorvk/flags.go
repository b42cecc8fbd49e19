package main

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/anchorvk/anchorvk/attention"
)

// kinds are the types of flags in plain words.
var kinds = map[string]string{
	"int": "whole number", "uint64": "whole number from 0", "float64": "number", "intSlice": "list of whole numbers", "duration": "time such as 90s or 10m",
	"wholeOrPreset": "whole number", "numbers": "number, nor a list such as 6,8,10", "wholes": "whole number, nor a list such as 4,8,16",
}

// flagError says in plain words why a flag cannot be read.
func flagError(cmd *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		if kind := kinds[invalid.GetFlag().Value.Type()]; kind != "" {
			return usage("--%s: %q is no %s", invalid.GetFlag().Name, invalid.GetValue(), kind)
		}
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		return usage("%v%s", err, nearestFlag(cmd, unknown.GetSpecifiedName()))
	}
	return usage("%v", err)
}

// nearestFlag suggests the flags of a command that differ from a name by a slip
// or two, or begin with it.
func nearestFlag(cmd *cobra.Command, name string) string {
	var near []string
	best := 3
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || len(name) < 2 {
			return
		}
		n := slips(name, f.Name)
		if strings.HasPrefix(f.Name, name) {
			n = min(n, 2)
		}
		switch {
		case n >= len(name):
		case n < best:
			best, near = n, []string{"--" + f.Name}
		case n == best && n < 3:
			near = append(near, "--"+f.Name)
		}
	})
	if len(near) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}

// slips is how many letters have to be changed, added or left out to get from
// one word to another (Levenshtein's distance).
func slips(from, to string) int {
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(to) {
			changed := corner
			if from[i] != to[j] {
				changed++
			}
			corner = row[j+1]
			row[j+1] = min(changed, corner+1, row[j]+1)
		}
	}
	return row[len(to)]
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

// length reads a number of positions; k and m stand for 1024 and 1024*1024.
func length(flag, part, text string) (int, error) {
	digits, unit := text, int64(1)
	for suffix, size := range map[string]int64{"k": 1 << 10, "K": 1 << 10, "m": 1 << 20, "M": 1 << 20} {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			digits, unit = rest, size
		}
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || n < 1 || n > math.MaxInt32/unit {
		return 0, usage("%s: %q is no length from 1 to 2147483647 in %q; write 4096 or 4k, a list 4k,8k or a range 4096-131072*2", flag, text, part)
	}
	return int(n * unit), nil
}
