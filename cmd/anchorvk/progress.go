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
	total int
	start time.Time

	mu  sync.Mutex
	bar *progressbar.ProgressBar
	at  int
}

func (a *app) progress(what string, total int) *progress {
	return &progress{app: a, what: what, total: total, start: time.Now()}
}

// add says that n more are done.
func (p *progress) add(n int) {
	p.mu.Lock()
	at := p.at + n
	p.mu.Unlock()
	p.set(at)
}

// set says that n of the total are done.
func (p *progress) set(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = max(p.at, n)
	if p.app.quiet || !p.app.isTerminal(p.app.stderr) {
		return
	}
	if p.bar == nil {
		if time.Since(p.start) < time.Second {
			return
		}
		p.bar = progressbar.NewOptions(p.total,
			progressbar.OptionSetWriter(p.app.stderr),
			progressbar.OptionSetDescription(p.what),
			progressbar.OptionShowCount(),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond))
	}
	_ = p.bar.Set(p.at)
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
