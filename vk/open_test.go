//go:build cgo

package vk

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func TestOptionsFromEnv(t *testing.T) {
	t.Setenv("ANCHORVK_DEVICE", " 1 ")
	t.Setenv("ANCHORVK_DISABLE", "float16, coopmat,")
	t.Setenv("ANCHORVK_VALIDATE", "1")
	o, err := OptionsFromEnv()
	require.NoError(t, err)
	require.Equal(t, Options{Device: "1", Disable: []string{"float16", "coopmat"}, Validate: true}, o)
	t.Setenv("ANCHORVK_DISABLE", "flot16")
	_, err = OptionsFromEnv()
	require.ErrorContains(t, err, `unknown feature "flot16"`)
	require.ErrorContains(t, err, "float16, storage16, subgroup")
	_, err = Open(Options{Disable: []string{"x"}})
	require.ErrorContains(t, err, "unknown feature")
	_, err = List(Options{Disable: []string{"x"}})
	require.ErrorContains(t, err, "unknown feature")
	t.Setenv("ANCHORVK_DISABLE", "")
	t.Setenv("ANCHORVK_VALIDATE", "maybe")
	_, err = OptionsFromEnv()
	require.ErrorContains(t, err, "ANCHORVK_VALIDATE")
}

func TestNoDriver(t *testing.T) {
	t.Setenv("VK_DRIVER_FILES", "/nonexistent/driver.json")
	t.Setenv("VK_ICD_FILENAMES", "/nonexistent/driver.json")
	for _, call := range []func() error{
		func() error { _, err := Open(Options{}); return err },
		func() error { _, err := List(Options{}); return err },
	} {
		err := call()
		var none *NoDeviceError
		require.ErrorAs(t, err, &none)
		require.ErrorContains(t, err, "no Vulkan driver found")
		require.ErrorContains(t, err, "/nonexistent/driver.json")
		require.ErrorContains(t, err, "mesa-vulkan-drivers")
	}
}

func TestListAndDevice(t *testing.T) {
	list, err := List(Options{})
	require.NoError(t, err)
	require.NotEmpty(t, list)
	for i, r := range list {
		require.Equal(t, i, r.Index)
		require.Equal(t, i == 0, r.Default)
		require.NotEmpty(t, r.Name)
		require.NotZero(t, r.Limits.MaxStorageBufferRange)
		require.GreaterOrEqual(t, r.Limits.SharedMemory, uint32(16<<10))
		require.GreaterOrEqual(t, r.Limits.PushConstants, uint32(128))
		require.NotEmpty(t, r.Heaps)
		require.True(t, strings.HasPrefix(r.API, "1."), r.API)
		d := open(t, func(o *Options) { o.Device = strconv.Itoa(i) })
		require.Equal(t, r.Name, d.Report().Name)
	}
	part := strings.ToUpper(list[0].Name[1:6])
	d := open(t, func(o *Options) { o.Device = part })
	require.Contains(t, strings.ToUpper(d.Report().Name), part)
	last := strconv.Itoa(len(list) - 1)
	for want, index := range map[string]int{last: len(list) - 1, "no such device": -1} {
		marked, err := List(Options{Device: want})
		require.NoError(t, err)
		for i, r := range marked {
			require.Equal(t, i == index, r.Default, "device %d where %q is asked for", i, want)
		}
	}
	require.True(t, d.Report().Default)
	_, err = Open(Options{Device: "no such device"})
	require.ErrorContains(t, err, list[0].Name)
}

func TestDisable(t *testing.T) {
	for _, name := range FeatureNames() {
		t.Run(name, func(t *testing.T) {
			d := open(t, func(o *Options) { o.Disable = []string{name} })
			r := d.Report()
			f := r.Features
			on := map[string]bool{
				"float16": f.Float16, "storage16": f.Storage16, "subgroup": r.Subgroup != Subgroup{}, "subgroup-size-control": f.SubgroupSizeControl || r.Subgroup.SizeControl,
				"memory-model": f.VulkanMemoryModel || f.CooperativeMatrix, "coopmat": f.CooperativeMatrix || f.CooperativeMatrix2 || len(r.CoopMatrix) > 0,
				"coopmat2": f.CooperativeMatrix2, "memory-budget": f.MemoryBudget, "executable-info": f.PipelineExecutableInfo, "host-visible": f.HostVisible || r.UMA, "buffer-address": f.BufferAddress,
				"timeline-semaphore": f.TimelineSemaphore,
			}
			require.Contains(t, on, name)
			require.False(t, on[name])
			require.Contains(t, r.WhyNot(name), "switched off")
			// The device works without the feature.
			b := newBuffer(t, d, "b", 256, DeviceLocal)
			rec := newRecorder(t, d)
			rec.Fill(b, 0, 256, 9)
			require.NoError(t, rec.Run(context.Background()))
			require.Equal(t, words(64, func(int) uint32 { return 9 }), download(t, d, b, 0, 256))
			require.Equal(t, f.BufferAddress, b.Address() != 0)
		})
	}
}

