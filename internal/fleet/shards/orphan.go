package shards

import "context"

// Orphaned tells that no replica looks at any meeting, as far as this replica knows: it has no
// lease that is good, and no other live replica has any. err is why it could get none; nil when
// nothing failed.
func (r *Replica) Orphaned() (orphaned bool, err error) {
	if r.Mine() != 0 {
		return false, nil
	}
	s := r.standing.Load()
	return !s.others, s.err
}

// others tells whether another live replica has shards, as far as is known.
func (r *runner) others() bool {
	if !r.joined() {
		return r.othersOutside()
	}
	for _, id := range r.view.owners {
		if _, lives := r.view.replicas[id]; lives && id != r.id {
			return true
		}
	}
	return false
}

// lookOutside reads who has the shards, for a replica that cannot join. What cannot be read stays
// as it was known.
func (r *runner) lookOutside(ctx context.Context) {
	ctx, cancel := r.limited(ctx)
	defer cancel()
	view, err := r.bucket.read(ctx, 0)
	if err != nil {
		return
	}
	at, before := r.now(), r.outsideSeen
	r.outside, r.outsideSeen = view, make(map[string]observed, len(view.replicas))
	for id, p := range view.replicas {
		if s, known := before[id]; known && s.revision == p.revision {
			r.outsideSeen[id] = s
			continue
		}
		r.outsideSeen[id] = observed{revision: p.revision, at: at}
	}
}

// othersOutside tells whether one of those that have shards has renewed its announcement lately.
func (r *runner) othersOutside() bool {
	for _, id := range r.outside.owners {
		s, known := r.outsideSeen[id]
		if known && r.now().atLeast(s.at) < r.outside.replicas[id].patience(r.opts.TTL) {
			return true
		}
	}
	return false
}
