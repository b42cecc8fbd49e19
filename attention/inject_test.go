//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package attention

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/internal/fault"
	"github.com/anchorvk/anchorvk/internal/fault/faulttest"
	"github.com/anchorvk/anchorvk/vk"
)

// engineLife opens a device, uses an engine in every way, and closes it all.
type engineLife struct {
	problem Problem
	in      Inputs
	want    result // what every run must give
}

// Each Vulkan call of an engine fails once, with each result that it may
// return: the error has a type and names the call, nothing stays pinned or
// alive, and the engine works again unless the device is lost.
func TestEveryCallOfAnEngineFailsOnce(t *testing.T) {
	fault.Set(fault.Off)
	fault.Keep(true)
	t.Cleanup(func() {
		fault.Fail("vkCreateInstance", 0, 0)
		fault.Keep(false)
	})
	life := &engineLife{problem: selective(1, 2, 1, 200, 200)}
	life.in = selectiveInputs(life.problem.Shape, 35)
	life.want = compute(t, sharedEngine(t), life.problem, PlanOptions{}, life.in)
	require.Positive(t, life.want.stats.StripeRatio)
	faulttest.EachCall(t, life.live, judge)
}

// judge says what is wrong with how a failed call was taken.
func judge(c fault.Case, err error) error {
	if err == nil && refusable(c) { // the second try, or another tier, computed it
		return nil
	}
	return errorOf(c, err)
}

// refusable are failures to build a kernel, which is tried a second time; a
// tier that cannot be built then is given up.
func refusable(c fault.Case) bool { return fault.Builds(c.Function) }

// errorOf says what is wrong with the error that a failed call led to.
func errorOf(c fault.Case, err error) error {
	var (
		later  *laterError
		memory *vk.OutOfMemoryError
		lost   *vk.DeviceLostError
		call   *vk.CallError
		limit  *vk.LimitError
		none   *vk.NoDeviceError
	)
	if _, ok := fault.Tolerated[c.Function]; ok && err == nil {
		return nil
	}
	switch {
	case err == nil:
		return errors.New("it is not told")
	case errors.As(err, &later):
		return later
	case errors.As(err, &none):
		return nil
	case errors.As(err, &lost):
		if c.Result != fault.DeviceLost || lost.During != c.Function {
			return fmt.Errorf("%s is named", lost.During)
		}
	case errors.As(err, &memory):
		if !c.Result.OutOfMemory() || memory.Call != c.Function {
			return fmt.Errorf("%s is named", memory.Call)
		}
	case errors.As(err, &limit):
		if c.Result != fault.TooManyObjects {
			return errors.New("no limit was reached")
		}
	case errors.As(err, &call):
		if call.Call != c.Function || call.Result != int32(c.Result) {
			return fmt.Errorf("%s and %s are named", call.Call, call.Name)
		}
	default:
		return errors.New("no type tells it")
	}
	return nil
}

// laterError says that something is wrong after the failure.
type laterError struct{ text string }

func (e *laterError) Error() string { return "then " + e.text }

func later(format string, args ...any) error { return &laterError{fmt.Sprintf(format, args...)} }

// live is one life; where a step fails it looks at what is left, and ends.
func (l *engineLife) live() (stage string, err error) {
	options, err := vk.OptionsFromEnv()
	if err != nil {
		return "options", err
	}
	options.Hook, options.Timeout = fault.Hook, time.Minute
	device, err := vk.Open(options)
	if err != nil {
		return "Open", err
	}
	own, err := firstSubmission(device)
	if err == nil {
		stage, err = l.engine(device)
	} else {
		stage, own = "first submission", engineObjects()
	}
	if err != nil && device.Err() == nil {
		if kept := engineObjects(); kept != own {
			err = errors.Join(later("these are kept: %+v", kept), err)
		}
	}
	if closed := device.Close(); err == nil && closed != nil {
		return "Close", closed
	}
	return stage, err
}

// firstSubmission lets a device make what it keeps for all that come after, and
// returns the objects that are alive then.
func firstSubmission(device *vk.Device) (fault.Objects, error) {
	b, err := device.NewBuffer("first", 64, vk.DeviceLocal)
	if err != nil {
		return fault.Objects{}, err
	}
	r, err := device.NewRecorder("first submission")
	if err == nil {
		r.Fill(b, 0, 64, 0)
		err = errors.Join(r.Run(context.Background()), r.Close())
	}
	err = errors.Join(err, b.Close())
	return engineObjects(), err
}

