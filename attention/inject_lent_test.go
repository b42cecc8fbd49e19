//go:build cgo && (linux || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package attention

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/fault"
	"github.com/anchorvk/anchorvk/internal/fault/faulttest"
	"github.com/anchorvk/anchorvk/internal/testhost"
	"github.com/anchorvk/anchorvk/vk"
)

// The same for a call that is recorded into a command buffer of the host's, on
// the host's device.
func TestEveryCallOfARecordingFailsOnce(t *testing.T) {
	fault.Set(fault.Off)
	life := &engineLife{problem: selective(1, 2, 1, 200, 200)}
	life.in = selectiveInputs(life.problem.Shape, 35)
	life.want = compute(t, sharedEngine(t), life.problem, PlanOptions{}, life.in)
	host, err := testhost.Open(testhost.Options{Enable: testhost.All})
	require.NoError(t, err)
	t.Cleanup(host.Close)
	fault.Keep(true)
	t.Cleanup(func() {
		fault.Fail("vkCreateInstance", 0, 0)
		fault.Keep(false)
	})
	var buffers [4]*testhost.Buffer
	for i, x := range []Tensor{life.in.Q, life.in.K, life.in.V, life.want.o} {
		data := bytesOf(x.Host)
		buffers[i] = host.NewBuffer(uint64(len(data)), lentUsage)
		t.Cleanup(buffers[i].Free)
		copy(buffers[i].Bytes, data)
	}
	faulttest.EachCall(t, func() (string, error) { return life.recorded(host, buffers) }, judge)
}

// recorded adopts the host's device, records a call, has the host run it, and
// closes it all.
func (l *engineLife) recorded(host *testhost.Host, buffers [4]*testhost.Buffer) (stage string, err error) {
	device, err := vk.Adopt(lendDevice(host), vk.Options{Hook: fault.Hook, Timeout: time.Minute})
	if err != nil {
		return "Adopt", err
	}
	own, err := firstSubmission(device)
	stage = "first submission"
	var e *Engine
	if err == nil {
		e, err = NewEngine(device, Options{})
		stage = "NewEngine"
	} else {
		own = engineObjects()
	}
	if err == nil {
		stage, err = l.record(e, host, buffers)
		var memory *vk.OutOfMemoryError
		if err != nil && device.Err() == nil && errors.As(err, &memory) {
			if again, problem := l.record(e, host, buffers); problem != nil {
				err = errors.Join(later("%s: %v", again, problem), err)
			}
		}
		if closed := e.Close(); err == nil {
			err = closed
		}
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

func (l *engineLife) record(e *Engine, host *testhost.Host, buffers [4]*testhost.Buffer) (stage string, err error) {
	plan, err := e.Plan(l.problem, PlanOptions{NoFallback: true, SliceMS: 1e6})
	if err != nil {
		return "Plan", err
	}
	clear(buffers[3].Bytes)
	var tensors [4]Tensor
	for i, x := range []Tensor{l.in.Q, l.in.K, l.in.V, l.want.o} {
		b, err := e.device.BorrowBuffer(vk.BorrowedBuffer{Name: "host's", Handle: vk.Handle(buffers[i].Handle), Size: buffers[i].Size, Usage: buffers[i].Usage, Address: buffers[i].Address})
		if err != nil {
			return "BorrowBuffer", err
		}
		defer func() { _ = b.Close() }()
		tensors[i] = DeviceBHSD(b, 0, x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3])
	}
	recording, err := prepare(e, plan, Inputs{Q: tensors[0], K: tensors[1], V: tensors[2]}, Outputs{O: tensors[3]}, nil)
	if err != nil {
		return "Prepare", err
	}
	commands := host.Begin()
	for part := 0; part < recording.Parts() && err == nil; part++ {
		err = recording.Record(vk.Handle(commands.Handle), part)
	}
	commands.End()
	var stats Stats
	if err == nil {
		host.Submit(testhost.Point{}, testhost.Point{}, commands)
		host.Finish()
		stats, err = recording.Recorded()
	}
	if err = errors.Join(err, recording.Close()); err != nil {
		return "Record", err
	}
	got := outputFor(plan.Shape).O.Host
	copy(bytesOf(got), buffers[3].Bytes)
	return "results", l.compare(stats, got)
}
