package problem

import "fmt"

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

// Errorf returns an [*ArgumentError] whose Problem is formatted with args.
func Errorf(field, try, format string, args ...any) error {
	return &ArgumentError{Field: field, Problem: fmt.Sprintf(format, args...), Try: try}
}
