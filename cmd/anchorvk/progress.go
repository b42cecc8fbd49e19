package main

import (
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/anchorvk/anchorvk/attention"
)

// progress shows a bar on stderr for work that takes more than a second, on a
// terminal only. Its methods may be called from several goroutines.
type progress struct {
	app   *app
	what  string
	total float64 // work, in any unit
	shown bool    // on this terminal, if the work takes long
	start time.Time

	mu   sync.Mutex
	bar  *progressbar.ProgressBar
	at   float64 // work that is done
	step float64 // work of the step that runs
}

// ticks is how finely the bar divides the work.
const ticks = 10000

// progress is a bar for so much work, in steps of one where begin says nothing.
func (a *app) progress(what string, total float64) *progress {
	return &progress{app: a, what: what, total: total, step: 1, shown: !a.quiet && a.isTerminal(a.stderr), start: time.Now()}
}

// begin says how much work the step is that runs from now on.
func (p *progress) begin(work float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step = work
}

// add says that so much more work is done.
func (p *progress) add(work float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at += work
	p.draw(0)
}

// set says how much of the work is done.
func (p *progress) set(done float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = max(p.at, done)
	p.draw(0)
}

// share is how much of the work is done while a share of the step is, 0 to 1.
func (p *progress) share(within float64) float64 {
	return min((p.at+within*p.step)/p.total, 1)
}

// within says which share of the step that runs is done.
func (p *progress) within(done float64) {
	if !p.shown {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draw(done)
}

// draw shows the bar. The lock must be held.
func (p *progress) draw(within float64) {
	if !p.shown {
		return
	}
	if p.bar == nil {
		if time.Since(p.start) < time.Second {
			return
		}
		p.bar = progressbar.NewOptions(ticks,
			progressbar.OptionSetWriter(p.app.stderr),
			progressbar.OptionSetDescription(p.what),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond))
	}
	_ = p.bar.Set(int(ticks * p.share(within)))
}

// hide clears the bar's line for other output; it comes back with more work.
func (p *progress) hide() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// done removes the bar.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// work is what plans are predicted to cost, in operations.
func work(plans ...*attention.Plan) float64 {
	total := 0.0
	for _, p := range plans {
		cost := p.Cost.Dense
		if p.Mode == attention.ModeAnchor {
			cost = p.Cost.Sparse()
		}
		total += max(cost, 1)
	}
	return total
}