// Every size that the device says it grants is granted, and others are refused.
func TestSubgroupSize(t *testing.T) {
	d := open(t, nil)
	s := d.Report().Subgroup
	if !s.Basic {
		t.Skipf("%s has no subgroup operations: %s", d.Report().Name, d.Report().WhyNot("subgroup"))
	}
	out := newBuffer(t, d, "out", 64, DeviceLocal)
	run := func(config PipelineConfig) uint32 {
		config.Name, config.Code, config.Bindings = "subgroup", subgroupCode, 1
		p, err := d.NewPipeline(config)
		require.NoError(t, err)
		defer func() { require.NoError(t, p.Close()) }()
		r := newRecorder(t, d)
		r.Dispatch(p, []Binding{{Buffer: out}}, nil, 2, 1, 1)
		require.NoError(t, r.Run(background))
		got := download(t, d, out, 0, 16)
		size, count := uint32(got[0]), uint32(got[4])
		require.Equal(t, push(size, count, size, count), got)
		require.GreaterOrEqual(t, size*count, uint32(64))
		return size
	}
	require.Equal(t, s.Size, run(PipelineConfig{}))
	require.Equal(t, s.Size, run(PipelineConfig{SubgroupSize: s.Size}))
	if s.SizeControl {
		for size := s.Min; size <= s.Max; size *= 2 {
			if s.MaxPerGroup != 0 && 64/size > s.MaxPerGroup {
				continue
			}
			require.Equal(t, size, run(PipelineConfig{SubgroupSize: size}))
			if s.FullSubgroups {
				require.Equal(t, size, run(PipelineConfig{SubgroupSize: size, FullSubgroups: true}))
			}
		}
	}
	refuse := func(d *Device, c PipelineConfig) {
		t.Helper()
		c.Name, c.Code, c.Bindings = "subgroup", subgroupCode, 1
		_, err := d.NewPipeline(c)
		var feature *FeatureError
		require.ErrorAs(t, err, &feature)
		require.ErrorContains(t, err, "pipeline subgroup")
	}
	refuse(d, PipelineConfig{SubgroupSize: max(s.Max, s.Size) * 2})
	refuse(d, PipelineConfig{SubgroupSize: 3})
	off := open(t, func(o *Options) { o.Disable = []string{"subgroup-size-control"} })
	refuse(off, PipelineConfig{SubgroupSize: s.Size * 2})
	refuse(off, PipelineConfig{FullSubgroups: true})
	_, err := off.NewPipeline(PipelineConfig{Name: "same", Code: subgroupCode, Bindings: 1, SubgroupSize: s.Size})
	require.NoError(t, err, "the size that every pipeline has is granted without size control")
}

func TestPipelineErrors(t *testing.T) {
	d := open(t, nil)
	limits := d.Report().Limits
	var limit *LimitError
	_, err := d.NewPipeline(PipelineConfig{Name: "text", Code: []byte("this is not a shader module")})
	require.ErrorContains(t, err, "text")
	require.ErrorContains(t, err, "SPIR-V")
	_, err = d.NewPipeline(PipelineConfig{Name: "p", Code: affineCode, Bindings: int(limits.MaxStorageBuffers) + 1})
	require.ErrorAs(t, err, &limit)
	_, err = d.NewPipeline(PipelineConfig{Name: "p", Code: affineCode, Bindings: 2, PushBytes: int(limits.PushConstants) + 4})
	require.ErrorAs(t, err, &limit)
	_, err = d.NewPipeline(PipelineConfig{Name: "p", Code: affineCode, Bindings: 2, PushBytes: 7})
	require.ErrorContains(t, err, "multiple of 4")
	_, err = d.NewPipeline(PipelineConfig{Name: "p", Code: affineCode, Bindings: 2, PushBytes: 8, Constants: make([]uint32, 100)})
	require.ErrorAs(t, err, &limit)
	_, err = d.NewBuffer("empty", 0, DeviceLocal)
	require.ErrorContains(t, err, "size 0")
	_, err = d.NewBuffer("odd", 4, MemoryKind(7))
	require.ErrorContains(t, err, "kind")
}

