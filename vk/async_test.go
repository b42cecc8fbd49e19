//go:build cgo && !windows

package vk

import (
	"testing"
	"time"

	"github.com/anchorvk/anchorvk/internal/testhost"
	"github.com/anchorvk/anchorvk/shaders"
	"github.com/stretchr/testify/require"
)

// A submission that waits for a semaphore of the caller's is not late, however
// short the timeout is.
func TestWaitingForASemaphoreIsNoTimeout(t *testing.T) {
	h := openHost(t, testhost.Options{Enable: testhost.All})
	s := h.NewTimeline()
	defer h.FreeTimeline(s)
	d := adopt(t, lend(h), func(o *Options) { o.Timeout = 300 * time.Millisecond })
	b, r := newBuffer(t, d, "b", 4096, DeviceLocal), newRecorder(t, d)
	r.Fill(b, 0, 4096, 3)
	require.NoError(t, r.Submit(Sync{Wait: []Timeline{{Handle(s), 1}}, Signal: []Timeline{{Handle(s), 2}}}))
	require.False(t, r.ended())
	time.AfterFunc(time.Second, func() { h.Signal(testhost.Point{Semaphore: s, Value: 1}) })
	require.NoError(t, r.Wait(background))
	require.True(t, r.ended())
	require.True(t, h.Await(testhost.Point{Semaphore: s, Value: 2}, 10e9), "the fence and the semaphore come in any order")
	require.NoError(t, d.SubmitSync(Sync{Wait: []Timeline{{Handle(s), 2}}, Signal: []Timeline{{Handle(s), 5}}}))
	require.True(t, h.Await(testhost.Point{Semaphore: s, Value: 5}, 10e9))
	require.NoError(t, d.SubmitSync(Sync{}))
	require.Equal(t, words(1024, func(int) uint32 { return 3 }), download(t, d, b, 0, 4096))
}

// Nor is one that is behind it in the queue, which stands still.
func TestWaitingBehindASemaphoreIsNoTimeout(t *testing.T) {
	h := openHost(t, testhost.Options{Enable: testhost.All})
	s := h.NewTimeline()
	defer h.FreeTimeline(s)
	const short = 300 * time.Millisecond
	d := adopt(t, lend(h), func(o *Options) { o.Timeout = short })
	other, err := Adopt(lend(h), Options{Timeout: short})
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()
	r := newRecorder(t, d)
	r.Fill(newBuffer(t, d, "first", 4096, DeviceLocal), 0, 4096, 3)
	require.NoError(t, r.Submit(Sync{Wait: []Timeline{{Handle(s), 1}}}))
	time.AfterFunc(time.Second, func() { h.Signal(testhost.Point{Semaphore: s, Value: 1}) })
	behind := newRecorder(t, other)
	behind.Fill(newBuffer(t, other, "second", 4096, DeviceLocal), 0, 4096, 5)
	err = behind.Run(background)
	require.NoError(t, r.Wait(background))
	require.NoError(t, err)
	require.Empty(t, d.queue.waiting.recorders)
}

// Calls in the wrong order are errors, and leave the submission alone.
func TestRecorderStates(t *testing.T) {
	h := openHost(t, testhost.Options{Enable: testhost.All})
	d := adopt(t, lend(h), nil)
	b, other, r := newBuffer(t, d, "b", 64, DeviceLocal), newBuffer(t, d, "other", 64, DeviceLocal), newRecorder(t, d)
	require.ErrorContains(t, r.Wait(background), "without a Submit")
	r.Fill(b, 0, 64, 7)
	require.NoError(t, r.Submit(Sync{}))
	require.ErrorContains(t, r.Submit(Sync{}), "before the Wait")
	_, err := r.Hold()
	require.ErrorContains(t, err, "before the Wait")
	r.Reset()
	r.Fill(other, 0, 64, 9) // of a submission to come
	require.NoError(t, r.Wait(background))
	require.ErrorContains(t, r.Wait(background), "without a Submit")
	require.Equal(t, words(16, func(int) uint32 { return 7 }), download(t, d, b, 0, 64))

	r.Cut() // nothing follows: no part
	held, err := r.Hold()
	require.NoError(t, err)
	require.Equal(t, 1, held.Parts())
	_, err = r.Hold()
	require.ErrorContains(t, err, "twice")
	require.ErrorContains(t, r.Run(background), "after Hold")
	r.Reset()
	r.Fill(other, 0, 64, 11)
	require.NoError(t, b.Close(), "the recording keeps it")
	commands := h.Begin()
	require.NoError(t, held.Record(Handle(commands.Handle), 0, 1))
	commands.End()
	h.Submit(testhost.Point{}, testhost.Point{}, commands)
	h.Finish()
	require.Equal(t, words(16, func(int) uint32 { return 9 }), download(t, d, other, 0, 64), "what was recorded before Hold")
	require.ErrorIs(t, d.Close(), ErrRecordings)
	require.NoError(t, held.Close())
	require.ErrorIs(t, held.Record(Handle(commands.Handle), 0, 1), ErrClosed)

	timed := newRecorder(t, d)
	timed.Timestamp()
	_, err = timed.Hold()
	require.ErrorContains(t, err, "no timestamps")
	own := newRecorder(t, open(t, nil))
	_, err = own.Hold()
	require.ErrorContains(t, err, "not adopted")
}

// Every capability of the kernels is known: either it depends on a feature, or
// it is one of those that do not.
func TestCapabilitiesOfKernelsAreKnown(t *testing.T) {
	free := map[uint32]string{1: "Shader", 61: "GroupNonUniform", 62: "GroupNonUniformVote", 63: "GroupNonUniformArithmetic", 64: "GroupNonUniformBallot", 65: "GroupNonUniformShuffle"}
	seen := map[uint32]bool{}
	modules, err := shaders.Modules()
	require.NoError(t, err)
	for _, module := range modules {
		name := module.Name
		code, err := shaders.Code(name)
		require.NoError(t, err)
		for _, number := range moduleCapabilities(code) {
			_, known := capabilities[number]
			require.True(t, known || free[number] != "", "module %s has the capability %d: list it in capability.go", name, number)
			seen[number] = true
		}
	}
	for _, number := range []uint32{1, 9, 4433, 5345, 5347, 6022} {
		require.True(t, seen[number], "no kernel has the capability %d", number)
	}
}
