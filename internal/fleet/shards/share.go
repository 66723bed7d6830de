package shards

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// maxRaces bounds how often in a row others may be faster to change the owners before they are left to it for a turn.
const maxRaces = 20

// share removes who is dead, gives out what is nobody's and hands over what others are to have.
func (r *runner) share(ctx context.Context) error {
	if err := r.bury(ctx); err != nil {
		return err
	}
	if !r.admitted {
		return nil
	}
	for range maxRaces {
		next := r.decide(ctx)
		if next == r.view.owners && !r.unsure && r.view.ownersErr == nil {
			return nil
		}
		err := r.assign(ctx, next)
		if err == nil || !errors.Is(err, errChanged) {
			return err
		}
		if err := r.look(ctx); err != nil {
			return err
		}
	}
	return errChanged
}

// bury removes the replicas that have been silent for too long.
func (r *runner) bury(ctx context.Context) error {
	for id, s := range r.seen {
		p := r.view.replicas[id]
		if r.now().atLeast(s.at) < p.patience(r.opts.TTL) {
			continue
		}
		limited, cancel := r.limited(ctx)
		err := r.bucket.remove(limited, replicaPrefix+id, s.revision)
		cancel()
		if errors.Is(err, errChanged) {
			return r.look(ctx) // it lives, or somebody else was faster
		}
		if err != nil {
			return err
		}
		r.opts.Logger.Info("another replica is gone", "name", p.Name, "id", id, "shards", r.view.owners.of(id).Len())
		delete(r.seen, id)
		delete(r.view.replicas, id)
	}
	return nil
}

// candidates returns the replicas that may have shards.
func (r *runner) candidates() []string {
	var ids []string
	for id, p := range r.view.replicas {
		if id != r.id && p.Admitted || id == r.id && r.admitted {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// decide returns the owners as this replica may change them: what is nobody's is given out, and what is its own is
// given away if nobody looks at it any more.
func (r *runner) decide(ctx context.Context) owners {
	ids := r.candidates()
	if all := strings.Join(ids, " "); all != r.settled {
		r.settled, r.settling = all, r.now()
	}
	have := r.view.owners
	for shard, id := range have {
		if _, lives := r.view.replicas[id]; !lives {
			have[shard] = ""
		}
	}
	next, want := have, plan(have, ids)
	var surplus Set
	for shard := range want {
		switch {
		case have[shard] == "":
			next[shard] = want[shard]
		case have[shard] == r.id && want[shard] != r.id:
			surplus |= One(shard)
		}
	}
	r.handOver(ctx, surplus)
	for shard := range (surplus & r.quieted).All() {
		next[shard] = want[shard]
	}
	return next
}

// handOver prepares what is to be given away, once it is certain who is there, and takes back what is not any more.
func (r *runner) handOver(ctx context.Context, surplus Set) {
	if !r.unsure {
		r.going &= surplus
		r.quieted &= surplus
	}
	if r.quiet == nil && surplus&^r.going != 0 && r.now().atLeast(r.settling) >= r.interval() {
		r.hush(ctx, surplus&^r.going)
	}
}

// hush has everybody stop looking at shards, within one TTL. Until then they go on being ours.
func (r *runner) hush(ctx context.Context, set Set) {
	r.going |= set
	r.publish()
	done := make(chan Set, 1)
	r.quiet = done
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.opts.TTL)
	go func() {
		defer cancel()
		r.opts.Quiet(ctx, set)
		done <- set
	}()
}

// assign stores the owners.
func (r *runner) assign(ctx context.Context, next owners) error {
	limited, cancel := r.limited(ctx)
	defer cancel()
	revision, err := r.bucket.put(limited, ownersKey, next.encode(), r.view.ownersAt)
	switch {
	case errors.Is(err, errChanged):
		return err
	case err != nil:
		r.unsure, r.unsureOf = true, r.view.ownersAt
		return err
	}
	r.opts.Logger.Debug("shared the shards", "replicas", len(r.candidates()), "mine", next.of(r.id).Len(), "revision", revision)
	r.unsure = false
	r.newest = max(r.newest, revision)
	view := r.view // of the rest there may be news that have not been read
	view.owners, view.ownersAt, view.ownersErr = next, revision, nil
	r.take(view)
	return nil
}
