package vk

import (
	"sync"
	"sync/atomic"
	"time"
)

// child is an object of a device that is destroyed with it at the latest.
type child interface{ destroy() }

// lifetime counts the calls that run on a device, so that Close can wait for
// them, and latches its loss.
type lifetime struct {
	mu       sync.Mutex
	idle     sync.Cond
	users    int
	held     int // recordings that are open
	closed   bool
	children map[child]struct{}
	stuck    []*Recorder // their submissions had not ended when Run gave up

	lost atomic.Pointer[error]

	once   sync.Once
	result error
}

func (l *lifetime) init() {
	l.idle.L = &l.mu
	l.children = map[child]struct{}{}
}

// enter begins a call on the device; every nil result needs a leave.
func (l *lifetime) enter() error {
	if err := l.loss(); err != nil {
		return err
	}
	return l.enterLost()
}

// enterLost is enter for calls that make sense on a lost device too.
func (l *lifetime) enterLost() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.users++
	return nil
}

func (l *lifetime) leave() {
	l.mu.Lock()
	l.users--
	if l.users == 0 {
		l.idle.Broadcast()
	}
	l.mu.Unlock()
}

func (l *lifetime) loss() error {
	if p := l.lost.Load(); p != nil {
		return *p
	}
	return nil
}

// latch records the first loss; false when there was one before.
func (l *lifetime) latch(err error) bool { return l.lost.CompareAndSwap(nil, &err) }

func (l *lifetime) add(c child) {
	l.mu.Lock()
	l.children[c] = struct{}{}
	l.mu.Unlock()
}

func (l *lifetime) remove(c child) {
	l.mu.Lock()
	delete(l.children, c)
	l.mu.Unlock()
}

// hold begins a recording, which keeps the device open until unhold.
func (l *lifetime) hold() error {
	if err := l.loss(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.held++
	return nil
}

func (l *lifetime) unhold() {
	l.mu.Lock()
	l.held--
	l.mu.Unlock()
}

// close lets no new call in, waits for those inside, then destroys, once.
func (l *lifetime) close(destroy func() error) error {
	l.mu.Lock()
	if l.held > 0 && !l.closed {
		l.mu.Unlock()
		return ErrRecordings
	}
	l.closed = true
	l.mu.Unlock()
	l.once.Do(func() {
		l.mu.Lock()
		for l.users > 0 {
			l.idle.Wait()
		}
		l.mu.Unlock()
		l.result = destroy()
	})
	return l.result
}

// destroyChildren runs when no call is inside any more.
func (l *lifetime) destroyChildren() {
	for c := range l.children {
		c.destroy()
	}
	clear(l.children)
}

// drain gives hanging submissions a last chance to end.
func (l *lifetime) drain(limit time.Duration) bool {
	end := time.Now().Add(limit)
	for _, r := range l.stuck {
		for !r.poll() {
			if time.Now().After(end) {
				return false
			}
		}
	}
	return true
}

func (l *lifetime) addStuck(r *Recorder) {
	l.mu.Lock()
	l.stuck = append(l.stuck, r)
	l.mu.Unlock()
}

// pins keeps an object alive while submitted work uses it: closing a pinned
// object takes effect when its last pin goes.
type pins struct{ n atomic.Int64 }

const pinsClosed = int64(1) << 62

// pin returns false when the object is closed.
func (p *pins) pin() bool {
	for {
		n := p.n.Load()
		if n&pinsClosed != 0 {
			return false
		}
		if p.n.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// unpin returns true when the object must be destroyed now.
func (p *pins) unpin() bool { return p.n.Add(-1) == pinsClosed }

// close returns true when the object must be destroyed now.
func (p *pins) close() bool {
	for {
		n := p.n.Load()
		if n&pinsClosed != 0 {
			return false
		}
		if p.n.CompareAndSwap(n, n|pinsClosed) {
			return n == 0
		}
	}
}

func (p *pins) closed() bool { return p.n.Load()&pinsClosed != 0 }

// closeChild is the Close of every object of a device.
func (l *lifetime) closeChild(p *pins, c child) error {
	if l.enterLost() != nil {
		return nil // the device has closed it
	}
	defer l.leave()
	if p.close() {
		l.release(c)
	}
	return nil
}

// release destroys an object that nothing uses. On a lost device that is left
// to Close, which first waits for the queue.
func (l *lifetime) release(c child) {
	if l.loss() != nil {
		return
	}
	l.remove(c)
	c.destroy()
}
