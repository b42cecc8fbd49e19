//go:build cgo

package vk

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anchorvk/anchorvk/internal/fault"
	"github.com/stretchr/testify/require"
)

func TestCloseTwice(t *testing.T) {
	d := open(t, nil)
	b, p, r := newBuffer(t, d, "b", 64, DeviceLocal), affine(t, d, 1), newRecorder(t, d)
	other := newBuffer(t, d, "other", 64, DeviceLocal)
	require.NoError(t, other.Close())
	require.NoError(t, other.Close())
	require.Nil(t, other.Mapped())
	r.Fill(other, 0, 64, 0)
	require.ErrorIs(t, r.Run(background), ErrClosed)
	require.ErrorIs(t, d.Upload(background, other, 0, make([]byte, 4)), ErrClosed)

	require.NoError(t, d.Close())
	require.NoError(t, d.Close())
	for range 2 { // after the device: no effect
		require.NoError(t, b.Close())
		require.NoError(t, p.Close())
		require.NoError(t, r.Close())
	}
	r.Reset()
	require.ErrorIs(t, r.Run(background), ErrClosed)
	_, err := d.NewBuffer("b", 64, DeviceLocal)
	require.ErrorIs(t, err, ErrClosed)
	_, err = d.NewPipeline(PipelineConfig{Name: "affine", Code: affineCode, Bindings: 2, PushBytes: 8})
	require.ErrorIs(t, err, ErrClosed)
	_, err = d.NewRecorder("r")
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, d.Download(background, make([]byte, 4), b, 0), ErrClosed)
	require.Empty(t, d.ValidationMessages())
	require.NotEmpty(t, d.Report().Name)
}

// spin records work that keeps the device busy for a tenth of a second or longer,
// however fast it is, and has been run.
func spin(t testing.TB, d *Device) (*Recorder, *Buffer) {
	t.Helper()
	p, err := d.NewPipeline(PipelineConfig{Name: "spin", Code: spinCode, Bindings: 1, PushBytes: 4})
	require.NoError(t, err)
	b, r := newBuffer(t, d, "data", 1<<16, DeviceLocal), newRecorder(t, d)
	for rounds := uint32(1000); ; rounds *= 2 {
		require.Less(t, rounds, uint32(1<<30), "the kernel is optimised away")
		r.Reset()
		r.Dispatch(p, []Binding{{Buffer: b}}, push(rounds), 256, 1, 1)
		require.NoError(t, r.Run(background)) // the first run compiles
		fastest := time.Hour                  // of a few: other processes can only add to it
		for range 3 {
			start := time.Now()
			require.NoError(t, r.Run(background))
			fastest = min(fastest, time.Since(start))
		}
		if fastest > 100*time.Millisecond {
			return r, b
		}
	}
}

func TestCancel(t *testing.T) {
	d := openFaulty(t, fault.Off, nil)
	r, _ := spin(t, d)
	ctx, cancel := context.WithCancel(background)
	cancel()
	fault.ResetCounts()
	require.ErrorIs(t, r.Run(ctx), context.Canceled)
	require.Zero(t, fault.Count().Submits, "a cancelled context submits nothing")

	ctx, cancel = context.WithTimeout(background, 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, r.Run(ctx), context.DeadlineExceeded)
	require.Equal(t, 1, fault.Count().Submits)
	require.NoError(t, d.Err(), "cancelling loses nothing")
	require.NoError(t, r.Run(background), "the recorder works on")
}

// Objects that submitted work uses may be closed at any time: it ends first.
func TestCloseWhileRunning(t *testing.T) {
	d := openFaulty(t, fault.Off, nil)
	r, b := spin(t, d)
	done := make(chan error, 1)
	submitted := fault.Count().Submits // before the run starts, or its submission may be counted already
	go func() { done <- r.Run(background) }()
	for fault.Count().Submits == submitted {
		time.Sleep(time.Millisecond)
	}
	require.NoError(t, b.Close())
	require.NoError(t, r.Close())
	require.NoError(t, <-done)
	require.ErrorIs(t, r.Run(background), ErrClosed)
}

func TestDeviceCloseWaitsForRun(t *testing.T) {
	d := openFaulty(t, fault.Off, nil)
	r, _ := spin(t, d)
	var ended atomic.Bool
	done := make(chan error, 1)
	submitted := fault.Count().Submits
	go func() {
		err := r.Run(background)
		ended.Store(true)
		done <- err
	}()
	for fault.Count().Submits == submitted {
		time.Sleep(time.Millisecond)
	}
	require.NoError(t, d.Close())
	require.NoError(t, <-done)
	require.True(t, ended.Load())
	require.Zero(t, fault.Count().Live)
}

