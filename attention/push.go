package attention

import "unsafe"

// push mirrors include/push.glsl: the constants that a dispatch gets. Offsets
// and strides count chunks of eight halves; bases wrap modulo 2^32.
type push struct {
	firstItem  uint32
	qLen       uint32
	qOffset    uint32
	kvEnd      uint32
	headRatio  uint32
	headFirst  uint32
	headCount  uint32
	firstUnit  uint32
	q          view
	k          view
	v          view
	o          view
	lseBase    uint32
	scaleLog2  float32
	thetaLog2  float32
	blockRows  uint32
	groupRows  uint32
	sink       uint32
	window     uint32
	countBase  uint32
	kAddressLo uint32
	kAddressHi uint32
	vAddressLo uint32
	vAddressHi uint32
}

// view places a tensor's rows for a kernel, in chunks of eight halves.
type view struct{ base, head, row uint32 }

const (
	pushBytes = int(unsafe.Sizeof(push{}))
	// noLSE in lseBase says that the log-sum-exp is not wanted.
	noLSE = 0xffffffff
	// thetaLimit stands for an infinite theta, which shaders need not support:
	// it is above THETA_ALL of include/stripe_mask.glsl.
	thetaLimit = 1e37
)

// bytes views the constants as they go to the device.
func (p *push) bytes() []byte { return unsafe.Slice((*byte)(unsafe.Pointer(p)), pushBytes) }
