package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/c4342123/rollcall/internal/evidence"
)

// load reads what is stored, and holds the tiles to the newest checkpoint, and to what was told in
// events: what was changed since those were signed is not signed again, and no shorter log in place
// of one that is gone.
func (l *Log) load(ctx context.Context) error {
	// First, as what another replica signs meanwhile is stored in the log before it is told.
	told, err := l.toldNotes(ctx)
	if err != nil {
		return err
	}
	if err := l.store.open(ctx, l.opts.Replicas); err != nil {
		return err
	}
	note, revision, err := l.store.checkpoint(ctx)
	if err != nil {
		return err
	}
	var signed evidence.Checkpoint
	if note != nil {
		if signed, err = l.openNote(note); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	last, err := l.store.newest(ctx)
	if err != nil {
		return err
	}
	if last == nil {
		last = &tile{}
	}
	var tree evidence.Tree
	unmet, err := l.ahead(told, signed.Size)
	if err != nil {
		return err
	}
	if signed.Size > 0 {
		unmet = append(unmet, signed)
	}
	take := func(leaves []evidence.Hash) {
		for _, leaf := range leaves {
			tree.Add(leaf)
			unmet = slices.DeleteFunc(unmet, func(c evidence.Checkpoint) bool { return c.Size == tree.Size() && c.Root == tree.Root() })
		}
	}
	for i := range last.index {
		full, err := l.fullTile(ctx, i)
		if err != nil {
			return err
		}
		take(full)
	}
	take(last.leaves)
	if len(unmet) > 0 {
		return disagrees(slices.MaxFunc(unmet, func(a, b evidence.Checkpoint) int { return cmp.Compare(a.Size, b.Size) }), tree.Size())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = l.told && string(note) == string(l.note)
	l.tree, l.last, l.signed, l.note, l.revision = tree, *last, signed, note, revision
	l.pending, l.known = nil, nil
	return nil
}

// openNote reads a checkpoint. One that another replica signed with a key of its own is believed as
// it is.
func (l *Log) openNote(note []byte) (evidence.Checkpoint, error) {
	public, err := l.opts.Signer.PublicKey()
	if err != nil {
		return evidence.Checkpoint{}, err
	}
	return evidence.OpenOwn(note, l.origin, public)
}

// fullTile reads a tile that is full.
func (l *Log) fullTile(ctx context.Context, index int64) ([]evidence.Hash, error) {
	t, err := l.store.tile(ctx, index)
	if err != nil {
		return nil, err
	}
	if t == nil || len(t.leaves) != evidence.TileSize {
		return nil, fmt.Errorf("%w: tile %d is missing, or not full", ErrDamaged, index)
	}
	return t.leaves, nil
}

// leaves reads all leaves.
func (l *Log) leaves(ctx context.Context) ([]evidence.Hash, error) {
	var leaves []evidence.Hash
	for i := range l.last.index {
		full, err := l.fullTile(ctx, i)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, full...)
	}
	return append(leaves, l.last.leaves...), nil
}
