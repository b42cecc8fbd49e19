package vk

import (
	"runtime"
	"sync"
	"unsafe"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// queue serialises the submissions to one VkQueue.
type queue struct {
	sync.Mutex
	handle  Handle
	users   int // devices; under queues
	waiting waiting
}

// waiting are the submissions that wait for semaphores of the caller's. What is
// behind them in the queue waits too.
type waiting struct {
	sync.Mutex
	recorders map[*Recorder]struct{}
}

func (w *waiting) add(r *Recorder) {
	w.Lock()
	defer w.Unlock()
	if w.recorders == nil {
		w.recorders = map[*Recorder]struct{}{}
	}
	w.recorders[r] = struct{}{}
}

func (w *waiting) remove(r *Recorder) {
	w.Lock()
	defer w.Unlock()
	delete(w.recorders, r)
}

// any says whether one of the semaphores has not been signalled yet.
func (w *waiting) any() bool {
	w.Lock()
	defer w.Unlock()
	for r := range w.recorders {
		if r.held() {
			return true
		}
	}
	return false
}

// queues are those in use: a queue may have been lent to several devices.
var queues = struct {
	sync.Mutex
	open map[Handle]*queue
}{open: map[Handle]*queue{}}

func shareQueue(h Handle) *queue {
	queues.Lock()
	defer queues.Unlock()
	q := queues.open[h]
	if q == nil {
		q = &queue{handle: h}
		queues.open[h] = q
	}
	q.users++
	return q
}

func (q *queue) release() {
	queues.Lock()
	defer queues.Unlock()
	q.users--
	if q.users == 0 {
		delete(queues.open, q.handle)
	}
}

// submit holds the lock of the queue and its owner's around one
// vkQueueSubmit; without a recorder it only signals. The driver calls locks that
// are C functions; Go functions too find one thread from lock to unlock.
func (d *Device) submit(recorder driver.Recorder, s *Sync) driver.Result {
	d.queue.Lock()
	defer d.queue.Unlock()
	if d.lent != nil && d.lent.Lock.Lock != nil {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		d.lent.Lock.Lock()
		defer d.lent.Lock.Unlock()
	}
	return d.driver.Submit(recorder, timelines(s.Wait), timelines(s.Signal))
}

// timelines views a list as the driver has it, whose Timeline differs in the
// name of a type alone.
func timelines(list []Timeline) []driver.Timeline {
	return unsafe.Slice((*driver.Timeline)(unsafe.Pointer(unsafe.SliceData(list))), len(list))
}
