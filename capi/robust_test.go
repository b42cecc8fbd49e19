//go:build cgo && linux

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/profile"
	"github.com/anchorvk/anchorvk/internal/hosttest"
)

// run compiles a program of testdata, with more flags or sources, and runs it
// on the test's device.
func run(t *testing.T, name string, flags, env []string, args ...string) string {
	t.Helper()
	program := hosttest.Compile(t, append([]string{"capi/testdata/" + name + ".c"}, flags...)...)
	out, _ := hosttest.Run(t, hosttest.OnDevice(hosttest.Command{Name: program, Args: args, Env: env}))
	return out
}

func TestRandomCallsNeverCrash(t *testing.T) {
	out := run(t, "fuzz", nil, nil, "20000", "1")
	assert.Contains(t, out, "20000 calls")
}

// A device of the host's without optional features, and what must be refused on it.
func TestBorrowedDeviceRefusals(t *testing.T) { run(t, "borrowed", borrowedSources, nil) }

var borrowedSources = []string{"-Iexamples/common", "-Iexamples/c", "examples/c/host.c", "examples/common/sample.c"}

// The profile's model is named as what texts of the packages behind translate.
func TestProfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.json")
	p := profile.Profile{Model: "vk.Adopt", Preset: "safe", Heads: []profile.Head{
		{Layer: 5, Head: 3, Own: attention.Head{Mode: attention.HeadAnchor, Theta: 2.5}},
		{Layer: 3, Head: 0, Own: attention.Head{Mode: attention.HeadDense}},
		{Layer: 3, Head: 1, Own: attention.Head{Mode: attention.HeadAnchor, Weight: 1.5}},
		{Layer: 3, Head: 3, Own: attention.Head{Mode: attention.HeadAnchorOnly}},
	}}
	text, err := p.Encode()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	run(t, "profile", nil, nil, path)
}

func TestTenThreadsOnOneEngine(t *testing.T) { run(t, "threads", nil, nil) }

func TestEightThreadsOnOneCall(t *testing.T) { run(t, "onecall", nil, nil) }

func TestOpenAndCloseAThousandTimes(t *testing.T) {
	times := "1000"
	if testing.Short() {
		times = "50"
	}
	t.Log(run(t, "cycles", nil, nil, times))
}

// sanitizers are the flags, and the source, of a program that asan.supp is for.
var sanitizers = []string{"-fsanitize=address,undefined", "-fno-sanitize-recover=all", "capi/testdata/keep_drivers.c"}

// Leaks and misuse of memory, in the caller and in the C of the library. The
// driver's own leaks are listed in asan.supp.
func TestUnderAddressSanitizer(t *testing.T) {
	if testing.Short() {
		t.Skip("a sanitizer: left to make test")
	}
	for _, c := range []struct {
		name          string
		sources, args []string
	}{{"misuse", nil, nil}, {"fuzz", nil, []string{"3000", "2"}}, {"threads", nil, nil}, {"onecall", nil, nil}, {"borrowed", borrowedSources, nil}} {
		t.Run(c.name, func(t *testing.T) {
			run(t, c.name, append(c.sources, sanitizers...), hosttest.LeakSuppressions(), c.args...)
		})
	}
}

// The same by valgrind, which sees the library's own C too. valgrind.supp lists
// what is left out.
func TestUnderValgrind(t *testing.T) {
	if testing.Short() {
		t.Skip("valgrind: left to make test")
	}
	for _, source := range []string{"capi/testdata/misuse.c", "capi/testdata/misuse_plans.c"} {
		hosttest.Valgrind(t, hosttest.CompileWith(t, hosttest.ValgrindLibrary(t), source))
	}
}
