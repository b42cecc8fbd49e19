//go:build cgo && (linux || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package attention

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/testhost"
	"github.com/anchorvk/anchorvk/vk"
)

// Recordings with scratch memory of their own may be in flight together; those
// that share it follow each other in one command buffer, as layers do.
func TestRecordingsInFlight(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	var calls []*lentCall
	var wants []result
	var largest *Plan
	for i, problem := range []Problem{selective(1, 4, 2, 521, 521), selective(2, 2, 1, 300, 333), selective(1, 6, 2, 100, 400), selective(1, 2, 1, 100, 300)} {
		options := PlanOptions{NoFallback: true}
		if i == 3 { // dense attention with scratch memory
			problem.Mode, options.Tier, options.Tuning = ModeDense, "unpack", inRanges(48)
		}
		plan, err := l.engine.Plan(problem, options)
		require.NoError(t, err)
		in := selectiveInputs(problem.Shape, uint64(100+i))
		wants = append(wants, runPlan(t, l.engine, plan, in))
		calls = append(calls, l.call(t, plan, in, lentUsage|addressUsage(l.device)))
		if largest == nil || plan.ScratchBytes > largest.ScratchBytes {
			largest = plan
		}
	}
	check := func(what string) {
		t.Helper()
		for i, c := range calls {
			got := c.result(t, what)
			got.stripes = wants[i].stripes
			requireSameBits(t, wants[i], got, what)
			fillBytes(c.outO)
			fillBytes(c.outL)
		}
	}
	scratch, err := l.engine.NewScratch(largest)
	require.NoError(t, err)
	require.Equal(t, largest.ScratchBytes, scratch.Bytes())
	for what, scratch := range map[string]*Scratch{"own scratch memory": nil, "shared scratch memory": scratch} {
		commands := l.host.Begin()
		for _, c := range calls {
			c.before(commands)
		}
		for _, c := range calls {
			require.NoError(t, c.prepare(t, scratch).Record(vk.Handle(commands.Handle), AllParts))
		}
		for _, c := range calls {
			c.after(commands)
		}
		commands.End()
		if what == "shared scratch memory" {
			require.NoError(t, scratch.Close(), "its recordings keep it")
		}
		for range 2 { // a command buffer may be submitted again
			l.host.Submit(testhost.Point{}, testhost.Point{}, commands)
			l.host.Finish()
			check(what)
		}
	}
	// Each in a submission of its own, none waited for.
	var recordings []*Call
	for _, c := range calls {
		r := c.prepare(t, nil)
		commands := l.host.Begin()
		c.before(commands)
		require.NoError(t, r.Record(vk.Handle(commands.Handle), AllParts))
		c.after(commands)
		commands.End()
		l.host.Submit(testhost.Point{}, testhost.Point{}, commands)
		recordings = append(recordings, r)
	}
	require.NoError(t, l.engine.Close(), "recordings outlive the engine")
	l.host.Finish()
	check("three submissions")
	for i, r := range recordings {
		stats, err := r.Recorded()
		require.NoError(t, err)
		require.Equal(t, wants[i].stats.StripeRatio, stats.StripeRatio)
	}
}

// Ten goroutines use one engine, another engine on the same device, and jobs
// and recordings of both, all at once.
func TestTenGoroutinesOnABorrowedDevice(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	second, err := NewEngine(l.device, Options{PoisonScratch: true})
	require.NoError(t, err)
	jobs := jobsFor(t, l.engine, 0.5)
	const goroutines, rounds = 10, 3
	failed := make(chan error, goroutines)
	var lock sync.Mutex // of the application's command pool
	for g := range goroutines {
		e := l.engine
		if g%5 == 4 {
			e = second
		}
		problem := selective(1, 2, 1, 200+g, 300)
		plan, err := e.Plan(problem, PlanOptions{NoFallback: true, SliceMS: 0.5})
		require.NoError(t, err)
		in := selectiveInputs(problem.Shape, uint64(110+g))
		want := runPlan(t, e, plan, in)
		c := (&lent{l.host, l.device, e}).call(t, plan, in, lentUsage|addressUsage(l.device))
		lock.Lock()
		commands := l.host.Begin()
		c.before(commands)
		commands.End()
		l.host.Submit(testhost.Point{}, testhost.Point{}, commands)
		l.host.Finish()
		lock.Unlock()
		go func() {
			for round := range rounds {
				if err := jobs[(g+round)%len(jobs)].check(context.Background(), e); err != nil {
					failed <- err
					return
				}
				if err := c.again(e, g%2 == 0, &lock); err != nil {
					failed <- err
					return
				}
				if err := c.compare(want); err != nil {
					failed <- fmt.Errorf("goroutine %d round %d: %w", g, round, err)
					return
				}
			}
			failed <- nil
		}()
	}
	for range goroutines {
		require.NoError(t, <-failed)
	}
	require.NoError(t, second.Close())
	_, bad := l.host.Locks()
	require.Zero(t, bad)
}

