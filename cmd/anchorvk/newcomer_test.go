package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/vk"
)

// What users of other programs of this kind type does what they expect.
func TestWhatNewcomersType(t *testing.T) {
	input := qkv(t, t.TempDir())
	code, stdout, stderr := invoke(newFake(), nil, "--version")
	require.Equal(t, 0, code, stderr)
	require.Regexp(t, `^anchorvk \S+\n$`, stdout)

	for _, command := range []string{"devices", "env", "version", "verify"} {
		args := []string{command, "-o", "json"}
		if command == "verify" {
			args = append(args, "-p", "length/dense n=97")
		}
		code, stdout, stderr = invoke(newFake(), nil, args...)
		require.Equal(t, 0, code, stderr)
		require.True(t, json.Valid([]byte(stdout)), "%s: %s", command, stdout)
	}
	code, stdout, stderr = invoke(newFake(), nil, "bench", "-o", "json", "--seq", "1k", "--heads", "1", "--head-dim", "8", "-r", "1", "--modes", "dense")
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, `"kv_len": 1024`)

	code, byFlag, stderr := invoke(newFake(), nil, append([]string{"run", "-i", input}, small...)...)
	require.Equal(t, 0, code, stderr)
	code, byName, stderr := invoke(newFake(), nil, append([]string{"run", input}, small...)...)
	require.Equal(t, 0, code, stderr)
	require.Equal(t, byFlag, byName)
}

// A pattern that matches nothing is a mistake of the command line, whatever
// the machine has; one of a tier that the device lacks says so.
func TestVerifyPatterns(t *testing.T) {
	f := newFake()
	f.err = &vk.NoDeviceError{Why: "none", Try: "another machine"}
	code, stdout, stderr := invoke(f, nil, "verify", "-p", "lenghx")
	require.Equal(t, 2, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, `-p "lenghx" matches no case`)

	code, stdout, _ = invoke(newFake(), nil, "verify", "-p", "^fast length")
	require.Equal(t, 0, code)
	require.True(t, strings.HasPrefix(stdout, "not supported fast: cooperative matrices"), stdout)
}

// Slips are corrected as for commands, and what is far from all is not.
func TestFlagSuggestions(t *testing.T) {
	require.Equal(t, []int{0, 1, 1, 2, 3}, []int{slips("theta", "theta"), slips("thetta", "theta"), slips("heta", "theta"), slips("tehta", "theta"), slips("kitten", "sitting")})
	for typed, want := range map[string]string{"--thetta": "; did you mean --theta?", "--repetition": "; did you mean --repetitions?", "--xyzzy": ""} {
		_, _, stderr := invoke(newFake(), nil, "bench", typed, "8")
		require.Contains(t, stderr, "unknown flag: "+typed+want+"\n")
	}
}
