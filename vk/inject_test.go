//go:build cgo

package vk

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/fault"
	"github.com/anchorvk/anchorvk/internal/fault/faulttest"
)

// Every function that this package calls can be made to fail, with each result
// that it may return.
func TestEveryFunctionCanFail(t *testing.T) {
	header, err := os.ReadFile("internal/driver/vulkan_min_fn.h")
	require.NoError(t, err)
	functions := fault.Functions()
	for _, m := range regexp.MustCompile(`X\((vk\w+), [01]\)`).FindAllStringSubmatch(string(header), -1) {
		require.Contains(t, functions, m[1], "resolved, and not wrapped")
	}
	var fail []string
	for _, f := range functions {
		if fault.ReturnsResult(f) {
			fail = append(fail, f)
		}
	}
	require.ElementsMatch(t, fail, slices.Collect(maps.Keys(fault.Results)), "the functions that may fail, and the table of their results")
	// What is called without the table of functions is wrapped too: it comes from
	// vkGetInstanceProcAddr.
	shims, err := os.ReadFile("internal/driver/shim_instance.c")
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`get\(NULL, "(vk\w+)"\)`).FindAllStringSubmatch(string(shims), -1) {
		require.Contains(t, functions, m[1])
	}
}

// life opens a device, does everything with it once, and closes it all. Where a
// step fails it ends, closing what it made; stage is the last step that began.
func life(edit func(*Options)) (stage string, err error) {
	opt, err := OptionsFromEnv()
	if err != nil {
		return "options", err
	}
	opt.Hook, opt.Timeout = fault.Hook, 5*time.Second
	if edit != nil {
		edit(&opt)
	}
	d, err := Open(opt)
	if err != nil {
		return "Open", err
	}
	stage, err = work(d)
	if again, problem := after(d, err); problem != nil {
		err = errors.Join(err, fmt.Errorf("then %s: %w", again, problem))
	}
	closed := d.Close()
	if err == nil && closed != nil {
		return "Close", closed
	}
	return stage, err
}

// after checks a device on which work has ended with err: nothing is pinned but
// what a failed wait leaves to the device, and a device that is not lost works.
func after(d *Device, err error) (stage string, problem error) {
	pinned := ""
	for c := range d.lifetime.children {
		switch c := c.(type) {
		case *Buffer:
			if c.pins.n.Load()&^pinsClosed != 0 {
				pinned += " buffer " + c.label
			}
		case *Pipeline:
			if c.pins.n.Load()&^pinsClosed != 0 {
				pinned += " pipeline " + c.config.Name
			}
		case *Recorder:
			if c.pins.n.Load()&^pinsClosed != 0 {
				pinned += " recorder " + c.label
			}
		}
	}
	var lost *DeviceLostError
	waiting := errors.As(err, &lost) && lost.During == "vkWaitForFences"
	switch {
	case waiting && !strings.Contains(pinned, " buffer"):
		return "", errors.New("what may be in use is not pinned")
	case !waiting && pinned != "":
		return "", errors.New("pinned:" + pinned)
	case err != nil && d.Err() == nil && d.cache.failed == nil: // a device without a pipeline cache stays one
		return work(d)
	}
	return "", nil
}

// work computes on a device, and checks the results.
func work(d *Device) (stage string, err error) {
	const n = 1000
	var buffers [3]*Buffer
	for i, kind := range []MemoryKind{DeviceLocal, Upload, Readback} {
		if buffers[i], err = d.NewBuffer(kind.String(), 4*n, kind); err != nil {
			return "NewBuffer", err
		}
		defer func() { _ = buffers[i].Close() }()
	}
	p, err := d.NewPipeline(PipelineConfig{Name: "affine", Code: affineCode, Bindings: 2, PushBytes: 8, Constants: []uint32{3}, Statistics: true, Listings: true})
	if err != nil {
		return "NewPipeline", err
	}
	defer func() { _ = p.Close() }()
	if _, err := p.Statistics(); err != nil {
		return "Statistics", err
	}
	if _, err := p.Listings(); err != nil {
		return "Listings", err
	}
	if err := d.Upload(background, buffers[1], 0, numbers(n)); err != nil {
		return "Upload", err
	}
	r, err := d.NewRecorder("life")
	if err != nil {
		return "NewRecorder", err
	}
	defer func() { _ = r.Close() }()
	for range 2 { // the second time everything is there
		r.Reset()
		r.Timestamp()
		r.Dispatch(p, []Binding{{Buffer: buffers[1]}, {Buffer: buffers[0]}}, push(n, 7), (n+63)/64, 1, 1)
		r.Barrier()
		r.Copy(buffers[2], 0, buffers[0], 0, 4*n)
		r.Timestamp()
		if err := r.Run(background); err != nil {
			return "Run", err
		}
	}
	got := make([]byte, 4*n)
	if err := d.Download(background, got, buffers[2], 0); err != nil {
		return "Download", err
	}
	if want := words(n, func(i int) uint32 { return 3*(uint32(i)*2654435761+1) + 7 }); !slices.Equal(got, want) {
		return "results", errors.New("wrong results")
	}
	if _, err := d.PipelineCacheData(); err != nil {
		return "PipelineCacheData", err
	}
	return "", d.SavePipelineCache()
}