// again runs the call as a job or as a recording, and waits for it.
func (c *lentCall) again(e *Engine, asJob bool, lock *sync.Mutex) error {
	if asJob {
		job, err := submit(context.Background(), e, c.plan, c.in, c.out, vk.Sync{})
		if err != nil {
			return err
		}
		_, err = job.Wait(context.Background())
		return err
	}
	r, err := prepare(e, c.plan, c.in, c.out, nil)
	if err != nil {
		return err
	}
	lock.Lock()
	defer lock.Unlock()
	commands := c.lent.host.Begin()
	err = r.Record(vk.Handle(commands.Handle), AllParts)
	commands.End()
	if err == nil {
		c.lent.host.Submit(testhost.Point{}, testhost.Point{}, commands)
		c.lent.host.Finish()
	}
	return errors.Join(err, r.Close())
}

// compare reads the call's own output, which the host sees.
func (c *lentCall) compare(want result) error {
	bytes := bytesOf(want.o.Host[:c.plan.Shape.HeadDim]) // of a row
	s := c.plan.Shape
	row := len(bytes)
	for h := range s.Heads {
		for i := range s.QLen {
			start := int(c.out.O.Offset) + halfBytes*(h*c.out.O.Strides[1]+i*c.out.O.Strides[2])
			if string(c.o.Bytes[start:start+row]) != string(bytesOf(want.o.At(0, h, i))) {
				return fmt.Errorf("head %d row %d differs", h, i)
			}
		}
	}
	return nil
}

// A thousand engines on devices adopted anew, jobs and recordings leave nothing
// behind. Kernels are compiled once: what drivers keep of them is their own
// affair, and compiling a thousand times takes minutes.
func TestOpenManyTimesOnABorrowedDevice(t *testing.T) {
	if testing.Short() {
		t.Skip("repeats for seconds: left to make test")
	}
	const cycles = 1000
	l := openLent(t, testhost.Options{Enable: testhost.All})
	problem := selective(1, 2, 1, 100, 200)
	plan, err := l.engine.Plan(problem, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	c := l.call(t, plan, selectiveInputs(problem.Shape, 98), lentUsage)
	commands := l.host.Begin()
	cycle := func() {
		device, err := vk.Adopt(lendDevice(l.host), vk.Options{})
		require.NoError(t, err)
		engine, err := NewEngine(device, Options{})
		require.NoError(t, err)
		_, err = device.BorrowBuffer(vk.BorrowedBuffer{Handle: vk.Handle(c.o.Handle), Size: c.o.Size, Usage: c.o.Usage})
		require.NoError(t, err)
		scratch, err := engine.NewScratch(plan)
		require.NoError(t, err)
		require.NoError(t, scratch.Close())
		require.NoError(t, engine.Close())
		require.NoError(t, device.Close())

		r, err := prepare(l.engine, c.plan, c.in, c.out, nil)
		require.NoError(t, err)
		require.NoError(t, r.Record(vk.Handle(commands.Handle), AllParts))
		commands.End()
		require.NoError(t, r.Close())
		commands.BeginAgain()
		job, err := submit(context.Background(), l.engine, c.plan, c.in, c.out, vk.Sync{})
		require.NoError(t, err)
		_, err = job.Wait(context.Background())
		require.NoError(t, err)
	}
	for range cycles / 5 { // caches of the driver fill
		cycle()
	}
	before := residentBytes(t)
	for range cycles {
		cycle()
	}
	after := residentBytes(t)
	commands.End()
	t.Logf("resident memory before and after %d cycles: %d and %d KiB", cycles, before>>10, after>>10)
	require.Less(t, after, before+16<<20, "resident memory grew over %d cycles", cycles)
}

// residentBytes is the memory of this process after a garbage collection.
func residentBytes(t *testing.T) int {
	t.Helper()
	runtime.GC()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("this system has no /proc/self/statm")
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	require.NoError(t, err)
	return pages * os.Getpagesize()
}

// A Close that comes while Prepare, Record or Recorded goes on waits for it, and
// leaves nothing behind that keeps the device open.
func TestCloseWhileRecording(t *testing.T) {
	l := openLent(t, testhost.Options{Enable: testhost.All})
	problem := selective(1, 4, 2, 200, 200)
	plan, err := l.engine.Plan(problem, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	tensors := l.call(t, plan, selectiveInputs(problem.Shape, 95), lentUsage)
	for round := range 40 {
		c, err := l.engine.Bind(plan, tensors.in, tensors.out)
		require.NoError(t, err)
		commands := l.host.Begin()
		failed := make(chan error)
		go func() {
			_, err := c.Prepare(nil)
			for i := 0; i < 100 && err == nil; i++ {
				err = c.Record(vk.Handle(commands.Handle), AllParts)
			}
			failed <- err
		}()
		time.Sleep(time.Duration(round*50) * time.Microsecond)
		require.NoError(t, c.Close())
		if err := <-failed; err != nil {
			require.ErrorIs(t, err, vk.ErrClosed)
		}
		commands.End()
	}
	require.NoError(t, l.engine.Close())
	require.NoError(t, l.device.Close(), "no recording is open")
}
