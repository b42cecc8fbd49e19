//go:build cgo && linux

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/anchorvk/anchorvk/internal/tuning"
)

// A model with two head dimensions is tuned for one after the other.
func TestALaterTuningKeepsWhatIsForOthers(t *testing.T) {
	rule := func(headDim int, why string) tuning.Rule {
		return tuning.Rule{When: tuning.Only(tuning.TierScalar, headDim), Why: why}
	}
	var e tunedEngine
	e.take([]tuning.Rule{rule(64, "first")})
	before := e.rules()
	e.take([]tuning.Rule{rule(128, "second")})
	assert.Equal(t, []tuning.Rule{rule(64, "first"), rule(128, "second")}, e.rules())
	e.take([]tuning.Rule{rule(64, "third")})
	assert.Equal(t, []tuning.Rule{rule(128, "second"), rule(64, "third")}, e.rules())
	e.take(nil) // a folder in which there is nothing
	assert.Len(t, e.rules(), 2)
	assert.Equal(t, []tuning.Rule{rule(64, "first")}, before, "what a plan is being made with")
}
