package shards

import (
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

// maxChanges bounds the changes that wait for the runner. A change that is dropped is found when
// the bucket is read next.
const maxChanges = 64

// change is a message of the feed: the server sends it once it has stored a key. It may come late
// or not at all.
type change struct {
	key      string
	revision uint64
	removed  bool
}

// queue hands a message of the feed to the runner.
func (r *runner) queue(msg *nats.Msg) {
	revision, err := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil {
		return // it does not come from the bucket
	}
	h := change{key: strings.TrimPrefix(msg.Subject, feed), revision: revision, removed: removed(msg)}
	select {
	case r.changes <- h:
	default:
	}
}

// learn takes note of a change and tells whether the bucket has to be read because of it.
func (r *runner) learn(h change) bool {
	id, isReplica := strings.CutPrefix(h.key, replicaPrefix)
	if h.revision <= r.view.upTo || h.revision == r.view.ownersAt || isReplica && id == r.id && !h.removed {
		return false // known
	}
	if s, known := r.seen[id]; isReplica && known && !h.removed {
		if h.revision > s.revision {
			r.seen[id] = observed{revision: h.revision, at: r.now()}
		}
		return !r.view.replicas[id].Admitted // it may be now
	}
	r.toldOf = max(r.toldOf, h.revision)
	return true
}
