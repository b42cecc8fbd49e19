package attention

import "github.com/anchorvk/anchorvk/vk"

// pace is how fast the device works, learnt from submissions, so that each
// can be kept short.
type pace struct{ flopsPerMS float64 }

// newPace starts with a guess on the slow side of each kind of device: a first
// slice that is too short costs less than one that freezes a desktop.
func newPace(r *vk.Report) pace {
	switch r.Type {
	case "discrete":
		return pace{1e9} // 1 Tflop/s
	case "cpu":
		return pace{5e6}
	}
	return pace{1e8}
}

// learn takes in a submission of so many operations and milliseconds.
func (p *pace) learn(flops, ms float64) {
	if flops < 0.05*p.flopsPerMS || ms <= 0 { // too short to tell anything but overhead
		return
	}
	const weight = 0.5
	p.flopsPerMS += weight * (flops/ms - p.flopsPerMS)
}
