package shards

import (
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

// maxHearsay bounds what waits to be noticed. What is dropped is found when the bucket is read next.
const maxHearsay = 64

// hearsay is what the server tells as soon as it has stored a key. It may come late or not at all.
type hearsay struct {
	key      string
	revision uint64
	removed  bool
}

// hear takes a message of the feed.
func (r *runner) hear(msg *nats.Msg) {
	revision, err := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil {
		return // it does not come from the bucket
	}
	h := hearsay{key: strings.TrimPrefix(msg.Subject, feed), revision: revision, removed: removed(msg)}
	select {
	case r.heard <- h:
	default:
	}
}

// learn takes note of what was heard and tells whether it calls for a look at the bucket.
func (r *runner) learn(h hearsay) bool {
	id, isReplica := strings.CutPrefix(h.key, replicaPrefix)
	if h.revision <= r.view.upTo || h.revision == r.view.ownersAt || isReplica && id == r.id && !h.removed {
		return false // known
	}
	if s, known := r.seen[id]; isReplica && known && !h.removed {
		if h.revision > s.revision {
			r.seen[id] = sight{revision: h.revision, at: r.now()}
		}
		return !r.view.replicas[id].Admitted // it may be now
	}
	r.rumour = max(r.rumour, h.revision)
	return true
}
