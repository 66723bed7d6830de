package shards

import (
	"encoding/json"
	"fmt"
	"time"
)

// The keys of the bucket.
const (
	ownersKey     = "owners"
	replicaPrefix = "replica." // followed by the id
)

// announcement is what a replica stores of itself, again and again: as long as it does, its leases
// are good.
type announcement struct {
	Name string `json:"name"`
	// TTL is for how long the replica is to be left its leases, in milliseconds after its last
	// announcement was seen.
	TTL int64 `json:"ttlMs"`
	// Since is the revision of the first announcement; that one itself has 0.
	Since uint64 `json:"since,omitempty"`
	// Admitted says that shards may be given to the replica.
	Admitted bool `json:"admitted"`
	// Format is what [Options.Format] says; a replica from before there were formats says nothing.
	Format int `json:"format,omitempty"`
}

func (a announcement) encode() []byte {
	b, err := json.Marshal(a)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return b
}

// peer is a replica as the bucket shows it.
type peer struct {
	announcement
	revision uint64
}

// decodePeer reads an announcement. What cannot be read is a replica all the same, of which only
// the id is known: it is left alone until it falls silent.
func decodePeer(id string, data []byte, revision uint64) peer {
	p := peer{revision: revision}
	if err := json.Unmarshal(data, &p.announcement); err != nil {
		p.announcement = announcement{Name: id, Since: revision}
	}
	if p.Since == 0 {
		p.Since = revision
	}
	return p
}

// patience is how long the peer may be silent before it is taken for dead: what it says itself,
// within reason.
func (p peer) patience(own time.Duration) time.Duration {
	if p.TTL <= 0 || p.TTL > MaxTTL.Milliseconds() {
		return max(own, DefaultTTL)
	}
	return time.Duration(p.TTL) * time.Millisecond
}

// owners names the id of the replica that has each shard, "" when none has. A lease is good as long
// as its owner's announcement is: a shard whose owner has no announcement any more has no owner.
type owners [Count]string

// of returns the shards of one replica.
func (o *owners) of(id string) (s Set) {
	for shard, owner := range o {
		if owner == id {
			s |= One(shard)
		}
	}
	return s
}

// encode writes the owners as an object of sets.
func (o *owners) encode() []byte {
	sets := map[string]Set{}
	for shard, id := range o {
		if id != "" {
			sets[id] |= One(shard)
		}
	}
	b, err := json.Marshal(sets)
	if err != nil {
		panic(err) // strings only
	}
	return b
}

func decodeOwners(data []byte) (o owners, err error) {
	sets := map[string]Set{}
	if err := json.Unmarshal(data, &sets); err != nil {
		return owners{}, fmt.Errorf("key %s: %w", ownersKey, err)
	}
	for id, set := range sets {
		for shard := range set.All() {
			if o[shard] != "" {
				return owners{}, fmt.Errorf("key %s: shard %d has two owners", ownersKey, shard)
			}
			o[shard] = id
		}
	}
	return o, nil
}
