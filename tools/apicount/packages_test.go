package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	module   = "github.com/anchorvk/anchorvk/"
	thisPage = "../../docs/architecture.md"
)

// docs/architecture.md names every package, in an order in which each imports
// only what stands below it.
func TestThePageNamesEveryPackage(t *testing.T) {
	text, err := os.ReadFile(thisPage)
	require.NoError(t, err)
	page := string(text)
	_, rest, found := strings.Cut(page, "\n## Packages\n")
	require.True(t, found)
	list, after, found := strings.Cut(rest, "\nOnly tests import")
	require.True(t, found)
	after, _, _ = strings.Cut(after, "\n\n")
	var order []string
	for _, row := range regexp.MustCompile(`(?m)^    ([a-z]\S*) `).FindAllStringSubmatch(list, -1) {
		order = append(order, row[1])
	}
	require.Greater(t, len(order), 20)
	// A folder stands for what is below it, unless that has a line of its own.
	place := func(name string) int {
		for ; name != "."; name = parent(name) {
			if i := slices.Index(order, name); i >= 0 {
				return i
			}
		}
		return -1
	}
	everywhere := []string{"internal/ceil", "internal/plural"}
	tests := regexp.MustCompile("`((?:attention/)?internal/[a-z/]+)`").FindAllStringSubmatch(after, -1)
	forTests := func(name string) bool {
		return slices.ContainsFunc(tests, func(m []string) bool { return m[1] == name })
	}

	command := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	command.Dir = "../.."
	out, err := command.Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], module)
		if slices.Contains(everywhere, name) || forTests(name) {
			continue
		}
		own := place(name)
		if own < 0 {
			t.Errorf("%s: no line for package %s", thisPage, name)
			continue
		}
		for _, imported := range fields[1:] {
			other, ours := strings.CutPrefix(imported, module)
			if !ours || slices.Contains(everywhere, other) {
				continue
			}
			if forTests(other) {
				t.Errorf("%s says that only tests import %s, but %s does", thisPage, other, name)
			} else if place(other) < own || place(other) == own && !strings.HasPrefix(other, order[own]) {
				t.Errorf("%s: %s imports %s, which does not stand below it", thisPage, name, other)
			}
		}
	}
}

// parent is the folder of a slash-separated path, "." at its root.
func parent(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "."
	}
	return path[:i]
}
