package attention

import "context"

// Job is a run that Start or Submit has begun. Its methods may be called from
// several goroutines.
type Job struct {
	call      *Call
	cancel    context.CancelFunc
	submitted chan struct{} // nil unless it was submitted
	done      chan struct{} // closed when it has ended; then stats and err hold
	stats     Stats
	err       error
}

// end lets the job's call take another run, and wakes those who wait.
func (j *Job) end(err error) {
	j.err = err
	j.cancel()
	j.call.end(j.done)
}

// Done is closed when the job has ended: finished, failed or cancelled.
func (j *Job) Done() <-chan struct{} { return j.done }

// Submitted is closed when all of a submitted job is in the queue; never, when it
// failed or was cancelled before that. It is nil for a job of [Call.Start], whose
// submissions are the engine's matter.
func (j *Job) Submitted() <-chan struct{} { return j.submitted }

// Wait waits for the job and returns its statistics, of a submitted one without
// host times, and its error. When ctx ends, only the waiting does.
func (j *Job) Wait(ctx context.Context) (Stats, error) {
	select {
	case <-j.done:
		return j.stats, j.err
	case <-ctx.Done():
	}
	select {
	case <-j.done: // both: it is the job's end that counts
		return j.stats, j.err
	default:
		return Stats{}, ctx.Err()
	}
}

// Cancel ends the job after the slices that are in the queue, at most two.
func (j *Job) Cancel() { j.cancel() }

// Close cancels the job, unless it has ended, and waits for it. It may be left
// out when the job has ended, and called more than once.
func (j *Job) Close() error {
	j.cancel()
	<-j.done
	return nil
}
