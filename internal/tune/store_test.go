package tune

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// device is one that passes the tier unpack, which needs nothing.
func device() *vk.Report {
	return &vk.Report{
		Name: "Paper GPU", VendorID: 0x1002, DeviceID: 7, DriverID: 3, DriverInfo: "Paper 1", API: "1.3.250", Type: "discrete",
		Hardware: vk.Hardware{DriverVersion: 42}, Subgroup: vk.Subgroup{Size: 32},
	}
}

var words = Words{From: "a sweep", Again: "`sweep` measures again", Elsewhere: "set SWEEP_DIR"}

func winner() Entry {
	return Entry{
		Tier: tuning.TierUnpack, HeadDim: 64, Over: "table gpu", Attend: 1.25,
		Choice: tuning.Choice{Way: tuning.Way{Load: tuning.LoadUint}, Attend: tuning.ShapeChoice{Local: 64, Lanes: 1, Rows: 2, Keys: 8}},
	}
}

func saved(t *testing.T) (store *Store, path string) {
	t.Helper()
	store = OpenStore(t.TempDir(), "digest", words)
	require.NoError(t, store.Save(device(), winner()))
	paths, err := filepath.Glob(filepath.Join(store.dir, "*"))
	require.NoError(t, err)
	require.Len(t, paths, 1, "one file, and no temporary one")
	return store, paths[0]
}

func TestRoundTrip(t *testing.T) {
	store, path := saved(t)
	choices, warnings := store.Load(device())
	require.Empty(t, warnings)
	require.Equal(t, []tuning.Rule{{
		When: tuning.Only(tuning.TierUnpack, 64), Choice: winner().Choice,
		From: "a sweep", Why: "attend 1.25 times as fast as with table gpu on this device",
	}}, choices)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	info, err = os.Stat(store.dir)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	better := winner()
	better.Choice.Attend.Rows, better.Identify = 4, 1.5
	require.NoError(t, store.Save(device(), better))
	choices, _ = store.Load(device())
	require.Len(t, choices, 1, "the new one takes the place of the old one")
	require.Equal(t, 4, choices[0].Choice.Attend.Rows)
	require.Contains(t, choices[0].Why, "attend 1.25 times as fast, identify 1.50 times as fast as with table gpu")

	found, err := store.Remove(device(), tuning.TierUnpack, 64)
	require.NoError(t, err)
	require.True(t, found)
	found, err = store.Remove(device(), tuning.TierUnpack, 64)
	require.NoError(t, err)
	require.False(t, found)
	choices, warnings = store.Load(device())
	require.Empty(t, choices)
	require.Empty(t, warnings)
}

// Other devices, also of the same make, see nothing of it.
func TestForeignDevicesAreApart(t *testing.T) {
	store, _ := saved(t)
	for name, edit := range map[string]func(*vk.Report){
		"vendor":   func(r *vk.Report) { r.VendorID++ },
		"device":   func(r *vk.Report) { r.DeviceID++ },
		"driver":   func(r *vk.Report) { r.DriverID++ },
		"name":     func(r *vk.Report) { r.Name += " 2" },
		"subgroup": func(r *vk.Report) { r.Subgroup.Size = 64 },
	} {
		r := device()
		edit(r)
		choices, warnings := store.Load(r)
		assert.Empty(t, choices, name)
		assert.Empty(t, warnings, name)
	}
}

// What is stale is left out with the reason, and replaced by the next sweep.
func TestStale(t *testing.T) {
	store, _ := saved(t)
	updated := device()
	updated.Hardware.DriverVersion++
	for _, c := range []struct {
		store *Store
		r     *vk.Report
		why   string
	}{
		{store, updated, "stale: measured with driver Paper 1 (version 42, Vulkan 1.3.250), this is driver Paper 1 (version 43, Vulkan 1.3.250)"},
		{&Store{store.dir, "others", words}, device(), "stale: measured with other kernels"},
	} {
		choices, warnings := c.store.Load(c.r)
		require.Empty(t, choices)
		require.Len(t, warnings, 1)
		require.ErrorContains(t, warnings[0], c.why)
		require.ErrorContains(t, warnings[0], "; `sweep` measures again")
	}
	require.NoError(t, store.Save(updated, winner()))
	choices, warnings := store.Load(updated)
	require.Len(t, choices, 1)
	require.Empty(t, warnings)
}

