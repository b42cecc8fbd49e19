//go:build cgo

package vk

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/commands"
)

// VkPipelineStageFlagBits and VkAccessFlagBits, as the specification has them.
const (
	stageCompute, stageTransfer, stageHost, stageAll = 0x800, 0x1000, 0x4000, 0x10000

	accessShaderRead, accessShaderWrite     = 0x20, 0x40
	accessTransferRead, accessTransferWrite = 0x800, 0x1000
	accessHostRead                          = 0x2000
	accessMemoryRead, accessMemoryWrite     = 0x8000, 0x10000
)

// No test device has caches that want to be told, nor can validation see what
// the host reads: so the barriers themselves are looked at. Work stands between
// one that waits for all before it and one that makes its writes visible to all
// after it, the host too; and Barrier orders kernels, fills and copies alike.
func TestCommandsStandBetweenBarriers(t *testing.T) {
	d := open(t, func(o *Options) { o.Hook = commands.Hook })
	src, dst := newBuffer(t, d, "src", 4096, DeviceLocal), newBuffer(t, d, "dst", 4096, Readback)
	r := newRecorder(t, d)
	r.Fill(src, 0, 4096, 1)
	r.Barrier()
	r.Dispatch(affine(t, d, 3), []Binding{{Buffer: src}, {Buffer: dst}}, push(1024, 7), 16, 1, 1)
	r.Barrier()
	r.Copy(src, 0, dst, 0, 4096)
	commands.Reset()
	require.NoError(t, r.Run(background))

	const barrier = "vkCmdPipelineBarrier"
	noted := commands.Noted()
	require.Equal(t, "vkBeginCommandBuffer", noted[0].Name)
	require.Equal(t, barrier, noted[1].Name, "nothing comes before the first barrier")
	last := len(noted) - 2
	first, end := noted[1], noted[last]
	require.Equal(t, "vkEndCommandBuffer", noted[last+1].Name)
	require.Equal(t, barrier, noted[last].Name, "nothing comes after the last barrier")
	var own []commands.Command // between kernel, fill and copy, whatever else there is
	for i, name := range []string{"vkCmdFillBuffer", barrier, "vkCmdDispatch", barrier, "vkCmdCopyBuffer"} {
		if i == 0 {
			noted = noted[slices.IndexFunc(noted, func(c commands.Command) bool { return c.Name == name }):]
		}
		require.Equal(t, name, noted[i].Name)
		own = append(own, noted[i])
	}
	barriers := []commands.Command{first, own[1], own[3], end}
	const (
		work   = stageCompute | stageTransfer
		writes = accessShaderWrite | accessTransferWrite
		access = writes | accessShaderRead | accessTransferRead
	)
	requireBits := func(got uint32, want uint32, what string) {
		t.Helper()
		require.Equal(t, want, got&want, "%s: %#x lacks some of %#x", what, got, want)
	}
	for i, want := range []struct{ fromStages, fromAccess, toStages, toAccess uint32 }{
		{stageAll, accessMemoryWrite, work, access},
		{work, writes, work, access},
		{work, writes, work, access},
		{work, writes, stageAll | stageHost, accessMemoryRead | accessMemoryWrite | accessHostRead},
	} {
		requireBits(barriers[i].FromStages, want.fromStages, "stages waited for")
		requireBits(barriers[i].FromAccess, want.fromAccess, "writes made available")
		requireBits(barriers[i].ToStages, want.toStages, "stages that wait")
		requireBits(barriers[i].ToAccess, want.toAccess, "accesses that see them")
	}
}
