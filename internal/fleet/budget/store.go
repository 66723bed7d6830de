package budget

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/nats/conn"
)

// bucket is where the replicas keep what they share: one key for the count of every month, such as
// 2026-11, and one for the hours in which calls are wanted.
const bucket = "ROLLCALL_BUDGET"

// conflictPause is the longest pause after another replica was first.
const conflictPause = 20 * time.Millisecond

// store is what the replicas share.
type store struct {
	ready  func() bool // whether the servers can be asked
	js     jetstream.JetStream
	config jetstream.KeyValueConfig
	stream jetstream.Stream
	kv     jetstream.KeyValue
}

func openStore(ctx context.Context, nc *nats.Conn, replicas int) (*store, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	config := jetstream.KeyValueConfig{
		Bucket: bucket, Description: "the month's calls to DingTalk", Replicas: replicas, Storage: jetstream.FileStorage,
	}
	kv, err := conn.Bucket(ctx, js, config)
	if err != nil {
		return nil, err
	}
	stream, err := js.Stream(ctx, "KV_"+bucket)
	if err != nil {
		return nil, err
	}
	return &store{ready: nc.IsConnected, js: js, config: config, stream: stream, kv: kv}, nil
}

// remake makes the bucket again after it was deleted. Handles of the old one work with the new one,
// which has its name.
func (s *store) remake(ctx context.Context) error {
	_, err := conn.Bucket(ctx, s.js, s.config)
	return err
}

// time asks for the server's time.
func (s *store) time(ctx context.Context) (time.Time, error) {
	info, err := s.stream.Info(ctx)
	if err != nil {
		return time.Time{}, err
	}
	return info.TimeStamp, nil
}

// count is how much of a month is spent.
type count struct {
	month    string
	revision uint64 // 0 while nothing is stored

	// Drawn is how many calls the replicas took: those they made and those they may yet make or
	// have lost.
	Drawn int `json:"drawn"`
	// Until is when to try again after upstream said that nothing is left, in Unix milliseconds; 0
	// when it did not.
	Until int64 `json:"exhausted_until,omitzero"`
	// Told is how many calls were drawn when it said so first; 0 when it did not.
	Told int `json:"told,omitzero"`
	// Spent is when the last call was drawn, in Unix milliseconds; 0 while some are left.
	Spent int64 `json:"spent,omitzero"`
	// Listed is when the organisation's meetings were last begun to be listed, in Unix
	// milliseconds, and Pages how many calls that took; 0 while they were not.
	Listed int64 `json:"listed,omitzero"`
	Pages  int   `json:"pages,omitzero"`
	tally
}

// listRound is how long listing the organisation's meetings goes on, page by page, once it was
// allowed.
const listRound = 30 * time.Second

// list counts a page of a list.
func (c *count) list(now time.Time) {
	at := now.UnixMilli()
	if at-c.Listed > listRound.Milliseconds() {
		c.Listed, c.Pages = at, 0
	}
	c.Pages++
	c.First = cmp.Or(c.First, at)
}

// listing tells whether the list that was begun last may go on.
func (c *count) listing(now time.Time) bool {
	return now.UnixMilli()-c.Listed <= listRound.Milliseconds()
}

// load reads what is stored under a key into to, and returns its revision: 0 when there is nothing.
func (s *store) load(ctx context.Context, key string, to any) (uint64, error) {
	entry, err := s.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", key, err)
	}
	if err := json.Unmarshal(entry.Value(), to); err != nil {
		return 0, fmt.Errorf("key %s of %s: %w", key, bucket, err)
	}
	return entry.Revision(), nil
}

// save stores a value unless what is stored has another revision. Then the error is errConflict and
// nothing is stored; after any other error it is unknown whether something is.
func (s *store) save(ctx context.Context, key string, value any, revision uint64) (uint64, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return 0, err
	}
	if revision > 0 {
		revision, err = s.kv.Update(ctx, key, data, revision)
	} else if revision, err = s.kv.Create(ctx, key, data); errors.Is(err, jetstream.ErrKeyExists) { // which sees that it was removed
		err = errConflict
	}
	if err != nil {
		return 0, fmt.Errorf("storing %s: %w", key, err)
	}
	return revision, nil
}

// errConflict says that another replica was first.
var errConflict = jetstream.ErrKeyRevisionMismatch

// count reads a month's count.
func (s *store) count(ctx context.Context, month string) (count, error) {
	c := count{month: month}
	var err error
	c.revision, err = s.load(ctx, month, &c)
	if err == nil && c.Drawn < 0 {
		err = fmt.Errorf("key %s of %s: %d calls drawn", month, bucket, c.Drawn)
	}
	return c, err
}

// change changes a month's count, unless edit says that there is nothing to change. When it is
// unknown whether the change was stored it is not made again: a call given back twice could be
// spent twice.
func (s *store) change(ctx context.Context, month string, edit func(*count) bool) error {
	return untilFirst(ctx, func() error {
		c, err := s.count(ctx, month)
		if err != nil || !edit(&c) {
			return err
		}
		_, err = s.save(ctx, month, &c, c.revision)
		return err
	})
}

// untilFirst makes attempts to change what is stored, each of which reads it anew, until one is not
// too late because another replica was first.
func untilFirst(ctx context.Context, attempt func() error) error {
	for {
		if err := attempt(); !errors.Is(err, errConflict) {
			return err
		}
		if err := giveWay(ctx, conflictPause); err != nil {
			return err
		}
	}
}

// natsTimeout bounds an exchange with NATS.
func natsTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, drawTimeout, errors.New("NATS does not answer"))
}

// giveWay leaves other replicas some of a time.
func giveWay(ctx context.Context, longest time.Duration) error {
	if !pause.For(ctx, rand.N(longest+1)) {
		return ctx.Err()
	}
	return nil
}
