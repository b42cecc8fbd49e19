// Package handle names Go values by integers that C may hold. A handle says
// what kind of value it stands for and which use of its slot it belongs to, so
// that wrong, closed and made-up handles are told apart from good ones.
package handle

import (
	"fmt"
	"sync"
)

// Kind is the kind of value that a handle stands for: 1 to 255.
type Kind uint8

// Handle is kind (8 bits), generation (32 bits) and slot (24 bits). The zero
// handle stands for nothing.
type Handle uint64

const (
	slotBits       = 24
	generationBits = 32
	maxSlots       = 1 << slotBits
	maxGeneration  = 1<<generationBits - 1
)

func (h Handle) slot() int          { return int(h & (maxSlots - 1)) }
func (h Handle) generation() uint32 { return uint32(h >> slotBits) }
func (h Handle) kind() Kind         { return Kind(h >> (slotBits + generationBits)) }

// Error says what is wrong with a handle.
type Error struct {
	Handle  Handle
	Problem string // "is zero", "was closed", ...
}

func (e *Error) Error() string { return fmt.Sprintf("handle %#x %s", uint64(e.Handle), e.Problem) }

// ErrFull is what Add returns when every handle is in use.
var ErrFull = fmt.Errorf("no handle is left: %d objects are open; close some", maxSlots)

// Table holds the values of all kinds. The zero Table is empty and ready; it
// may be used from several goroutines.
type Table struct {
	// Names of the kinds, for errors: "a device".
	Names [256]string

	mu    sync.RWMutex
	slots []slot
	free  []int
}

type slot struct {
	value      any // nil while free
	kind       Kind
	generation uint32 // of the value that is in it, or was last
}

// Add gives a value a handle of its kind.
func (t *Table) Add(kind Kind, value any) (Handle, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var i int
	switch {
	case len(t.free) > 0:
		i = t.free[len(t.free)-1]
		t.free = t.free[:len(t.free)-1]
	case len(t.slots) < maxSlots:
		i = len(t.slots)
		t.slots = append(t.slots, slot{})
	default:
		return 0, ErrFull
	}
	s := &t.slots[i]
	s.value, s.kind = value, kind
	s.generation++
	return Handle(kind)<<(slotBits+generationBits) | Handle(s.generation)<<slotBits | Handle(i), nil
}

// Get returns the value of a handle, which must be of the kind; the error is
// an *Error.
func (t *Table) Get(kind Kind, h Handle) (any, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s, err := t.find(kind, h)
	if err != nil {
		return nil, err
	}
	return s.value, nil
}

// Take is Get, after which the handle is closed.
func (t *Table) Take(kind Kind, h Handle) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, err := t.find(kind, h)
	if err != nil {
		return nil, err
	}
	value := s.value
	s.value = nil
	if s.generation < maxGeneration { // else the slot is spent: its handles would come again
		t.free = append(t.free, h.slot())
	}
	return value, nil
}

func (t *Table) find(kind Kind, h Handle) (*slot, error) {
	if h == 0 {
		return nil, &Error{h, "is zero; " + t.Names[kind] + " is needed"}
	}
	if h.slot() >= len(t.slots) || h.generation() == 0 || h.generation() > t.slots[h.slot()].generation || t.Names[h.kind()] == "" {
		return nil, &Error{h, "was never given out; " + t.Names[kind] + " is needed"}
	}
	if h.kind() != kind {
		return nil, &Error{h, "is " + t.Names[h.kind()] + "; " + t.Names[kind] + " is needed"}
	}
	s := &t.slots[h.slot()]
	if h.generation() != s.generation || s.value == nil {
		return nil, &Error{h, "was closed; " + t.Names[kind] + " is needed"}
	}
	if s.kind != kind { // a made-up kind on a good slot
		return nil, &Error{h, "was never given out; " + t.Names[kind] + " is needed"}
	}
	return s, nil
}

// Len is the number of open handles.
func (t *Table) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n := 0
	for i := range t.slots {
		if t.slots[i].value != nil {
			n++
		}
	}
	return n
}
