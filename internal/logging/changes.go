package logging

import (
	"container/list"
	"log/slog"
	"regexp"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// DefaultMaxKeys is how many failing things are remembered unless [ChangesOptions] says otherwise.
	DefaultMaxKeys = 1024
	// maxMessage bounds what is kept and logged of one error, in bytes.
	maxMessage = 1024
)

// ChangesOptions configure [NewChanges]. The zero value works.
type ChangesOptions struct {
	// MaxKeys bounds the failing things that are remembered; 0 means [DefaultMaxKeys]. When there are more, the one
	// that has not failed for longest is forgotten: its next failure is logged like a first one.
	MaxKeys int
	// Plainly puts an error into the words it is logged in; as it is when nil.
	Plainly func(error) error
}

// Changes logs a failure that repeats once, again when it changes, and a summary when it is over. It is safe for
// concurrent use and bounded in memory.
type Changes struct {
	logger  *slog.Logger
	max     int
	plainly func(error) error

	mu      sync.Mutex
	failing map[string]*list.Element // of *failure
	order   *list.List               // the latest failure in front
}

// failure is something that fails at present.
type failure struct {
	key     string
	essence string // of the last message
	since   time.Time
	count   int
}

// NewChanges returns a Changes that logs to logger, which may be nil.
func NewChanges(logger *slog.Logger, options ChangesOptions) *Changes {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if options.MaxKeys <= 0 {
		options.MaxKeys = DefaultMaxKeys
	}
	return &Changes{
		logger: logger, max: options.MaxKeys, plainly: options.Plainly,
		failing: map[string]*list.Element{}, order: list.New(),
	}
}

// Failed says that the thing with that key has failed. It is logged as a warning unless the last failure of the thing
// was the same: numbers that differ from one time to the next, such as ports and request ids, do not count. A nil
// error is [Changes.OK].
func (c *Changes) Failed(key string, err error) {
	if err == nil {
		c.OK(key)
		return
	}
	if c.plainly != nil {
		err = c.plainly(err)
	}
	message := truncate(err.Error())
	count, changed := c.record(key, essence(message))
	switch {
	case count == 1:
		c.logger.Warn("failing", "what", key, "error", message)
	case changed:
		c.logger.Warn("failing in another way", "what", key, "error", message, "failures", count)
	}
}

func (c *Changes) record(key, essence string) (count int, changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, known := c.failing[key]
	if !known {
		if c.order.Len() >= c.max {
			c.remove(c.order.Back())
		}
		c.failing[key] = c.order.PushFront(&failure{key: key, essence: essence, since: time.Now(), count: 1})
		return 1, true
	}
	c.order.MoveToFront(element)
	f := element.Value.(*failure)
	changed = f.essence != essence
	f.essence = essence
	f.count++
	return f.count, changed
}

// OK says that the thing with that key works. If it was failing that is logged, with how often and how long it failed.
func (c *Changes) OK(key string) {
	if f := c.take(key); f != nil {
		lasted := time.Since(f.since).Round(time.Millisecond)
		c.logger.Info("works again", "what", key, "failures", f.count, "lasted", lasted.String())
	}
}

// Forget drops the thing with that key without a word, when it is no longer of interest whether it works.
func (c *Changes) Forget(key string) { c.take(key) }

func (c *Changes) take(key string) *failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, known := c.failing[key]
	if !known {
		return nil
	}
	return c.remove(element)
}

func (c *Changes) remove(element *list.Element) *failure {
	f := c.order.Remove(element).(*failure)
	delete(c.failing, f.key)
	return f
}

// fickle matches what differs between two messages of one failure: the port this side of a connection has, and runs
// of eight or more hexadecimal digits and dashes, as ids and times of day in nanoseconds are.
var fickle = regexp.MustCompile(`:\d+->|[0-9A-Fa-f][0-9A-Fa-f-]{6,}[0-9A-Fa-f]`)

func essence(message string) string { return fickle.ReplaceAllString(message, "#") }

func truncate(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	end := maxMessage
	for end > 0 && !utf8.RuneStart(message[end]) {
		end--
	}
	return message[:end] + "..."
}