// typed checks the error of a failed call: its type and the call it names.
func typed(c fault.Case, err error) error {
	var (
		memory *OutOfMemoryError
		lost   *DeviceLostError
		none   *NoDeviceError
		call   *CallError
		limit  *LimitError
	)
	switch {
	case errors.As(err, &none) && (c.Function == "vkCreateInstance" || strings.HasPrefix(c.Function, "vkEnumerate")):
		return nil
	case c.Result == fault.DeviceLost && errors.As(err, &lost):
		if lost.During != c.Function {
			return fmt.Errorf("%q is named", lost.During)
		}
	case c.Result.OutOfMemory() && errors.As(err, &memory):
		host := c.Result == fault.OutOfHostMemory || c.Result == fault.MemoryMapFailed
		if memory.Call != c.Function || memory.Host != host {
			return fmt.Errorf("%q and host %v are named", memory.Call, memory.Host)
		}
	case c.Result == fault.TooManyObjects && errors.As(err, &limit):
	case errors.As(err, &call):
		if call.Call != c.Function || call.Result != int32(c.Result) {
			return fmt.Errorf("%q and %d are named", call.Call, call.Result)
		}
	default:
		return errors.New("no type that tells it")
	}
	return nil
}

// Each call of each function fails once, with each result that it may return:
// the error has a type and names the call, nothing is left, and the next life
// of a device is as if nothing had been.
func TestEveryCallFailsOnce(t *testing.T) {
	fault.Set(fault.Off)
	fault.Keep(true)
	t.Cleanup(func() {
		fault.Fail("vkCreateInstance", 0, 0)
		fault.Keep(false)
	})
	for name, edit := range map[string]func(*Options){
		"mapped":     nil,
		"staged":     func(o *Options) { o.Disable = append(o.Disable, "host-visible") },
		"incoherent": func(*Options) { fault.Set(switches(func(s *fault.Switches) { s.Incoherent = true })) },
		"with files": func(o *Options) { o.CacheDir = t.TempDir() },
	} {
		t.Run(name, func(t *testing.T) {
			defer fault.Set(fault.Off)
			failEach(t, func() (string, error) { return life(edit) })
		})
	}
}

// The same under the validation layer, which brings calls of its own. It is
// there in make validate.
func TestEveryCallFailsOnceUnderValidation(t *testing.T) {
	fault.Set(fault.Off)
	validate := func(o *Options) { o.Validate = true }
	if _, err := life(validate); err != nil {
		var missing *FeatureError
		require.ErrorAs(t, err, &missing)
		require.Contains(t, err.Error(), "VK_LAYER_KHRONOS_validation is not installed")
		t.Skip(err)
	}
	t.Cleanup(func() { fault.Fail("vkCreateInstance", 0, 0) })
	failEach(t, func() (string, error) { return life(validate) })
}

// failEach lets each call of a life fail once.
func failEach(t *testing.T, life func() (stage string, err error)) {
	t.Helper()
	faulttest.EachCall(t, life, func(c fault.Case, err error) error {
		_, tolerated := fault.Tolerated[c.Function]
		switch {
		case err == nil && tolerated:
			return nil
		case err == nil:
			return errors.New("it is not told")
		case strings.Contains(err.Error(), "then "):
			return errors.New("it is no single error")
		}
		return typed(c, err)
	})
}
