package attention

import (
	"fmt"
	"runtime/debug"
)

// PanicError is the error of a job that ended in a panic: a bug. The engine may
// be used further.
type PanicError struct {
	Cause any    // what recover returned
	Stack string // of the goroutine that panicked
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("attention: bug: the job ended in a panic: %v; report it with this stack:\n%s", e.Cause, e.Stack)
}

// guard runs a step and returns its error, a *PanicError where it panics.
func guard(step func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &PanicError{Cause: cause, Stack: string(debug.Stack())}
		}
	}()
	return step()
}
