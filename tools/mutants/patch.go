package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const patchFolder = "tools/mutants/patches"

// areas are what faults are planted in.
var areas = []string{"barriers", "masks", "softmax", "lifetimes", "errors", "files", "capi", "plan"}

// mutant is one planted fault: a patch and what its head says.
type mutant struct {
	name       string
	area       string
	planted    string // what is changed
	why        string // what it would do to a user
	test       string // a shell command that must fail, run at the root of the tree
	equivalent string // why no test can fail, or ""
	hunks      []hunk
	digest     string
}

// hunk replaces whole lines of a file. Line numbers of the patch are not looked
// at: the old lines must occur exactly once.
type hunk struct {
	file     string
	old, new []string
}

// readAll reads every patch of a folder, by area and name.
func readAll(folder string) ([]mutant, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.patch"))
	if err != nil || len(names) == 0 {
		return nil, errors.Join(fmt.Errorf("no patches in %s", folder), err)
	}
	var all []mutant
	var failed []error
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err == nil {
			var m mutant
			if m, err = parse(strings.TrimSuffix(filepath.Base(name), ".patch"), string(text)); err == nil {
				all = append(all, m)
			}
		}
		failed = append(failed, err)
	}
	slices.SortStableFunc(all, func(a, b mutant) int { return slices.Index(areas, a.area) - slices.Index(areas, b.area) })
	return all, errors.Join(failed...)
}

// parse reads a head of "key: value" lines, where a line that begins with a
// space goes on, and after it a unified diff.
func parse(name, text string) (mutant, error) {
	sum := sha256.Sum256([]byte(text))
	m := mutant{name: name, digest: hex.EncodeToString(sum[:])}
	fail := func(format string, args ...any) (mutant, error) {
		return m, fmt.Errorf("%s.patch: %s", name, fmt.Sprintf(format, args...))
	}
	head, diff, ok := strings.Cut(text, "\n--- ")
	if !ok {
		return fail("no line begins with ---")
	}
	fields := map[string]*string{"area": &m.area, "planted": &m.planted, "why": &m.why, "test": &m.test, "equivalent": &m.equivalent}
	for line := range strings.Lines(strings.ReplaceAll(head, "\n ", " ")) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		field := fields[key]
		if field == nil || *field != "" {
			return fail("the head has the line %q; it takes each of area, planted, why, test and equivalent once", line)
		}
		*field = strings.Join(strings.Fields(value), " ")
	}
	if m.planted == "" || m.why == "" || m.test == "" {
		return fail("the head needs planted, why and test")
	}
	if !slices.Contains(areas, m.area) {
		return fail("area is %q: use one of %s", m.area, strings.Join(areas, ", "))
	}
	file := ""
	for i, line := range strings.Split(strings.TrimSuffix("--- "+diff, "\n"), "\n") {
		last := len(m.hunks) - 1
		switch {
		case strings.HasPrefix(line, "--- "):
			file = strings.TrimPrefix(strings.TrimPrefix(line, "--- "), "a/")
		case strings.HasPrefix(line, "+++ "), strings.HasPrefix(line, "diff "), strings.HasPrefix(line, "index "):
		case strings.HasPrefix(line, "@@"):
			m.hunks = append(m.hunks, hunk{file: file})
		case last < 0 || line == "":
			return fail("line %d of the diff is %q; it needs a @@ before it, and a space, - or + as its first character", i+1, line)
		case line[0] == ' ':
			m.hunks[last].old, m.hunks[last].new = append(m.hunks[last].old, line[1:]), append(m.hunks[last].new, line[1:])
		case line[0] == '-':
			m.hunks[last].old = append(m.hunks[last].old, line[1:])
		case line[0] == '+':
			m.hunks[last].new = append(m.hunks[last].new, line[1:])
		default:
			return fail("line %d of the diff begins with %q", i+1, line[:1])
		}
	}
	for _, h := range m.hunks {
		if len(h.old) == 0 || slices.Equal(h.old, h.new) {
			return fail("a part for %s changes nothing, or has no line of the file", h.file)
		}
	}
	return m, nil
}

// apply returns the files that the fault changes, with the fault.
func (m *mutant) apply(tree fs.FS) (map[string]string, error) {
	changed := map[string]string{}
	for _, h := range m.hunks {
		text, ok := changed[h.file]
		if !ok {
			read, err := fs.ReadFile(tree, h.file)
			if err != nil {
				return nil, err
			}
			text = string(read)
		}
		// A newline on both sides, so that whole lines are compared.
		text, old := "\n"+text, "\n"+strings.Join(h.old, "\n")+"\n"
		if n := strings.Count(text, old); n != 1 {
			return nil, fmt.Errorf("%s has the lines below %d times, where once is right:%s", h.file, n, strings.TrimSuffix(old, "\n"))
		}
		text = strings.Replace(text, old, "\n"+strings.Join(append(slices.Clone(h.new), ""), "\n"), 1)
		changed[h.file] = text[1:]
	}
	return changed, nil
}

// checkAll says of every patch that does not apply why.
func checkAll(mutants []mutant, tree fs.FS) error {
	var failed []error
	for i := range mutants {
		if _, err := mutants[i].apply(tree); err != nil {
			failed = append(failed, fmt.Errorf("%s.patch does not apply: %w", mutants[i].name, err))
		}
	}
	return errors.Join(failed...)
}
