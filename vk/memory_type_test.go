//go:build cgo

package vk

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/fault"
)

// Where a memory type is full the next one is taken. Software devices have one
// type, so that another is put before it, which is always full.
func TestFullMemoryTypeGivesWay(t *testing.T) {
	d := openFaulty(t, fault.Off, nil)
	last := d.memory.order[DeviceLocal][0]
	full := last
	full.index = 31 // no device has as many
	d.memory.order[DeviceLocal] = []memoryType{full, last}
	fault.Set(switches(func(s *fault.Switches) { s.Type = int(full.index) }))
	for _, size := range []uint64{1 << 10, 100 << 20} { // a piece of a block, and memory of its own
		m, err := d.memory.alloc("b", size, 1, ^uint32(0), DeviceLocal)
		require.NoError(t, err)
		require.Equal(t, last.index, m.block.kind.index)
		require.NotZero(t, fault.Count().Tried&(1<<full.index), "the first type was not asked")
		d.memory.free(m)
	}
}
