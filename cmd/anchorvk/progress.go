package main

import (
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows a bar on stderr for work that takes more than a second, on a
// terminal only. Its methods may be called from several goroutines.
type progress struct {
	app   *app
	what  string
	steps int
	shown bool // on this terminal, if the work takes long
	start time.Time

	mu  sync.Mutex
	bar *progressbar.ProgressBar
	at  int // steps that are done
}

// percent is how finely the bar divides a step.
const percent = 100

func (a *app) progress(what string, steps int) *progress {
	return &progress{app: a, what: what, steps: steps, shown: !a.quiet && a.isTerminal(a.stderr), start: time.Now()}
}

// add says that n more steps are done.
func (p *progress) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at += n
	p.draw(0)
}

// set says that n of the steps are done.
func (p *progress) set(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = max(p.at, n)
	p.draw(0)
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
		p.bar = progressbar.NewOptions(p.steps*percent,
			progressbar.OptionSetWriter(p.app.stderr),
			progressbar.OptionSetDescription(p.what),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond))
	}
	_ = p.bar.Set(p.at*percent + int(percent*within))
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
