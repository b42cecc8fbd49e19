package attention

import (
	"context"
	"time"
)

// sink is where the submissions go that a slicer has recorded: [inTurn] runs
// each and waits for it, [flights] leave two to run while the next is recorded,
// [asParts] leaves them to the caller.
type sink interface {
	// take takes the slicer's open submission and gives it an empty recorder,
	// unless it is the last one.
	take(ctx context.Context, s *slicer, last bool) error
}

// inTurn runs submissions one by one, with the pauses of a duty cycle between.
type inTurn struct {
	rest   *rest   // the engine's
	duty   float64 // RunOptions.DutyCycle
	waited time.Duration
	paused time.Duration
}

// take submits what was recorded, once the device has rested, and waits for it.
func (t *inTurn) take(ctx context.Context, s *slicer, _ bool) error {
	paused, err := t.rest.wait(ctx)
	t.paused += paused
	if err == nil {
		err = t.run(ctx, s)
	}
	s.recorder.Reset()
	return err
}

// run runs the submission, and notes what it took.
func (t *inTurn) run(ctx context.Context, s *slicer) error {
	start := time.Now()
	err := s.recorder.Run(ctx)
	elapsed := time.Since(start)
	t.waited += elapsed
	s.slices++
	if err != nil {
		return err
	}
	ms := s.gpuMS()
	if ms <= 0 {
		ms = float64(elapsed) / 1e6
	}
	s.learn(s.flops, ms, s.inexact)
	t.rest.owe(ms, t.duty)
	return nil
}

// asParts makes submissions parts of a recording.
type asParts struct{}

func (asParts) take(_ context.Context, s *slicer, _ bool) error {
	s.recorder.Cut()
	s.slices++
	return nil
}
