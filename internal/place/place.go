// Package place puts tensors on a device.
package place

import (
	"context"
	"unsafe"

	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/vk"
)

// Tensors makes device buffers for the inputs and the output, and only then
// loads the host tensors and copies them there: what does not fit is known
// before inputs are generated. The returned function frees the buffers.
func Tensors(ctx context.Context, device *vk.Device, shape attention.Shape, load func() (attention.Inputs, error)) (attention.Inputs, attention.Outputs, func(), error) {
	var buffers []*vk.Buffer
	free := func() {
		for _, b := range buffers {
			_ = b.Close()
		}
	}
	var in attention.Inputs
	var out attention.Outputs
	for _, x := range []struct {
		name       string
		to         *attention.Tensor
		heads, seq int
	}{
		{"q", &in.Q, shape.Heads, shape.QLen},
		{"k", &in.K, shape.KVHeads, shape.KVLen},
		{"v", &in.V, shape.KVHeads, shape.KVLen},
		{"out", &out.O, shape.Heads, shape.QLen},
	} {
		b, err := device.NewBuffer(x.name, 2*uint64(shape.Batch*x.heads*x.seq*shape.HeadDim), vk.DeviceLocal)
		if err != nil {
			free()
			return in, out, nil, err
		}
		buffers = append(buffers, b)
		*x.to = attention.DeviceBHSD(b, 0, shape.Batch, x.heads, x.seq, shape.HeadDim)
	}
	host, err := load()
	if err == nil {
		for i, t := range []attention.Tensor{host.Q, host.K, host.V} {
			if err = device.Upload(ctx, buffers[i], 0, halfBytes(t.Host)); err != nil {
				break
			}
		}
	}
	if err != nil {
		free()
		return in, out, nil, err
	}
	return in, out, free, nil
}

// halfBytes views halves as bytes. Hosts of Vulkan drivers are little-endian,
// as device memory is.
func halfBytes(h []float16.Float16) []byte {
	if len(h) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&h[0])), 2*len(h))
}
