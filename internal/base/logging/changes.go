package logging

import (
	"container/list"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/c4342123/rollcall/internal/base/plaintext"
)

const (
	// DefaultMaxKeys is how many failing things are remembered unless [ChangesOptions] says
	// otherwise.
	DefaultMaxKeys = 1024
	// maxMessage bounds what is kept and logged of one error, in bytes.
	maxMessage = 1024
)

// ChangesOptions configure [NewChanges]. The zero value works.
type ChangesOptions struct {
	// MaxKeys bounds the failing things that are remembered; 0 means [DefaultMaxKeys]. When there
	// are more, the one that has not failed for longest is forgotten: its next failure counts like
	// a first one.
	MaxKeys int
	// Plainly puts an error into the words it is logged in; as it is when nil.
	Plainly func(error) error
}

// Changes logs what fails: when it begins, when it fails in another way, and when it is over. It is
// safe for concurrent use and bounded in memory.
//
// A key names a condition or, after ": ", which of many things of a kind is in that condition, such
// as "meeting: 6321a". Of a condition there are no more than four lines a minute, however it
// flickers and however many things it is about: what comes too fast is told later, in one line that
// counts.
type Changes struct {
	logger  *slog.Logger
	max     int
	plainly func(error) error

	mu         sync.Mutex
	failing    map[string]*list.Element // of *failure
	order      *list.List               // the latest failure in front
	conditions map[string]*condition
}

// failure is something that fails at present.
type failure struct {
	key   string
	kind  string // of the error that was told last; empty when none was
	kinds []string
	said  time.Time // when something was told of it last
	since time.Time
	count int
}

// maxKinds bounds the kinds of errors that are remembered of one failure.
const maxKinds = 8

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
		failing: map[string]*list.Element{}, order: list.New(), conditions: map[string]*condition{},
	}
}

// Failed says that the thing with that key has failed. It is logged as a warning when that is new,
// when the error is of another kind than all before, and at most once a minute when it is of
// another kind than the one told last. Errors are of one kind when they say so themselves (see
// [Kinder]) or differ only in numbers such as ports and request ids. A nil error is [Changes.OK].
func (c *Changes) Failed(key string, err error) {
	if err == nil {
		c.OK(key)
		return
	}
	if c.plainly != nil {
		err = c.plainly(err)
	}
	message := bounded(err.Error())
	kind := kindOf(err, message)
	c.mu.Lock()
	defer c.mu.Unlock()
	f, known := c.record(key)
	at := c.condition(key)
	at.error = message
	if !f.news(kind) {
		return
	}
	f.tell(kind)
	switch {
	case !at.admit(c):
	case known:
		c.logger.Warn("failing in another way", attrWhat, key, "error", message, "failures", f.count)
	default:
		c.logger.Warn("failing", attrWhat, key, "error", message)
	}
}

// record counts a failure. The caller holds mu.
func (c *Changes) record(key string) (f *failure, known bool) {
	element, known := c.failing[key]
	if !known {
		if c.order.Len() >= c.max {
			c.remove(c.order.Back())
		}
		element = c.order.PushFront(&failure{key: key, since: time.Now()})
		c.failing[key] = element
		c.condition(key).failing++
	}
	c.order.MoveToFront(element)
	f = element.Value.(*failure)
	f.count++
	return f, known
}

// news tells whether an error of that kind is to be told.
func (f *failure) news(kind string) bool {
	switch {
	case kind == f.kind:
		return false
	case f.kind == "" || time.Since(f.said) >= window:
		return true
	default:
		return len(f.kinds) < maxKinds && !slices.Contains(f.kinds, kind)
	}
}

// tell takes note that an error of that kind is told, now or by the line that counts.
func (f *failure) tell(kind string) {
	f.kind, f.said = kind, time.Now()
	if len(f.kinds) < maxKinds && !slices.Contains(f.kinds, kind) {
		f.kinds = append(f.kinds, kind)
	}
}

// OK says that the thing with that key works. If it was failing that is logged, with how often and
// how long it failed.
func (c *Changes) OK(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, known := c.failing[key]
	if !known {
		return
	}
	f := c.remove(element)
	at := c.condition(key)
	now := time.Now()
	if at.admit(c) {
		c.logger.Info("works again", attrWhat, key, "failures", f.count, "lasted", lasted(f.since, now))
		return
	}
	at.failures += f.count
	at.ended = now
	if f.since.Before(at.since) {
		at.since = f.since
	}
}

// Forget drops the thing with that key without a word, when it is no longer of interest whether it
// works.
func (c *Changes) Forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, known := c.failing[key]; known {
		c.remove(element)
	}
}

// remove forgets a failure. The caller holds mu.
func (c *Changes) remove(element *list.Element) *failure {
	f := c.order.Remove(element).(*failure)
	delete(c.failing, f.key)
	c.condition(f.key).failing--
	return f
}

func lasted(since, until time.Time) string { return until.Sub(since).Round(time.Millisecond).String() }

// fickle matches what differs between two messages of one failure: the port this side of a
// connection has, and runs of eight or more hexadecimal digits and dashes, as ids and times of day
// in nanoseconds are.
var fickle = regexp.MustCompile(`:\d+->|[0-9A-Fa-f][0-9A-Fa-f-]{6,}[0-9A-Fa-f]`)

func bounded(message string) string {
	if cut := plaintext.Cut(message, maxMessage); len(cut) < len(message) {
		return cut + "..."
	}
	return message
}
