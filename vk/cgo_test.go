package vk

import (
	"go/build"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Only internal/driver calls C and knows the binding, so that all else builds,
// and can be tested, anywhere.
func TestOnlyTheDriverCallsC(t *testing.T) {
	context := build.Default
	context.CgoEnabled = true
	p, err := context.ImportDir(".", 0)
	require.NoError(t, err)
	require.Empty(t, p.CgoFiles)
	require.Empty(t, p.CFiles)
	require.NotContains(t, p.Imports, "github.com/vulkan-go/vulkan")
	left := slices.DeleteFunc(p.IgnoredGoFiles, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	require.Empty(t, left, "files that are for some builds alone")
}
