package shards

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/base/pause"
)

// snapshot is the whole bucket at one moment.
type snapshot struct {
	upTo     uint64          // the revision it goes up to
	replicas map[string]peer // by id
	owners   owners
	ownersAt uint64 // revision of the key, 0 when there has never been one
	// ownersErr tells why there are no owners; it is errNoOwners when none are stored.
	ownersErr error
}

// format is the newest format that all replicas can do; 0 when there is none.
func (s *snapshot) format() int {
	lowest, first := 0, true
	for _, p := range s.replicas {
		if first || p.Format < lowest {
			lowest, first = p.Format, false
		}
	}
	return lowest
}

var errNoOwners = errors.New("no owners are stored")

// readPause is how long a server that lags behind gets to catch up.
const readPause = 20 * time.Millisecond

// read returns the bucket as it was at atLeast or later, or, when no server gets there before ctx
// ends, the newest that was to be had.
func (b *bucket) read(ctx context.Context, atLeast uint64) (snapshot, error) {
	var newest snapshot
	for {
		s, err := b.readOnce(ctx)
		if err != nil && newest.upTo == 0 {
			return snapshot{}, fmt.Errorf("read bucket %s: %w", Bucket, err)
		}
		if err == nil && s.upTo >= newest.upTo {
			newest = s
		}
		if err != nil || newest.upTo >= atLeast || !pause.For(ctx, readPause) {
			return newest, nil
		}
	}
}

// readOnce asks for the last message of every key. The server answers from one unchanging state of
// its store, whole or with an error, whichever server of a cluster that is: it may lag behind.
//
// Source: NATS architecture decision record 31, direct get, multi-subject requests.
func (b *bucket) readOnce(ctx context.Context) (snapshot, error) {
	inbox := b.conn.NewInbox()
	sub, err := b.conn.SubscribeSync(inbox)
	if err != nil {
		return snapshot{}, err
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only on a connection that is closed
	request := `{"multi_last":["` + keyPrefix + `>"]}`
	if err := b.conn.PublishRequest("$JS.API.DIRECT.GET."+streamName, inbox, []byte(request)); err != nil {
		return snapshot{}, err
	}
	s := snapshot{replicas: map[string]peer{}, ownersErr: errNoOwners}
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return snapshot{}, err
		}
		more, err := s.add(msg)
		if err != nil || !more {
			return s, err
		}
	}
}

// add takes one message of the answer and tells whether more are to come.
func (s *snapshot) add(msg *nats.Msg) (bool, error) {
	switch status := msg.Header.Get("Status"); status {
	case "":
		return true, s.addKey(msg)
	case "204": // the end
		if left := msg.Header.Get("Nats-Num-Pending"); left != "0" {
			return false, fmt.Errorf("the bucket is too large: %s keys are left out", left)
		}
		var err error
		s.upTo, err = strconv.ParseUint(msg.Header.Get("Nats-UpTo-Sequence"), 10, 64)
		return false, err
	case "404":
		if msg.Header.Get("Description") == "No Results" {
			return false, nil // an empty bucket
		}
		fallthrough
	default:
		return false, fmt.Errorf("the server answers %s %s", status, msg.Header.Get("Description"))
	}
}

func (s *snapshot) addKey(msg *nats.Msg) error {
	key, ok := strings.CutPrefix(msg.Header.Get("Nats-Subject"), keyPrefix)
	if !ok {
		return fmt.Errorf("the server answers with the subject %q", msg.Header.Get("Nats-Subject"))
	}
	revision, err := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil {
		return fmt.Errorf("revision of %s: %w", key, err)
	}
	id, isReplica := strings.CutPrefix(key, replicaPrefix)
	switch {
	case key == ownersKey:
		s.ownersAt = revision
		if !removed(msg) {
			s.owners, s.ownersErr = decodeOwners(msg.Data)
		}
	case isReplica && !removed(msg):
		s.replicas[id] = decodePeer(id, msg.Data, revision)
	}
	return nil
}

// removed tells whether a message only says that the key is gone.
func removed(msg *nats.Msg) bool {
	return msg.Header.Get(operation) != "" || msg.Header.Get(jetstream.MarkerReasonHeader) != ""
}