func TestStatistics(t *testing.T) {
	d := open(t, nil)
	p, err := d.NewPipeline(PipelineConfig{Name: "affine", Code: affineCode, Bindings: 2, PushBytes: 8, Statistics: true, Listings: true})
	require.NoError(t, err)
	list, err := p.Statistics()
	require.NoError(t, err)
	require.Equal(t, d.Report().Features.PipelineExecutableInfo, len(list) > 0)
	listings, err := p.Listings()
	require.NoError(t, err)
	if !d.Report().Features.PipelineExecutableInfo {
		require.Empty(t, listings)
	}
	require.NoError(t, p.Close())
	_, err = p.Statistics()
	require.ErrorIs(t, err, ErrClosed)
	_, err = p.Listings()
	require.ErrorIs(t, err, ErrClosed)
}

// The hook sees each function once, and its answer is what is called.
func TestHook(t *testing.T) {
	seen := map[string]int{}
	open(t, func(o *Options) {
		o.Hook = func(name string, address unsafe.Pointer) unsafe.Pointer {
			require.NotNil(t, address)
			seen[name]++
			return address
		}
	})
	for _, name := range []string{"vkAllocateMemory", "vkQueueSubmit", "vkWaitForFences", "vkCreateDevice", "vkCmdDispatch"} {
		require.Equal(t, 1, seen[name], name)
	}
}

// The layer's messages reach Go; without the layer the error says what is missing.
func TestValidationMessages(t *testing.T) {
	if strings.Contains(os.Getenv("VK_INSTANCE_LAYERS"), "validation") {
		t.Skip("this run counts the layer's messages itself, and this test provokes some")
	}
	d, err := Open(Options{Validate: true})
	if err != nil {
		var feature *FeatureError
		require.ErrorAs(t, err, &feature)
		require.ErrorContains(t, err, "VK_LAYER_KHRONOS_validation is not installed")
		require.ErrorContains(t, err, "vulkan-validationlayers")
		return
	}
	defer func() { require.NoError(t, d.Close()) }()
	b, r := newBuffer(t, d, "two fills", 256, DeviceLocal), newRecorder(t, d)
	r.Fill(b, 0, 256, 1)
	r.Barrier()
	r.Fill(b, 0, 256, 2)
	require.NoError(t, r.Run(background))
	require.Empty(t, d.ValidationMessages())
	r.Reset()
	r.Fill(b, 0, 256, 1)
	r.Fill(b, 0, 256, 2) // no barrier
	require.NoError(t, r.Run(background))
	messages := d.ValidationMessages()
	require.NotEmpty(t, messages)
	require.Contains(t, messages[0], "SYNC-HAZARD-WRITE-AFTER-WRITE")
	require.Empty(t, d.ValidationMessages(), "messages are taken out")

	// What kernels access is seen too.
	other := newBuffer(t, d, "other", 256, DeviceLocal)
	p := affine(t, d, 1)
	for _, barrier := range []bool{true, false} {
		r.Reset()
		r.Dispatch(p, []Binding{{Buffer: b}, {Buffer: other}}, push(64, 1), 1, 1, 1)
		if barrier {
			r.Barrier()
		}
		r.Dispatch(p, []Binding{{Buffer: other}, {Buffer: b}}, push(64, 1), 1, 1, 1)
		require.NoError(t, r.Run(background))
		require.Equal(t, barrier, len(d.ValidationMessages()) == 0)
	}
}

// Devices are opened, used and closed at the same time.
func TestOpenAtOnce(t *testing.T) {
	const many = 4
	failed := make(chan error, many)
	for range many {
		go func() {
			_, err := life(func(o *Options) { o.Hook = nil })
			failed <- err
		}()
	}
	for range many {
		require.NoError(t, <-failed)
	}
}
