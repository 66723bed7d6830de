package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/evidence"
	"github.com/c4342123/rollcall/internal/stored/reading"
)

// toldNotes reads the checkpoints that are stored as events.
func (l *Log) toldNotes(ctx context.Context) (notes []string, err error) {
	reader, err := reading.Open(ctx, l.opts.JetStream, reading.Options{
		Subjects: reading.Subjects("", events.AuditCheckpoint), Reporter: l.opts.Reporter,
	})
	if errors.Is(err, reading.ErrNoStream) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = reader.Run(ctx, func(m reading.Message) error {
		if e, err := events.Decode(m.Data); err == nil && e.Checkpoint != nil {
			notes = append(notes, e.Checkpoint.Checkpoint)
		}
		return nil
	})
	if err == nil {
		err = ctx.Err()
	}
	return notes, err
}

// ahead are the checkpoints among the notes that are of more leaves than a size, or of as many.
// Only what this replica's key has signed counts: others can be made up by those who may write.
func (l *Log) ahead(notes []string, size int64) ([]evidence.Checkpoint, error) {
	public, err := l.opts.Signer.PublicKey()
	if err != nil {
		return nil, err
	}
	var ahead []evidence.Checkpoint
	for _, note := range notes {
		if c, err := evidence.ParseCheckpoint([]byte(note)); err != nil || c.Origin != l.origin || c.Size < size {
			continue
		}
		if c, _, err := evidence.OpenCheckpoint([]byte(note), []string{public}); err == nil {
			ahead = append(ahead, c)
		}
	}
	return ahead, nil
}

// disagrees is the error of a log that is not what a checkpoint says.
func disagrees(c evidence.Checkpoint, size int64) error {
	if size < c.Size {
		return fmt.Errorf("%w: it has %d leaves, but a checkpoint of %d leaves was signed at %s: "+
			"it was deleted, or set back; no shorter log is signed in its place: restore stream %s from a backup", ErrDamaged, size, c.Size, c.Signed, events.AuditStream)
	}
	return fmt.Errorf("%w: it is not what the checkpoint of %d leaves says that was signed at %s", ErrDamaged, c.Size, c.Signed)
}
