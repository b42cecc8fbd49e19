//go:build cgo

// Package faulttest has every Vulkan call of a test fail once.
package faulttest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/fault"
)

// EachCall runs a life, from the making of a device to its end, without faults,
// then once for each call that it made and each result of it, and once more
// without. life returns where it ended, and why. judge says what is wrong with
// how it took a failed call; no object may outlive it.
func EachCall(t *testing.T, life func() (stage string, err error), judge func(c fault.Case, err error) error) {
	t.Helper()
	before := fault.Live()
	fault.ResetCalls()
	stage, err := life()
	require.NoError(t, err, stage)
	require.Equal(t, before, fault.Live())
	cases := fault.Cases(fault.Calls())
	require.Greater(t, len(cases), 100)
	for _, c := range cases {
		fault.Fail(c.Function, c.Nth, int32(c.Result))
		stage, err := life()
		require.True(t, fault.Fired(), "%v was not called", c)
		if wrong := judge(c, err); wrong != nil {
			t.Errorf("%v in %s: %v: %v", c, stage, err, wrong)
		}
		require.Equal(t, before, fault.Live(), "%v in %s leaves objects: %v", c, stage, err)
	}
	stage, err = life()
	require.NoError(t, err, stage)
	t.Logf("%d calls failed", len(cases))
}
