package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/dingtalk/robot"
	"github.com/c4342123/rollcall/internal/stored/forget"
)

// Bucket is the JetStream bucket that holds what the robots were told.
const Bucket = forget.Robots

// errLost says that another process has changed the entry.
var errLost = errors.New("another process tells the robot")

// state is what is kept of a robot. All times are Unix milliseconds.
type state struct {
	// Owner is the process that may send; empty when the last one stopped cleanly.
	Owner string `json:"owner"`
	// Stream is when the stream was made that Cursor is about: another one may have its name.
	Stream time.Time `json:"stream"`
	// Cursor is the sequence in the stream up to which every event was told, or stands in Outbox,
	// or is not to be told.
	Cursor uint64 `json:"cursor"`
	// Stored is when the message at Cursor was stored; zero when that is not known.
	Stored time.Time `json:"stored"`
	// Ahead are the events behind Cursor that stand in Outbox, or stood there: others before them wait for their meetings to end.
	Ahead []fingerprint `json:"ahead,omitempty"`
	// AheadTo is the sequence in the stream up to which they were found.
	AheadTo uint64 `json:"aheadTo,omitempty"`
	// Outbox are the messages to send, in this order. One that stands here never changes.
	Outbox []outgoing `json:"outbox,omitempty"`
	// Slots are when the last requests cease to count.
	Slots []int64 `json:"slots,omitempty"`
	// BlockedUntil is when the robot takes messages again.
	BlockedUntil int64 `json:"blockedUntil,omitempty"`
	// Failures counts how often sending the first message of Outbox failed; it is not sent again
	// before NextTry.
	Failures int   `json:"failures,omitempty"`
	NextTry  int64 `json:"nextTry,omitempty"`
}

// position is how far in the stream the robot was told.
func (s state) position() diff.Position {
	return diff.Position{Stream: s.Stream, Sequence: s.Cursor, Stored: s.Stored}
}

// outgoing is a message that is to be sent.
type outgoing struct {
	robot.Message
	Events int `json:"events"` // how many it tells of
}

// bucket is what is needed of a JetStream key-value bucket.
type bucket interface {
	Get(ctx context.Context, key string) (jetstream.KeyValueEntry, error)
	Create(ctx context.Context, key string, value []byte, opts ...jetstream.KVCreateOpt) (uint64, error)
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	Put(ctx context.Context, key string, value []byte) (uint64, error)
}

// entry is a robot's entry of the bucket.
type entry struct {
	bucket   bucket
	key      string
	revision uint64 // 0 while there is none
}

// load reads the entry. It returns false when there is none.
func (e *entry) load(ctx context.Context) (state, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	got, err := e.bucket.Get(ctx, e.key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		e.revision = 0
		return state{}, false, nil
	}
	if err != nil {
		return state{}, false, fmt.Errorf("read what the robot was told: %w", err)
	}
	var st state
	if err := json.Unmarshal(got.Value(), &st); err != nil {
		return state{}, false, fmt.Errorf("the entry %s of the bucket %s cannot be read: %w", e.key, Bucket, err)
	}
	e.revision = got.Revision()
	return st, true, nil
}

// save replaces the entry as it was last read or written. It returns [errLost] when another process
// has changed it, and does not begin to be stopped: what is known has to be kept. After any other
// error it is not known whether it was written.
func (e *entry) save(ctx context.Context, st state) error {
	value, err := json.Marshal(st)
	if err != nil {
		return fmt.Errorf("keep what the robot was told: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	var revision uint64
	if e.revision == 0 {
		revision, err = e.bucket.Create(ctx, e.key, value)
	} else {
		revision, err = e.bucket.Update(ctx, e.key, value, e.revision)
	}
	switch {
	case errors.Is(err, jetstream.ErrKeyRevisionMismatch), errors.Is(err, jetstream.ErrKeyExists):
		return errLost
	case err != nil:
		return fmt.Errorf("keep what the robot was told: %w", err)
	}
	e.revision = revision
	return nil
}
