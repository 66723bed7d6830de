package shards

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// maxRaces bounds how often in a row others may be faster to change the owners before this replica
// waits for its next turn.
const maxRaces = 20

// share removes replicas that are gone, assigns shards without an owner and hands over those that
// others are to have.
func (r *runner) share(ctx context.Context) error {
	if err := r.removeSilent(ctx); err != nil {
		return err
	}
	if !r.admitted {
		return nil
	}
	for range maxRaces {
		next := r.decide(ctx)
		if next == r.view.owners && !r.pending && r.view.ownersErr == nil {
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

// removeSilent removes the replicas that have been silent for too long.
func (r *runner) removeSilent(ctx context.Context) error {
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

// decide returns the owners as this replica may change them: shards without an owner are assigned,
// and its own that others are to have are given away once it looks at them no more.
func (r *runner) decide(ctx context.Context) owners {
	ids := r.candidates()
	if all := strings.Join(ids, " "); all != r.lastCandidates {
		r.lastCandidates, r.candidatesSince = all, r.now()
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
	for shard := range (surplus & r.idle).All() {
		next[shard] = want[shard]
	}
	return next
}

// handOver begins to hand over surplus shards, once the replicas have been the same for a while,
// and keeps those that are surplus no more.
func (r *runner) handOver(ctx context.Context, surplus Set) {
	if !r.pending {
		r.going &= surplus
		r.idle &= surplus
	}
	if r.quiet == nil && surplus&^r.going != 0 && r.now().atLeast(r.candidatesSince) >= r.interval() {
		r.stopLooks(ctx, surplus&^r.going)
	}
}

// stopLooks ends the looks at the meetings of shards, within one TTL. Until then this replica keeps
// their leases.
func (r *runner) stopLooks(ctx context.Context, set Set) {
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
		r.pending, r.pendingAt = true, r.view.ownersAt
		return err
	}
	r.opts.Logger.Debug("shared the shards", "replicas", len(r.candidates()), "mine", next.of(r.id).Len(), "revision", revision)
	r.pending = false
	r.newest = max(r.newest, revision)
	view := r.view // the rest may have changed since, and was not read
	view.owners, view.ownersAt, view.ownersErr = next, revision, nil
	r.take(view)
	return nil
}
