package logging

import (
	"errors"
	"strings"
	"time"
)

const (
	// window is the time in which a condition has at most maxLines lines.
	window   = time.Minute
	maxLines = 4
	// settling is how long what comes too fast is gathered at least, for the one line that tells of
	// it.
	settling = 5 * time.Second
	// attrWhat comes first in every line about a condition, and names it or which thing is in it.
	attrWhat = "what"
)

// Kinder is an error that knows of which kind it is. Two errors of one kind are the same news,
// whatever their texts. An empty kind says that the text tells.
type Kinder interface{ Kind() string }

// kindOf is of which kind an error is.
func kindOf(err error, message string) string {
	if k := Kinder(nil); errors.As(err, &k) && k.Kind() != "" {
		return k.Kind()
	}
	return fickle.ReplaceAllString(message, "#")
}

// condition is what fails in one way, for one thing or many. [Changes.mu] guards it.
type condition struct {
	name  string
	lines [maxLines]time.Time // when something was logged last, the latest first
	timer *time.Timer         // nil unless something is held back
	// What the line is to say that tells what was held back.
	changes  int // that were held back
	failures int // of things that work again
	// The first of the changes, or when what works again began to fail, if that was before.
	since   time.Time
	ended   time.Time // when something worked again last
	failing int       // things that fail now
	error   string    // the latest
}

// condition returns the condition of a key. The caller holds mu.
func (c *Changes) condition(key string) *condition {
	name, _, _ := strings.Cut(key, ": ")
	at, ok := c.conditions[name]
	if !ok {
		if len(c.conditions) >= c.max {
			c.tidy()
		}
		at = &condition{name: name}
		c.conditions[name] = at
	}
	return at
}

// tidy forgets the conditions of which there is nothing to remember any more.
func (c *Changes) tidy() {
	for name, at := range c.conditions {
		if at.failing == 0 && at.timer == nil && time.Since(at.lines[0]) >= window {
			delete(c.conditions, name)
		}
	}
}

// admit tells whether a change may be logged now. Otherwise it is counted, and told of later: the
// last line of a minute is kept for that.
func (at *condition) admit(c *Changes) bool {
	if at.timer == nil && time.Since(at.lines[maxLines-2]) >= window {
		at.logged()
		return true
	}
	if at.changes++; at.timer == nil {
		at.since = time.Now()
		wait := max(window-time.Since(at.lines[maxLines-1]), settling)
		at.timer = time.AfterFunc(wait, func() { c.tell(at) })
	}
	return false
}

// logged takes note of a line.
func (at *condition) logged() {
	copy(at.lines[1:], at.lines[:])
	at.lines[0] = time.Now()
}

// tell logs in one line what was held back.
func (c *Changes) tell(at *condition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changes, failures := at.changes, at.failures
	at.timer, at.changes, at.failures = nil, 0, 0
	switch {
	case at.failing > 0:
		at.logged()
		c.logger.Warn("failing", attrWhat, at.name, "error", at.error, "changes", changes, "now", at.failing)
	case failures > 0: // else it is of no interest any more
		at.logged()
		c.logger.Info("works again", attrWhat, at.name, "failures", failures, "lasted", lasted(at.since, at.ended), "changes", changes)
	}
}
