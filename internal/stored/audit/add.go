package audit

import (
	"context"
	"fmt"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/evidence"
	"github.com/c4342123/rollcall/internal/stored/reading"
)

// add takes an event that may close a meeting. What is to be added is stored once no more has
// arrived, or a tile is full.
func (l *Log) add(ctx context.Context, reader *reading.Reader, m reading.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx) // what comes now may be in the log already
	}
	if leaf, ok := l.leafOf(m); ok {
		l.pending = append(l.pending, pending{leaf, diff.Position{Stream: reader.Position().Stream, Sequence: m.Sequence, Stored: m.Stored}})
	}
	if reader.Waiting() > 0 && len(l.last.leaves)%evidence.TileSize+len(l.pending) < evidence.TileSize {
		return nil
	}
	err := l.flush(ctx)
	if reader.Waiting() == 0 {
		l.known = nil
	}
	return err
}

// leafOf is the leaf that an event is, if it is one that is not in the log: it has to be sealed, by
// the key that it names.
func (l *Log) leafOf(m reading.Message) (evidence.Hash, bool) {
	e, err := events.Decode(m.Data)
	if err != nil || e.Seal() == nil || e.Source != events.Source(l.opts.CorpID, e.ConferenceID()) {
		return evidence.Hash{}, false
	}
	if err := events.CheckSeal(m.Data, &e); err != nil {
		l.opts.Logger.Warn("the end of a meeting is not added to the log: its seal is wrong", "position", m.Sequence, "error", err)
		return evidence.Hash{}, false
	}
	leaf := evidence.LeafHash(events.HashOf(m.Data))
	if _, known := l.known[leaf]; known {
		return leaf, false
	}
	if l.known != nil {
		l.known[leaf] = struct{}{}
	}
	return leaf, true
}

// flush stores what is to be added, one tile after the other. The caller holds mu.
func (l *Log) flush(ctx context.Context) error {
	for len(l.pending) > 0 {
		next := l.last
		if len(next.leaves) == evidence.TileSize {
			next = tile{index: next.index + 1}
		}
		n := min(evidence.TileSize-len(next.leaves), len(l.pending))
		leaves := make([]evidence.Hash, 0, len(next.leaves)+n)
		next.leaves = append(leaves, next.leaves...)
		for _, p := range l.pending[:n] {
			next.leaves = append(next.leaves, p.leaf)
		}
		next.at = l.pending[n-1].at
		revision, err := l.store.putTile(ctx, next)
		if err != nil {
			return fmt.Errorf("add to the log: %w", err)
		}
		next.revision = revision
		for _, p := range l.pending[:n] {
			l.tree.Add(p.leaf)
		}
		l.last, l.pending = next, l.pending[n:]
	}
	return nil
}
