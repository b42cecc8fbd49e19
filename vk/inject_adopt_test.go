//go:build cgo && !windows

package vk

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/anchorvk/anchorvk/internal/fault"
	"github.com/anchorvk/anchorvk/internal/testhost"
	"github.com/stretchr/testify/require"
)

// The same on a device of the host's, with recordings and semaphores.
func TestEveryCallFailsOnceOnABorrowedDevice(t *testing.T) {
	fault.Set(fault.Off)
	h := openHost(t, testhost.Options{Enable: testhost.All})
	t.Cleanup(func() { fault.Fail("vkCreateInstance", 0, 0) })
	failEach(t, func() (string, error) { return borrowedLife(h) })
}

func borrowedLife(h *testhost.Host) (stage string, err error) {
	d, err := Adopt(lend(h), Options{Hook: fault.Hook, Timeout: 5 * time.Second})
	if err != nil {
		return "Adopt", err
	}
	if stage, err = work(d); err == nil {
		stage, err = borrowedWork(h, d)
	}
	if again, problem := after(d, err); problem != nil {
		err = errors.Join(err, fmt.Errorf("then %s: %w", again, problem))
	}
	if err == nil {
		stage = "Close"
	}
	return stage, errors.Join(err, d.Close())
}

// borrowedWork records into a command buffer of the host's, and waits for and
// signals its semaphore.
func borrowedWork(h *testhost.Host, d *Device) (stage string, err error) {
	lent := h.NewBuffer(256, hostUsage)
	defer lent.Free()
	b, err := d.BorrowBuffer(BorrowedBuffer{Name: "host's", Handle: Handle(lent.Handle), Size: lent.Size, Usage: lent.Usage})
	if err != nil {
		return "BorrowBuffer", err
	}
	defer func() { _ = b.Close() }()
	p, err := d.NewPipeline(PipelineConfig{Name: "affine", Code: affineCode, Bindings: 2, PushBytes: 8, Constants: []uint32{3}})
	if err != nil {
		return "NewPipeline", err
	}
	defer func() { _ = p.Close() }()
	r, err := d.NewRecorder("held")
	if err != nil {
		return "NewRecorder", err
	}
	defer func() { _ = r.Close() }()
	r.Fill(b, 0, 128, 5)
	r.Barrier()
	r.Dispatch(p, []Binding{{Buffer: b, Size: 128}, {Buffer: b, Offset: 128}}, push(32, 7), 1, 1, 1)
	held, err := r.Hold()
	if err != nil {
		return "Hold", err
	}
	commands := h.Begin()
	err = held.Record(Handle(commands.Handle), 0, held.Parts())
	commands.End()
	if err == nil {
		h.Submit(testhost.Point{}, testhost.Point{}, commands)
		h.Finish()
	}
	if err = errors.Join(err, held.Close()); err != nil {
		return "Record", err
	}
	if got := lent.Bytes[128]; got != 3*5+7 {
		return "results", fmt.Errorf("%d is wrong", got)
	}

	s := h.NewTimeline()
	defer h.FreeTimeline(s)
	defer h.Finish()
	signal, err := d.NewRecorder("signal")
	if err != nil {
		return "NewRecorder", err
	}
	defer func() { _ = signal.Close() }()
	signal.Fill(b, 0, 128, 6)
	if err := d.SubmitSync(Sync{Signal: []Timeline{{Handle(s), 1}}}); err != nil {
		return "SubmitSync", err
	}
	if err := signal.Submit(Sync{Wait: []Timeline{{Handle(s), 1}}, Signal: []Timeline{{Handle(s), 2}}}); err != nil {
		return "Submit", err
	}
	if err := signal.Wait(background); err != nil {
		return "Wait", err
	}
	if !h.Await(testhost.Point{Semaphore: s, Value: 2}, uint64(10*time.Second)) {
		return "Wait", errors.New("the semaphore is not signalled")
	}
	return "", nil
}

// A semaphore whose value cannot be read is no reason to give the device up:
// the submission that waits for it is waited for as long as any other.
func TestSemaphoreValueFails(t *testing.T) {
	fault.Set(fault.Off)
	h := openHost(t, testhost.Options{Enable: testhost.All})
	t.Cleanup(func() { fault.Fail("vkCreateInstance", 0, 0) })
	for _, function := range []string{"vkGetSemaphoreCounterValue"} {
		for _, result := range fault.Results[function] {
			d := adopt(t, lend(h), nil)
			b, r := newBuffer(t, d, "b", 64, DeviceLocal), newRecorder(t, d)
			r.Fill(b, 0, 64, 7)
			s := h.NewTimeline()
			fault.Fail(function, 1, int32(result))
			require.NoError(t, r.Submit(Sync{Wait: []Timeline{{Handle(s), 1}}}))
			later := time.AfterFunc(3*waitSlice, func() { h.Signal(testhost.Point{Semaphore: s, Value: 1}) })
			require.NoError(t, r.Wait(background), "%v", result)
			later.Stop()
			require.True(t, fault.Fired(), "%v", result)
			require.Equal(t, words(16, func(int) uint32 { return 7 }), download(t, d, b, 0, 64))
			require.NoError(t, d.Close())
			h.FreeTimeline(s)
		}
	}
}
