package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows how far a long reading has come. It is drawn a few times a second, however fast it
// goes.
type progress struct {
	w     io.Writer // nil for nobody to see it
	bar   *progressbar.ProgressBar
	steps int64
}

const (
	// progressEvery is how many steps stand between two looks at the clock.
	progressEvery = 256
	progressPause = 200 * time.Millisecond
)

func newProgress(w io.Writer) *progress { return &progress{w: w} }

// step says that one more message is read, and how many are waiting.
func (p *progress) step(waiting uint64) {
	p.steps++
	if p.w == nil || p.steps%progressEvery != 0 {
		return
	}
	total := p.steps + int64(waiting)
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(p.w), progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(progressPause), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("events"), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))
	}
	p.bar.ChangeMax64(total)
	_ = p.bar.Set64(p.steps)
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
