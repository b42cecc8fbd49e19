package attention

import (
	"errors"
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

// errExited is the error of a job whose goroutine a Progress callback has ended.
var errExited = errors.New("attention: the goroutine of the job was ended by runtime.Goexit, which a progress function called")

// guard runs a step and returns its error, a *PanicError where it panics.
func guard(step func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &PanicError{Cause: cause, Stack: string(debug.Stack())}
		}
	}()
	return step()
}
