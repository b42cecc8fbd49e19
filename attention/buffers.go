package attention

import (
	"context"
	"unsafe"

	"github.com/anchorvk/anchorvk/vk"
	"github.com/x448/float16"
)

// engineBuffers are device buffers that an engine keeps from call to call.
// Each grows when a call needs more.
type engineBuffers struct {
	device     *vk.Device
	scratch    *vk.Buffer
	counts     *vk.Buffer // stripes of every unit, read by the host
	masks      *vk.Buffer // stripe masks of every unit, read by the host
	lse        *vk.Buffer
	q, k, v, o *vk.Buffer // device copies of host tensors
}

// grow makes *b at least size bytes large. What it held is lost.
func (e *engineBuffers) grow(b **vk.Buffer, name string, size uint64, kind vk.MemoryKind) error {
	if *b != nil {
		if (*b).Size() >= size {
			return nil
		}
		_ = (*b).Close()
		*b = nil
	}
	made, err := e.device.NewBuffer(name, size, kind)
	if err != nil {
		return err
	}
	*b = made
	return nil
}

func (e *engineBuffers) close() {
	for _, b := range []*vk.Buffer{e.scratch, e.counts, e.masks, e.lse, e.q, e.k, e.v, e.o} {
		if b != nil {
			_ = b.Close()
		}
	}
}

// onDevice returns t itself when it is on the device, else a device tensor of
// the same strides in b; upload says whether the contents are copied too.
func (e *engineBuffers) onDevice(ctx context.Context, b *vk.Buffer, t Tensor, upload bool) (Tensor, error) {
	if t.Host == nil {
		return t, nil
	}
	if upload {
		if err := e.device.Upload(ctx, b, 0, bytesOf(t.Host[:t.Elements()])); err != nil {
			return t, err
		}
	}
	t.Host, t.Buffer = nil, b
	return t, nil
}

// bufferNeed is a buffer of the engine's that a run needs, of so many bytes; none
// where size is 0.
type bufferNeed struct {
	buffer **vk.Buffer
	name   string
	size   uint64
	kind   vk.MemoryKind
}

// needs are the buffers that the run needs.
func (r *run) needs(in *Inputs, out *Outputs) [8]bufferNeed {
	p, b := r.plan, r.buffers
	copied := func(t *Tensor) uint64 {
		if t.Host == nil {
			return 0
		}
		return halfBytes * uint64(t.Elements())
	}
	var counts, masks, lse uint64
	if p.Mode == ModeAnchor && p.Units > 0 {
		counts = p.countBytes()
	}
	if r.wantMasks {
		masks = uint64(p.Units) * p.scratch.maskBytes
	}
	if !r.lseLent {
		lse = r.lseSize()
	}
	return [8]bufferNeed{
		{&b.q, "Q", copied(&in.Q), vk.DeviceLocal},
		{&b.k, "K", copied(&in.K), vk.DeviceLocal},
		{&b.v, "V", copied(&in.V), vk.DeviceLocal},
		{&b.o, "O", copied(&out.O), vk.DeviceLocal},
		{&b.scratch, "scratch", p.ScratchBytes, vk.DeviceLocal},
		{&b.counts, "stripe counts", counts, vk.Readback},
		{&b.masks, "stripe masks", masks, vk.Readback},
		{&b.lse, "log-sum-exp", lse, vk.DeviceLocal},
	}
}

// toHost copies a device tensor of the same strides into a host tensor,
// leaving the gaps between its rows alone.
func (e *engineBuffers) toHost(ctx context.Context, t Tensor, from *vk.Buffer) error {
	elements := t.Elements()
	if elements == t.Shape[0]*t.Shape[1]*t.Shape[2]*t.Shape[3] {
		return e.device.Download(ctx, bytesOf(t.Host[:elements]), from, 0)
	}
	whole := make([]float16.Float16, elements)
	if err := e.device.Download(ctx, bytesOf(whole), from, 0); err != nil {
		return err
	}
	source := t
	source.Host = whole
	for b := range t.Shape[0] {
		for h := range t.Shape[1] {
			for s := range t.Shape[2] {
				copy(t.At(b, h, s), source.At(b, h, s))
			}
		}
	}
	return nil
}

// bytesOf views a slice of numbers as bytes. Device memory is little-endian,
// and so is every host that has Vulkan drivers.
func bytesOf[T float16.Float16 | float32 | uint32](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(s[0])))
}