// Whatever lies there, Load warns and goes on.
func TestDamaged(t *testing.T) {
	store, path := saved(t)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	edited := func(edit func(map[string]any)) []byte {
		m := map[string]any{}
		require.NoError(t, json.Unmarshal(whole, &m))
		edit(m)
		text, err := json.Marshal(m)
		require.NoError(t, err)
		return text
	}
	for name, text := range map[string][]byte{
		"empty":       {},
		"text":        []byte("rows=2"),
		"null":        []byte("null"),
		"list":        []byte("[]"),
		"twice":       append(bytes.Clone(whole), whole...),
		"huge":        append(bytes.Clone(whole), bytes.Repeat([]byte(" "), maxBytes+1)...)[:len(whole)-3],
		"newer":       edited(func(m map[string]any) { m["schema"] = 2 }),
		"unknown":     edited(func(m map[string]any) { m["colour"] = "red" }),
		"no choice":   edited(func(m map[string]any) { m["choice"] = map[string]any{} }),
		"no speed-up": edited(func(m map[string]any) { m["attend_speedup"] = 0 }),
		"other tier":  edited(func(m map[string]any) { m["tier"] = "scalar" }),
		"other dim":   edited(func(m map[string]any) { m["head_dim"] = 72 }),
		"foreign":     edited(func(m map[string]any) { m["device"].(map[string]any)["name"] = "Other GPU" }),
	} {
		require.NoError(t, os.WriteFile(path, text, 0o600))
		choices, warnings := store.Load(device())
		require.Empty(t, choices, name)
		require.Len(t, warnings, 1, name)
		require.ErrorContains(t, warnings[0], path)
	}
	for cut := range whole[:len(whole)-2] { // the last bytes are the brace and the line's end
		require.NoError(t, os.WriteFile(path, whole[:cut], 0o600))
		choices, warnings := store.Load(device())
		require.Empty(t, choices, "cut to %d bytes", cut)
		require.Len(t, warnings, 1)
	}
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Mkdir(path, 0o700))
	choices, warnings := store.Load(device())
	require.Empty(t, choices)
	require.Len(t, warnings, 1)
	require.ErrorContains(t, warnings[0], "is no regular file")
}

// What is in the place of the directory is one warning, and not one a file.
func TestNoDirectory(t *testing.T) {
	store, _ := saved(t)
	require.NoError(t, os.RemoveAll(store.dir))
	require.NoError(t, os.WriteFile(store.dir, nil, 0o600))
	choices, warnings := store.Load(device())
	require.Empty(t, choices)
	require.Len(t, warnings, 1)
	require.ErrorContains(t, warnings[0], store.dir+" cannot be used: ")
}

func TestUnwritable(t *testing.T) {
	dir := "/proc" // where not even root makes files
	if os.Geteuid() != 0 {
		dir = t.TempDir()
		require.NoError(t, os.Chmod(dir, 0o500))
	}
	store := OpenStore(dir, "digest", words)
	require.ErrorContains(t, store.Writable(), "; set SWEEP_DIR")
	require.ErrorContains(t, store.Save(device(), winner()), "; set SWEEP_DIR")
	choices, warnings := store.Load(device())
	require.Empty(t, choices)
	require.Empty(t, warnings)

	store, _ = saved(t)
	require.NoError(t, store.Writable())
	paths, err := filepath.Glob(filepath.Join(store.dir, "*"))
	require.NoError(t, err)
	require.Len(t, paths, 1, "the probe is gone")
}

const asWriter = "ANCHORVK_TEST_STORE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asWriter); dir != "" {
		os.Exit(write(OpenStore(dir, "digest", words)))
	}
	os.Exit(m.Run())
}

// write saves entries that differ in their rows, over and over.
func write(store *Store) int {
	for i := range 200 {
		e := winner()
		e.Choice.Attend.Rows = 1 + i%9
		if err := store.Save(device(), e); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

// Two processes store at once; a reader sees whole entries only.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	store := OpenStore(dir, "digest", words)
	require.NoError(t, store.Save(device(), winner()))
	var running sync.WaitGroup
	failed := make([]error, 2)
	for i := range failed {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), asWriter+"="+dir)
		running.Add(1)
		go func() {
			defer running.Done()
			if out, err := cmd.CombinedOutput(); err != nil {
				failed[i] = fmt.Errorf("%w: %s", err, out)
			}
		}()
	}
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()
	reads := 0
	for running := true; running; reads++ {
		select {
		case <-done:
			running = false
		default:
		}
		choices, warnings := store.Load(device())
		require.Empty(t, warnings)
		require.Len(t, choices, 1)
	}
	require.Equal(t, make([]error, 2), failed)
	require.Greater(t, reads, 1)
	paths, err := filepath.Glob(filepath.Join(store.dir, "*"))
	require.NoError(t, err)
	require.Len(t, paths, 1)
}
