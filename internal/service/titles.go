package service

import (
	"context"
	"iter"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/poller"
	"github.com/c4342123/rollcall/publisher"
)

// storeFor is what the poller stores with. Where titles are to be dropped, those go that were
// stored before that was wanted.
func storeFor(e config.Events, pub *publisher.Publisher) poller.Store {
	if e.TitlesShown() {
		return pub
	}
	return untitled{pub}
}

// untitled reads and stores states without titles. What a source tells has none already.
type untitled struct{ *publisher.Publisher }

// All implements [poller.Store].
func (u untitled) All(ctx context.Context, shards ...int) iter.Seq2[diff.Record, error] {
	return func(yield func(diff.Record, error) bool) {
		for record, err := range u.Publisher.All(ctx, shards...) {
			if !yield(withoutTitle(record), err) {
				return
			}
		}
	}
}

// Load implements [poller.Store].
func (u untitled) Load(ctx context.Context, conferenceID string) (diff.Record, error) {
	record, err := u.Publisher.Load(ctx, conferenceID)
	return withoutTitle(record), err
}

// Update implements [poller.Store].
func (u untitled) Update(ctx context.Context, base diff.Record, want diff.Intent) (diff.Record, diff.Result, error) {
	return u.Publisher.Update(ctx, base, dropTitle{want})
}

func withoutTitle(record diff.Record) diff.Record {
	record.State = record.State.WithoutTitle()
	return record
}

// dropTitle drops the title of the state that an intent is applied to: another replica may have
// stored it.
type dropTitle struct{ diff.Intent }

// Apply implements [diff.Intent].
func (d dropTitle) Apply(s *diff.State) diff.Result { return d.Intent.Apply(s.WithoutTitle()) }
