package poller

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller/guarded"
)

const (
	// loadsAtOnce bounds how many states are read at the same time that other replicas have
	// changed.
	loadsAtOnce = 8
	// steadyAfter is how long following has to go well for its next failure to count as the first.
	steadyAfter = time.Minute
	// wellAfter is how long it has to go on to count as working.
	wellAfter = 5 * time.Second
)

// takePosition notes how far the stream reaches now: following begins there.
func (p *Poller) takePosition(ctx context.Context) error {
	f, ok := p.store.(Follower)
	if !ok {
		return nil
	}
	at, err := f.Position(ctx)
	if err == nil {
		p.position = at
	}
	return err
}

// follow learns of every state that any replica stores, until ctx ends. It follows all shards, not
// only ours: only headers come, and so a change of shards loses nothing.
func (p *Poller) follow(ctx context.Context) {
	f, ok := p.store.(Follower)
	if !ok {
		return
	}
	interrupted := false
	for retry := newReadRetry(); ; {
		began := p.now()
		well := time.AfterFunc(wellAfter, func() { p.health.ok(areaFollow) })
		var err error
		if interrupted {
			err = p.checkNewest(ctx)
		}
		if err == nil {
			err = f.Follow(ctx, p.position, func(conferenceID string, at diff.Position) {
				p.position = at
				p.table.With(func(t *locked) { t.noteStored(conferenceID, at.Sequence) })
			})
		}
		well.Stop()
		interrupted = true
		if errors.Is(err, diff.ErrAnew) {
			if err = p.beginAnew(ctx, f, err); err == nil {
				retry.Reset()
				continue
			}
		}
		if ctx.Err() != nil {
			return
		}
		p.storeTrouble(areaFollow, err)
		if p.now()-began > steadyAfter {
			retry.Reset()
		}
		if !retry.wait(ctx) {
			return
		}
	}
}

// noteStored notes that a state of a meeting is stored with this revision.
func (t *locked) noteStored(conferenceID string, revision uint64) {
	m, ok := t.meetings[conferenceID]
	switch {
	case !ok && !t.held.has(uint8(events.Shard(conferenceID))):
		return
	case ok && revision <= m.record.Revision:
		return // mostly our own
	case ok && !m.busy && !m.storing && !t.mine(m):
		t.dropState(m) // a guest: it is read again if it is needed
		return
	}
	t.stale[conferenceID] = revision
	t.signalStale()
}

func (f *fixed) signalStale() {
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// refresh reads the states that other replicas have changed, until ctx ends.
func (p *Poller) refresh(ctx context.Context) {
	for retry := newReadRetry(); ; {
		select {
		case <-p.news:
		case <-ctx.Done():
			return
		}
		err := p.readStale(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			retry.Reset()
			p.health.ok(areaReread)
			continue
		}
		p.storeTrouble(areaReread, err)
		if !retry.wait(ctx) {
			return
		}
		p.signalStale()
	}
}

// readStale reads the states that are known to have changed. Those that cannot be read stay in
// stale.
func (p *Poller) readStale(ctx context.Context) error {
	var all errgroup.Group
	all.SetLimit(loadsAtOnce)
	for id, revision := range guarded.Get(p.table, (*locked).takeStale) {
		all.Go(func() error {
			err := p.read(ctx, id)
			switch {
			case err == nil:
				return nil
			case errors.Is(err, diff.ErrCorruptState), errors.Is(err, diff.ErrNewerVersion):
				p.log.Error("a stored meeting cannot be read and is not watched", "meeting", id, "error", err)
				return nil
			}
			p.table.With(func(t *locked) { t.stale[id] = max(t.stale[id], revision) })
			return err
		})
	}
	return all.Wait()
}

// takeStale returns the meetings whose state is to be read, with the revision to be read. One whose
// inbox is being emptied is left for later: that may have stored the revision.
func (t *locked) takeStale() map[string]uint64 {
	out := map[string]uint64{}
	for id, revision := range t.stale {
		m, ok := t.meetings[id]
		if ok && m.storing {
			continue // collect signals when that is done
		}
		delete(t.stale, id)
		if !ok || m.maybeLost || revision > m.record.Revision {
			out[id] = revision
		}
	}
	return out
}

// adoptOthers takes over a state that another replica has stored. A meeting that is watched now and
// was not is looked at as if it had begun to be watched here.
func (t *locked) adoptOthers(id string, record diff.Record) {
	if m, ok := t.meetings[id]; ok {
		t.adopt(m, record, read)
		return
	}
	if record.State.Phase != diff.Watched || record.Revision == 0 {
		return
	}
	m := t.newMeeting(id)
	if !t.mine(m) {
		return
	}
	t.admit(m, record)
	// What was pushed or found has a start or people, and nobody waits for the look.
	t.queueFirstLook(id, record.State.StartTime == 0 && record.State.Size() == 0)
}
