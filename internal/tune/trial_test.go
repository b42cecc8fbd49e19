package tune

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/anchorvk/anchorvk/internal/tuning"
)

// Whatever field of a choice differs is named.
func TestChangeText(t *testing.T) {
	from := tuning.Choice{Way: tuning.Way{Load: tuning.LoadUint}, Attend: tuning.ShapeChoice{Rows: 2, Keys: 4}, Identify: tuning.ShapeChoice{Rows: 2}}
	to := tuning.Choice{Way: tuning.Way{Load: tuning.LoadHalf}, SubgroupSize: 32, Attend: tuning.ShapeChoice{Rows: 2, Keys: 8}, Identify: tuning.ShapeChoice{Rows: 4}}
	assert.Equal(t, "keys 4 to 8, identify rows 2 to 4, way uint to half, subgroup_size none to 32", changeText(from, to))
	assert.Empty(t, changeText(to, to))
}
