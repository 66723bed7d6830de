package main

import (
	"fmt"
	"io"
	"time"
)

// progress shows how far a long reading has come, in one line of a terminal that is written over.
// It is drawn a few times a second, however fast it goes.
type progress struct {
	w            io.Writer // nil for nobody to see it
	steps        uint64
	began, drawn time.Time
}

const (
	// progressEvery is how many steps stand between two looks at the clock.
	progressEvery = 256
	progressPause = 200 * time.Millisecond
	// clearLine moves the cursor to the beginning of the line and clears it.
	clearLine = "\r\x1b[K"
)

func newProgress(w io.Writer) *progress { return &progress{w: w, began: time.Now()} }

// step says that one more message is read, and how many are waiting.
func (p *progress) step(waiting uint64) {
	p.steps++
	if p.w == nil || p.steps%progressEvery != 0 {
		return
	}
	if now := time.Now(); now.Sub(p.drawn) >= progressPause {
		p.drawn = now
		_, _ = io.WriteString(p.w, clearLine+p.line(waiting, now.Sub(p.began)))
	}
}

// line says in words how far it has come and, once that can be told, how long it still takes.
func (p *progress) line(waiting uint64, took time.Duration) string {
	total := p.steps + waiting
	line := fmt.Sprintf("%d of %d events read, %d %%", p.steps, total, p.steps*100/total)
	if took < time.Second {
		return line
	}
	left := time.Duration(float64(took) / float64(p.steps) * float64(waiting))
	return line + ", " + left.Round(time.Second).String() + " left"
}

// end takes the line away.
func (p *progress) end() {
	if !p.drawn.IsZero() {
		_, _ = io.WriteString(p.w, clearLine)
	}
}