// engineObjects are those of the live objects that must be gone when engines
// and buffers are closed, unless something keeps them pinned. Blocks of memory
// stay with the device.
func engineObjects() fault.Objects {
	o := fault.Live()
	return fault.Objects{Buffers: o.Buffers, Modules: o.Modules, PipelineLayouts: o.PipelineLayouts, Pipelines: o.Pipelines, DescriptorPools: o.DescriptorPools, Fences: o.Fences, CommandPools: o.CommandPools, QueryPools: o.QueryPools}
}

// engine uses an engine on a device. After a failure that is not the device's
// end it must work again.
func (l *engineLife) engine(device *vk.Device) (stage string, err error) {
	e, err := NewEngine(device, Options{})
	if err != nil {
		return "NewEngine", err
	}
	defer func() { _ = e.Close() }()
	stage, err = l.calls(e)
	var memory *vk.OutOfMemoryError
	if err != nil && device.Err() == nil && errors.As(err, &memory) {
		if again, problem := l.calls(e); problem != nil {
			err = errors.Join(later("%s: %v", again, problem), err)
		}
	}
	return stage, err
}

func (l *engineLife) calls(e *Engine) (stage string, err error) {
	plan, err := e.Plan(l.problem, PlanOptions{NoFallback: true, SliceMS: 1e6}) // one slice, however fast the device
	if err != nil {
		return "Plan", err
	}
	if err := e.Warmup(context.Background(), plan); err != nil {
		return "Warmup", err
	}
	out := outputFor(plan.Shape)
	out.Stripes = make([]byte, len(l.want.stripes))
	stats, err := e.Run(context.Background(), plan, l.in, out)
	if err != nil {
		return "Run", err
	}
	if err := l.compare(stats, out.O.Host); err != nil {
		return "Run", err
	}
	return l.job(e, plan)
}

// job is the same call with tensors on the device.
func (l *engineLife) job(e *Engine, plan *Plan) (stage string, err error) {
	shape, background := plan.Shape, context.Background()
	var tensors [4]Tensor
	for i, t := range []Tensor{l.in.Q, l.in.K, l.in.V, l.want.o} {
		data := bytesOf(t.Host)
		b, err := e.device.NewBuffer("tensor", uint64(len(data)), vk.DeviceLocal)
		if err != nil {
			return "NewBuffer", err
		}
		defer func() { _ = b.Close() }()
		if i == 3 {
			data = bytes.Repeat([]byte{0xff}, len(data))
		}
		if err := e.device.Upload(background, b, 0, data); err != nil {
			return "Upload", err
		}
		tensors[i] = DeviceBHSD(b, 0, t.Shape[0], t.Shape[1], t.Shape[2], shape.HeadDim)
	}
	job, err := submit(background, e, plan, Inputs{Q: tensors[0], K: tensors[1], V: tensors[2]}, Outputs{O: tensors[3]}, vk.Sync{})
	if err != nil {
		return "Submit", err
	}
	stats, err := job.Wait(background)
	if err != nil {
		return "Wait", err
	}
	got := make([]float16.Float16, len(l.want.o.Host))
	if err := e.device.Download(background, bytesOf(got), tensors[3].Buffer, 0); err != nil {
		return "Download", err
	}
	return "Wait", l.compare(stats, got)
}

// compare demands the bits of a run without faults, and where another tier has
// computed it those of that tier's precision.
func (l *engineLife) compare(stats Stats, got []float16.Float16) error {
	var square, off float64
	same := true
	for i, x := range got {
		want := float64(l.want.o.Host[i].Float32())
		d := float64(x.Float32()) - want
		same = same && x == l.want.o.Host[i]
		off += d * d
		square += want * want
	}
	switch {
	case stats.Tier == l.want.stats.Tier && !same:
		return later("wrong results")
	case !(off <= 1e-4*square):
		return later("wrong results of tier %s: NMSE %v", stats.Tier, off/square)
	}
	return nil
}
