package attention

import (
	"math"
	"sync/atomic"

	"github.com/anchorvk/anchorvk/vk"
)

// pace is how fast the device works, learnt from submissions, so that each
// can be kept short. Calls that run at the same time share it.
type pace struct{ bits atomic.Uint64 }

// begin takes a guess on the slow side of each kind of device: a first slice
// that is too short costs less than one that freezes a desktop.
func (p *pace) begin(r *vk.Report) {
	switch r.Type {
	case "discrete":
		p.set(1e9) // 1 Tflop/s
	case "cpu":
		p.set(5e6)
	default:
		p.set(1e8)
	}
}

func (p *pace) set(flopsPerMS float64) { p.bits.Store(math.Float64bits(flopsPerMS)) }

func (p *pace) flopsPerMS() float64 { return math.Float64frombits(p.bits.Load()) }

// learn takes in a submission of so many operations and milliseconds. When two
// calls do so at once, one of them may go unheard.
func (p *pace) learn(flops, ms float64) {
	known := p.flopsPerMS()
	if flops < 0.05*known || ms <= 0 { // too short to tell anything but overhead
		return
	}
	const weight = 0.5
	p.set(known + weight*(flops/ms-known))
}
