package attention

import (
	"fmt"
	"sync"

	"github.com/anchorvk/anchorvk/vk"
)

// workspace is what one job needs of its own: memory, recorders and
// the call itself.
type workspace struct {
	buffers engineBuffers
	run     run
	ahead   flights
}

// maxSpares is how many workspaces an engine keeps for jobs to come.
const maxSpares = 2

// workspaces holds the workspaces of an engine that no job uses, and the number of jobs.
type workspaces struct {
	sync.Mutex
	idle    sync.Cond
	running int
	closed  bool
	spare   []*workspace
}

func (w *workspaces) init() { w.idle.L = w }

// close lets no new job in and waits for those that run; false when it was
// closed before.
func (w *workspaces) close() bool {
	w.Lock()
	defer w.Unlock()
	if w.closed {
		return false
	}
	w.closed = true
	for w.running > 0 {
		w.idle.Wait()
	}
	for _, s := range w.spare {
		s.close()
	}
	w.spare = nil
	return true
}

func (w *workspaces) isClosed() bool {
	w.Lock()
	defer w.Unlock()
	return w.closed
}

// take begins a job, which end ends. Before that the workspace is given back,
// or closed where it is not to be used again.
func (w *workspaces) take(device *vk.Device) (*workspace, error) {
	w.Lock()
	defer w.Unlock()
	if w.closed {
		return nil, vk.ErrClosed
	}
	if n := len(w.spare); n > 0 {
		s := w.spare[n-1]
		w.spare = w.spare[:n-1]
		w.running++
		return s, nil
	}
	s := &workspace{buffers: engineBuffers{device: device}}
	for i := range s.ahead.all {
		recorder, err := device.NewRecorder("attention job")
		if err != nil {
			s.close()
			return nil, fmt.Errorf("attention: start a job: %w", err)
		}
		s.ahead.all[i].recorder = recorder
	}
	w.running++
	return s, nil
}

func (w *workspaces) give(s *workspace) {
	w.Lock()
	defer w.Unlock()
	if w.closed || len(w.spare) == maxSpares {
		s.close()
		return
	}
	w.spare = append(w.spare, s)
}

func (w *workspaces) end() {
	w.Lock()
	defer w.Unlock()
	w.running--
	if w.running == 0 {
		w.idle.Broadcast()
	}
}

func (s *workspace) close() {
	s.buffers.close()
	for i := range s.ahead.all {
		if r := s.ahead.all[i].recorder; r != nil {
			_ = r.Close()
		}
	}
}