// churn makes, uses and closes objects of d until stop, checking every result.
func churn(d *Device, p *Pipeline, seed uint64, stop func() bool) error {
	random := rand.New(rand.NewPCG(seed, 1))
	r, err := d.NewRecorder("churn")
	if err != nil {
		return err
	}
	for round := uint32(0); !stop(); round++ {
		n := uint32(1 + random.IntN(5000))
		src, err := d.NewBuffer("src", uint64(4*n), MemoryKind(random.IntN(3)))
		if err != nil {
			return err
		}
		dst, err := d.NewBuffer("dst", uint64(4*n), MemoryKind(random.IntN(3)))
		if err != nil {
			return err
		}
		data := words(int(n), func(i int) uint32 { return uint32(i) ^ round })
		if err := d.Upload(background, src, 0, data); err != nil {
			return err
		}
		r.Reset()
		r.Timestamp()
		r.Dispatch(p, []Binding{{Buffer: src}, {Buffer: dst}}, push(n, round), (n+63)/64, 1, 1)
		r.Barrier()
		r.Timestamp()
		if err := r.Run(background); err != nil {
			return err
		}
		got := make([]byte, 4*n)
		if err := d.Download(background, got, dst, 0); err != nil {
			return err
		}
		if string(got) != string(words(int(n), func(i int) uint32 { return 3*(uint32(i)^round) + round })) {
			return errors.New("wrong result")
		}
		if err := errors.Join(src.Close(), dst.Close()); err != nil {
			return err
		}
	}
	return r.Close()
}

func TestGoroutines(t *testing.T) {
	for _, disable := range []string{"memory-budget", "host-visible"} {
		d := open(t, func(o *Options) { o.Disable = append(o.Disable, disable) })
		p := affine(t, d, 3)
		var group sync.WaitGroup
		failed := make(chan error, 8)
		end := time.Now().Add(500 * time.Millisecond)
		for i := range 8 {
			group.Add(1)
			go func() {
				defer group.Done()
				failed <- churn(d, p, uint64(i), func() bool { return time.Now().After(end) })
			}()
		}
		group.Wait()
		for range 8 {
			require.NoError(t, <-failed)
		}
	}
}

// Close in the middle of everything: each call ends with its result or ErrClosed.
func TestCloseUnderGoroutines(t *testing.T) {
	for i := range 5 {
		d := openFaulty(t, fault.Off, nil)
		p := affine(t, d, 3)
		failed := make(chan error, 4)
		for k := range 4 {
			go func() { failed <- churn(d, p, uint64(10*i+k), func() bool { return false }) }()
		}
		time.Sleep(time.Duration(10+20*i) * time.Millisecond)
		require.NoError(t, d.Close())
		for range 4 {
			require.ErrorIs(t, <-failed, ErrClosed)
		}
		require.Zero(t, fault.Count().Live)
	}
}

// The garbage collector runs all the time while work goes on: 2 seconds, or
// ANCHORVK_STRESS (a duration such as 60s).
func TestGarbageCollector(t *testing.T) {
	if testing.Short() {
		t.Skip("repeats for seconds: left to make test")
	}
	length := 2 * time.Second
	if s := os.Getenv("ANCHORVK_STRESS"); s != "" {
		var err error
		length, err = time.ParseDuration(s)
		require.NoError(t, err, "ANCHORVK_STRESS")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	d := open(t, nil)
	p := affine(t, d, 3)
	end := time.Now().Add(length)
	over := func() bool { return time.Now().After(end) }
	garbage := make(chan int)
	go func() {
		n := 0
		for keep := [16][]*int{}; !over(); n++ {
			for range 1000 {
				keep[n%16] = append(keep[n%16][:min(len(keep[n%16]), 100)], new(int))
			}
		}
		garbage <- n
	}()
	failed := make(chan error, 2)
	for i := range 2 {
		go func() { failed <- churn(d, p, uint64(i), over) }()
	}
	for range 2 {
		require.NoError(t, <-failed)
	}
	require.NotZero(t, <-garbage)
}

// The strictest check of what crosses to C. It rebuilds the standard library,
// so it runs when ANCHORVK_STRESS is set.
func TestCgoCheck(t *testing.T) {
	if os.Getenv("ANCHORVK_STRESS") == "" {
		t.Skip("set ANCHORVK_STRESS to run the tests of this package again under GOEXPERIMENT=cgocheck2")
	}
	arguments := []string{"test", "-count=1", "-run", "RoundTrip|Barrier|Staging|Goroutines|Subgroup|Close|Lost|List"}
	if with := os.Getenv("ANCHORVK_TEST_EXEC"); with != "" {
		arguments = append(arguments, "-exec", with)
	}
	c := exec.Command("go", append(arguments, ".")...)
	c.Env = append(os.Environ(), "GOEXPERIMENT=cgocheck2", "ANCHORVK_STRESS=")
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.True(t, strings.HasPrefix(string(out), "ok"), "%s", out)
}

// MemoryUsage may be asked of a device that is being closed, as every call that
// is refused then may do first.
func TestMemoryUsageUnderClose(t *testing.T) {
	d := open(t, nil)
	newBuffer(t, d, "b", 64, DeviceLocal)
	closed := make(chan error)
	go func() { closed <- d.Close() }()
	for {
		select {
		case err := <-closed:
			require.NoError(t, err)
			used, _ := d.MemoryUsage()
			require.Zero(t, used)
			return
		default:
			_, _ = d.MemoryUsage()
		}
	}
}
