package attention

import (
	"fmt"
	"runtime/debug"
)

// ArgumentError says that an argument cannot be used. It is raised before any
// work is done, on the host or on a device. Find it with [errors.As].
type ArgumentError struct {
	// Field names the argument, as in "Params.Theta" or "Q.Strides[1]".
	Field string
	// Problem is what is wrong with it, with its value: "is NaN".
	Problem string
	// Try is what to do about it, as an imperative: "use 12 ...".
	Try string
}

// Error returns one full sentence: which argument, what is wrong, what to try.
func (e *ArgumentError) Error() string {
	return fmt.Sprintf("attention: %s %s; %s", e.Field, e.Problem, e.Try)
}

// argument builds an ArgumentError whose problem is formatted with args.
func argument(field, try, problem string, args ...any) error {
	return &ArgumentError{Field: field, Problem: fmt.Sprintf(problem, args...), Try: try}
}

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
