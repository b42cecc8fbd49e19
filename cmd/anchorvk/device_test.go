package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/vk"
)

// needDevice skips a test on a machine without a Vulkan device, but never in
// continuous integration, where a missing device is a failure.
func needDevice(t *testing.T) {
	t.Helper()
	_, err := vk.List(vk.Options{})
	var none *vk.NoDeviceError
	if errors.As(err, &none) && os.Getenv("CI") == "" {
		t.Skipf("no Vulkan device: %v", err)
	}
	require.NoError(t, err)
}

var tiny = filepath.Join("..", "..", "testdata", "tiny.safetensors")

func TestDevices(t *testing.T) {
	needDevice(t)
	code, stdout, stderr := program("devices", "--json")
	require.Equal(t, 0, code, stderr)
	var doc struct {
		Schema  int
		Devices []struct {
			Name, Type, API string
			Default         bool
			Limits          struct {
				SharedMemory int `json:"shared_memory"`
			}
			Tiers []tierRecord
		}
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	require.Equal(t, 1, doc.Schema)
	require.NotEmpty(t, doc.Devices)
	defaults := 0
	for _, d := range doc.Devices {
		if d.Default {
			defaults++
		}
		require.NotEmpty(t, d.Name)
		require.NotZero(t, d.Limits.SharedMemory)
		passed := 0
		for _, tier := range d.Tiers {
			if tier.OK {
				passed++
			} else {
				require.NotEmpty(t, tier.Why, "a tier that is refused has a reason")
			}
		}
		require.NotZero(t, passed, "every device passes one tier at least")
	}
	require.Equal(t, 1, defaults)
}

// TestRunOnADevice is prefill as a user meets it: both modes, verified, with
// every output.
func TestRunOnADevice(t *testing.T) {
	needDevice(t)
	dir := t.TempDir()
	input := qkv(t, dir)
	out, picture := filepath.Join(dir, "out.safetensors"), filepath.Join(dir, "kept.svg")
	code, stdout, stderr := program("run", "-i", input, "-o", out, "--picture", picture, "--lse", "--dump-stripes", "--mode", "anchor,dense",
		"--preset", "paper", "--block", "16", "--step", "2", "--theta", "0.5", "--no-fallback", "--verify", "--json")
	require.Equal(t, 0, code, "%s%s", stdout, stderr)
	var doc struct{ Results []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	require.Len(t, doc.Results, 2)
	for i, mode := range []string{"anchor", "dense"} {
		r := doc.Results[i]
		require.Equal(t, mode, r["mode"])
		require.Equal(t, "OK", r["verdict"])
		require.Empty(t, r["fallback"])
		for _, key := range []string{"tier", "device", "shape", "params", "time_ms", "host_ms", "computed_ratio", "sparsity", "stripe_ratio", "scratch_bytes", "slices", "rel_l2", "max_abs", "recall_mass", "recall_close"} {
			require.Contains(t, r, key)
		}
	}
	anchor, dense := doc.Results[0], doc.Results[1]
	require.Less(t, anchor["computed_ratio"], 1.0)
	require.Equal(t, 1.0, dense["computed_ratio"])
	require.Equal(t, 1.0, dense["recall_mass"])
	require.Less(t, anchor["recall_mass"], 1.0)
	load(t, out, "out.anchor", "F16", []int{4, 100, 16})
	load(t, out, "lse.dense", "F32", []int{4, 100})
	load(t, out, "stripes.anchor", "U8", []int{4, 5, 150})
	require.Equal(t, []string{"kept.svg", "out.safetensors", "qkv.safetensors"}, listing(t, dir))
}

func TestRunFallsBackWithAReason(t *testing.T) {
	needDevice(t)
	code, stdout, stderr := program("run", "-i", tiny, "--verify", "--output", "csv")
	require.Equal(t, 0, code, stderr)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 2)
	require.Contains(t, lines[1], "sink and window cover every key")
}

func TestExplainStopsAtThePlan(t *testing.T) {
	needDevice(t)
	dir := t.TempDir()
	code, stdout, stderr := program("run", "-i", tiny, "-o", filepath.Join(dir, "out"), "--explain", "--mode", "dense")
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, "kv_len 40")
	require.Empty(t, listing(t, dir))
	code, stdout, stderr = program("bench", "--explain", "--json", "--seq", "131072", "--heads", "32", "--kv-heads", "8")
	require.Equal(t, 0, code, stderr)
	var doc struct {
		Plans []struct {
			ScratchBytes uint64 `json:"scratch_bytes"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	require.Len(t, doc.Plans, 2)
	require.NotZero(t, doc.Plans[0].ScratchBytes)
	require.LessOrEqual(t, doc.Plans[0].ScratchBytes, uint64(64<<20), "the promise of architecture: 64 MiB at 131,072 positions")
}

func TestBenchOnADevice(t *testing.T) {
	needDevice(t)
	code, stdout, stderr := program("bench", "--seq", "512", "--heads", "2", "--head-dim", "64", "-r", "3", "--block", "16", "--step", "4", "--no-fallback", "--json")
	require.Equal(t, 0, code, stderr)
	var doc struct{ Results []benchRecord }
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	require.Len(t, doc.Results, 2)
	for _, r := range doc.Results {
		require.Len(t, r.TimeMS.Samples, 3)
		require.Positive(t, float64(r.TimeMS.Min))
		require.LessOrEqual(t, r.TimeMS.Min, r.TimeMS.Median)
		require.LessOrEqual(t, r.TimeMS.Median, r.TimeMS.Max)
		require.Positive(t, float64(r.TFLOPS))
	}
}

func TestVerifyOnADevice(t *testing.T) {
	needDevice(t)
	code, stdout, stderr := program("verify", "-p", "head_dim/.* d=40|n=97 ")
	require.Equal(t, 0, code, "%s%s", stdout, stderr)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Regexp(t, `^\d+ passed, 0 failed$`, lines[len(lines)-1])
}
