//go:build cgo && linux

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestForkedChildIsRefused(t *testing.T) { run(t, "fork", nil, nil) }

// Every function in Go has an entry in C that looks for a fork first, and
// testdata/fork.c calls it.
func TestEveryFunctionHasAnEntry(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	exported := matches(t, `(?m)^//export (avk_\w+)`, files...)
	require.Greater(t, len(exported), 30)
	assert.ElementsMatch(t, exported, matches(t, `(?m)^ENTRY\((avk_\w+),`, "entries.c"))
	assert.ElementsMatch(t, exported, matches(t, `(?m)^#define (avk_\w+) go_avk_\w+$`, "go_names.h"))
	assert.Subset(t, matches(t, `REFUSED\((avk_\w+)\(`, "testdata/fork.c"), exported)
}

func matches(t *testing.T, pattern string, files ...string) []string {
	t.Helper()
	var found []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			found = append(found, m[1])
		}
	}
	return found
}
