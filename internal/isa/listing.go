package isa

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/anchorvk/anchorvk/vk"
)

// kind is what an instruction does, as far as it is counted.
type kind int

const (
	other kind = iota
	vector
	multiplyAdd // also a vector instruction
	matrix
)

// line is what a line of machine code says.
type line struct {
	label  string // that stands here, or ""
	code   bool   // it is an instruction
	kind   kind
	target string // label it jumps to, or ""
}

// languages are the machine codes that are understood, by the name of the
// driver's listing.
var languages = map[string]func(text string) line{
	"Assembly":     amdLine,
	"NAK assembly": nvidiaLine,
	"GEN Assembly": intelLine,
}

// count fills in what the machine code shows.
func (r *Row) count(listings []vk.Listing) error {
	var names []string
	for _, l := range listings {
		if l.Name == "Final NIR" {
			r.Scratch = max(r.Scratch, indexedArrays(l.Text))
		}
		if parse := languages[l.Name]; parse != nil {
			return r.countLines(parse, l.Text)
		}
		names = append(names, l.Name)
	}
	return fmt.Errorf("isa: the driver gives no machine code that is known here, but %q", names)
}

// indexedArrays is the scratch memory, in bytes of an invocation, of arrays that
// are indexed by a variable. Intel's driver tells it only here, at the head of
// its last intermediate code, where there is any: "scratch: 800".
func indexedArrays(text string) int {
	for text := range strings.Lines(text) {
		if number, ok := strings.CutPrefix(text, "scratch:"); ok {
			bytes, _ := strconv.Atoi(strings.TrimSpace(number))
			return bytes
		}
	}
	return 0
}

func (r *Row) countLines(parse func(string) line, text string) error {
	type loop struct{ from, to int } // lines
	var code []line
	var loops []loop
	at := map[string]int{}
	for text := range strings.Lines(text) {
		l := parse(text)
		if l.label != "" {
			at[l.label] = len(code)
		}
		if !l.code {
			continue
		}
		code = append(code, l)
		if from, ok := at[l.target]; ok && l.target != "" { // backwards
			loops = append(loops, loop{from, len(code)})
		}
	}
	if len(code) == 0 {
		return fmt.Errorf("isa: no instruction found in the driver's machine code of %d bytes", len(text))
	}
	all := tally(code)
	r.Vector, r.Matrix = all[vector], all[matrix]
	products := matrix
	if all[matrix] == 0 {
		products = multiplyAdd
	}
	r.LoopInstructions, r.LoopVector, r.LoopMatrix = 0, 0, 0
	most, shortest := 0, 0
	for _, l := range loops {
		n := tally(code[l.from:l.to])
		if n[products] < most || n[products] == most && (most == 0 || l.to-l.from >= shortest) {
			continue
		}
		most, shortest = n[products], l.to-l.from
		r.LoopInstructions, r.LoopVector, r.LoopMatrix = shortest, n[vector], n[matrix]
	}
	return nil
}

// tally counts instructions by kind; multiply-adds count as vector too.
func tally(code []line) [4]int {
	var n [4]int
	for _, l := range code {
		n[l.kind]++
	}
	n[vector] += n[multiplyAdd]
	return n
}

// amdLine reads RADV's listing: labels as "BB3:", then instructions behind a
// tab, branches with the label.
func amdLine(text string) line {
	if label, ok := strings.CutSuffix(strings.TrimSpace(text), ":"); ok && strings.HasPrefix(label, "BB") {
		return line{label: label}
	}
	words := strings.Fields(strings.SplitN(text, ";", 2)[0])
	if !strings.HasPrefix(text, "\t") || len(words) == 0 {
		return line{}
	}
	l := line{code: true}
	switch name := words[0]; {
	case strings.HasPrefix(name, "v_wmma"), strings.HasPrefix(name, "v_swmmac"), strings.HasPrefix(name, "v_mfma"):
		l.kind = matrix
	case hasAny(name, "v_fma", "v_pk_fma", "v_mad_", "v_mac_", "v_dot", "v_dual_fma", "v_dual_dot"):
		l.kind = multiplyAdd
	case strings.HasPrefix(name, "v_"):
		l.kind = vector
	case strings.HasPrefix(name, "s_cbranch"), name == "s_branch":
		if len(words) > 1 {
			l.target = words[1]
		}
	}
	return l
}

// nvidiaLine reads NVK's listing: "block 3 L9 [2] -> {" gives a label, and
// instructions are "@!p1  r0..4 = ffma r1 r2 r3  // delay=1".
func nvidiaLine(text string) line {
	words := strings.Fields(strings.SplitN(text, "//", 2)[0])
	switch {
	case len(words) == 0, words[0] == "}":
		return line{}
	case strings.HasPrefix(words[0], "block"):
		if len(words) < 3 {
			return line{}
		}
		return line{label: words[2]}
	}
	if strings.HasPrefix(words[0], "@") {
		words = words[1:]
	}
	to := ""
	if i := slices.Index(words, "="); i > 0 {
		to, words = words[0], words[i+1:]
	}
	if len(words) == 0 {
		return line{}
	}
	l := line{code: true}
	name, _, _ := strings.Cut(words[0], ".")
	switch name {
	case "hmma", "imma":
		l.kind = matrix
	case "ffma", "hfma2", "fswzadd":
		l.kind = multiplyAdd
	case "bra":
		l.target = words[len(words)-1]
	case "ldc", "s2r", "ld", "st", "ldsm", "atom", "membar", "bar", "bsync", "bssy", "bclear", "bmov", "break", "warpsync", "exit", "nop":
	default:
		if !strings.HasPrefix(to, "u") { // uniform registers are scalars
			l.kind = vector
		}
	}
	return l
}

// intelLine reads ANV's listing: labels as "LABEL3:", then instructions as
// "(+f0.0) mad(16)  g1<1>F ...", or "while(16)  JIP:  LABEL3" at a loop's end;
// what a message says is on a line of its own behind blanks.
func intelLine(text string) line {
	if label, ok := strings.CutSuffix(strings.TrimSpace(text), ":"); ok && strings.HasPrefix(label, "LABEL") {
		return line{label: label}
	}
	if strings.HasPrefix(text, "(") { // predicate
		_, text, _ = strings.Cut(text, ")")
		text = strings.TrimLeft(text, " ")
	}
	if text == "" || text[0] < 'a' || text[0] > 'z' {
		return line{}
	}
	words := strings.Fields(text)
	name, lanes, _ := strings.Cut(words[0], "(")
	name, _, _ = strings.Cut(name, ".")
	l := line{code: true}
	switch name {
	case "dpas":
		l.kind = matrix
	case "mad", "mac", "dp4a":
		l.kind = multiplyAdd
	case "while":
		l.target = words[len(words)-1]
		if i := slices.Index(words, "JIP:"); i > 0 && i+1 < len(words) {
			l.target = words[i+1]
		}
	case "send", "sendc", "sends", "sendsc", "sync", "if", "else", "endif", "do", "break", "cont", "halt", "nop", "jmpi", "goto", "join":
	default:
		if lanes != "1)" { // one lane: the scalar part of the work
			l.kind = vector
		}
	}
	return l
}

func hasAny(text string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}
