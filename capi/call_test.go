//go:build cgo

package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
)

// Two threads that begin a job of one call have it noted in their order, or a wait
// for the second one would be for the first.
func TestJobsAreNotedInOrder(t *testing.T) {
	first, second := new(attention.Job), new(attention.Job)
	c := new(call)
	require.NoError(t, c.begin(func() (*attention.Job, error) {
		err := c.begin(func() (*attention.Job, error) { return second, nil })
		require.ErrorIs(t, err, attention.ErrBusy)
		return first, nil
	}))
	require.Same(t, first, c.job)
}
