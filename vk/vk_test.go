//go:build cgo

package vk

import (
	"context"
	_ "embed"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

//go:embed testdata/affine.spv
var affineCode []byte

//go:embed testdata/subgroup.spv
var subgroupCode []byte

//go:embed testdata/spin.spv
var spinCode []byte

// open opens the device that the environment names, changed by edit. Without a
// device the test fails: everything here needs one.
func open(t testing.TB, edit func(*Options)) *Device {
	t.Helper()
	opt, err := OptionsFromEnv()
	require.NoError(t, err)
	if edit != nil {
		edit(&opt)
	}
	d, err := Open(opt)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.Empty(t, d.ValidationMessages())
		require.NoError(t, d.Close())
	})
	return d
}

func words(n int, f func(i int) uint32) []byte {
	b := make([]byte, 0, 4*n)
	for i := range n {
		b = binary.LittleEndian.AppendUint32(b, f(i))
	}
	return b
}

func affine(t testing.TB, d *Device, scale uint32) *Pipeline {
	t.Helper()
	p, err := d.NewPipeline(PipelineConfig{Name: "affine", Code: affineCode, Bindings: 2, PushBytes: 8, Constants: []uint32{scale}})
	require.NoError(t, err)
	return p
}

func TestRoundTrip(t *testing.T) {
	const n = 10_000
	d := open(t, nil)
	t.Log(d.Report())
	ctx := context.Background()
	src, dst := newBuffer(t, d, "src", 4*n, DeviceLocal), newBuffer(t, d, "dst", 4*n, DeviceLocal)
	require.NoError(t, d.Upload(ctx, src, 0, words(n, func(i int) uint32 { return uint32(i) })))
	p, r := affine(t, d, 3), newRecorder(t, d)
	r.Timestamp()
	r.Dispatch(p, []Binding{{Buffer: src}, {Buffer: dst}}, words(2, func(i int) uint32 { return []uint32{n, 7}[i] }), (n+63)/64, 1, 1)
	r.Barrier()
	r.Timestamp()
	require.NoError(t, r.Run(ctx))
	got := make([]byte, 4*n)
	require.NoError(t, d.Download(ctx, got, dst, 0))
	require.Equal(t, words(n, func(i int) uint32 { return 3*uint32(i) + 7 }), got)
	t.Log(r.TimestampsMS(nil))
}

// numbers are words that no two places share.
func numbers(n int) []byte { return words(n, func(i int) uint32 { return uint32(i)*2654435761 + 1 }) }
