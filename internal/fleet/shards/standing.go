package shards

import "time"

// standing is what a replica may rely on, and until when. It is replaced, never changed.
type standing struct {
	mine     Set
	admitted bool
	sent     moment // when the last accepted announcement began to be sent
	renewed  bool   // sent is set

	live   int
	format int           // the newest that all of them can do
	names  [Count]string // of the owners

	others bool  // another live replica has shards
	err    error // why the last turn did nothing
}

// good tells whether the leases still hold.
func (s *standing) good(at moment, ttl time.Duration) bool {
	return s.renewed && at.atMost(s.sent) < trust(ttl)
}

// trust is how long after an announcement its sender relies on it: a tenth less than others leave
// it, as two clocks do not run at exactly one rate.
func trust(ttl time.Duration) time.Duration { return ttl - ttl/10 }

// publish makes known how things stand, and has it told when the leases run out.
func (r *runner) publish() {
	s := &standing{live: max(len(r.view.replicas), 1), sent: r.sent, renewed: r.renewed}
	if r.joined() && !r.leaving {
		s.mine = r.view.owners.of(r.id) &^ r.going
	}
	s.admitted, s.others, s.err = r.admitted, r.others(), r.failure
	s.format = r.view.format()
	for shard, id := range r.view.owners {
		s.names[shard] = r.view.replicas[id].Name
	}
	old, at := r.standing.Swap(s), r.now()
	if left := trust(r.opts.TTL) - at.atMost(s.sent); s.renewed && left > 0 {
		r.fence.Reset(left)
	}
	same := old.mine == s.mine && old.admitted == s.admitted && old.live == s.live && old.names == s.names
	if !same || old.good(at, r.opts.TTL) != s.good(at, r.opts.TTL) {
		r.notify()
	}
}
