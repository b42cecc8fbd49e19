// Package ceil divides counts and rounds up.
package ceil

// Div is a/b, rounded up: how many parts of b hold a. a is not negative, b is
// positive.
func Div(a, b int) int { return (a + b - 1) / b }
