package attention

import (
	"context"
	"math"

	"github.com/anchorvk/anchorvk/vk"
)

// pass is what a dispatch counts as in Times.
type pass int

const (
	passAnchor pass = iota
	passIdentify
	passAttention
	passCount
)

// slicer collects dispatches into submissions that each keep the device busy
// for a limited time. Cuts fall between work items, which do not depend on
// each other within a dispatch, so that the results are the same bits however
// the work is cut.
type slicer struct {
	recorder *vk.Recorder
	to       sink // where submissions go
	pace     *pace
	budgetMS float64

	flops   float64 // recorded in the open submission
	inexact bool    // flops is only a bound, and teaches nothing
	pass    pass    // of the last dispatch
	open    bool    // something was recorded
	slices  int
	times   Times
	marks   []pass    // the pass that ends at each timestamp but the first
	stamps  []float64 // reused
	hasTime bool
	untimed string // why GPU times of this call were dropped, or ""

	progress func(done float64)
	done     float64 // work recorded so far
	total    float64 // work of the run; known where progress is reported
}

// begin starts a run whose submissions go to a sink.
func (s *slicer) begin(to sink, r *vk.Recorder, p *pace, budgetMS float64, timestamps bool) {
	*s = slicer{to: to, recorder: r, pace: p, budgetMS: budgetMS, marks: s.marks[:0], stamps: s.stamps[:0], hasTime: timestamps}
	r.Reset()
}

// mark opens a submission, which sees what earlier ones wrote, or ends a pass's share of its time.
func (s *slicer) mark(p pass) {
	if !s.open {
		s.open = true
		s.stamp()
		s.pass = p
		return
	}
	if p != s.pass {
		s.endPass()
		s.pass = p
	}
}

func (s *slicer) endPass() {
	s.recorder.Barrier()
	s.stamp()
	s.marks = append(s.marks, s.pass)
}

func (s *slicer) stamp() {
	if s.hasTime {
		s.recorder.Timestamp()
	}
}

// barrier makes the following dispatches see what the earlier ones wrote.
func (s *slicer) barrier() {
	if s.open {
		s.recorder.Barrier()
	}
}

// room is how many items of the given cost fit in the open submission, at
// least one in a fresh one.
func (s *slicer) room(cost float64, items, maxItems uint32) uint32 {
	left := s.budgetMS*s.pace.flopsPerMS() - s.flops
	n := uint32(min(math.Max(left/math.Max(cost, 1), 0), float64(min(items, maxItems))))
	if n == 0 && s.flops == 0 {
		return 1
	}
	return n
}

// flush ends the open submission. last says that nothing comes after it.
func (s *slicer) flush(ctx context.Context, last bool) error {
	if !s.open {
		return nil
	}
	s.endPass()
	err := s.to.take(ctx, s, last)
	s.open, s.inexact, s.flops, s.marks = false, false, 0, s.marks[:0]
	if err == nil && s.progress != nil {
		share := min(s.done/s.total, 1)
		if last {
			share = 1
		}
		s.progress(share)
	}
	return err
}

// learn takes in how long a slice took, where its work is known.
func (s *slicer) learn(flops, ms float64, inexact bool) {
	if !inexact {
		s.pace.learn(flops, ms)
	}
}

// gpuMS adds up the GPU times of the passes, and returns that of the
// submission: 0 where it is not known, because the device has no clock or
// because package vk found its timestamps wrong. All that uses timestamps gets
// them here.
func (s *slicer) gpuMS() float64 {
	if !s.hasTime {
		return 0
	}
	stamps := s.recorder.TimestampsMS(s.stamps[:0])
	if len(stamps) <= len(s.marks) {
		if s.untimed == "" {
			s.untimed = s.recorder.TimestampFault()
		}
		return 0
	}
	s.stamps = stamps
	for i, p := range s.marks {
		ms := s.stamps[i+1] - s.stamps[i]
		s.times.Total += ms
		switch p {
		case passAnchor:
			s.times.Anchor += ms
		case passIdentify:
			s.times.Identify += ms
		case passAttention:
			s.times.Attention += ms
		}
	}
	return s.stamps[len(s.stamps)-1]
}
