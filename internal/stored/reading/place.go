package reading

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// reaches returns an error that wraps [ErrReplaced] unless the stream is the one of the reader's
// position and still is as it was up to there. One that went back and was written to since may be
// as long as it was, or longer: then something was stored later than what was read last, but not
// after it.
func (r *Reader) reaches(ctx context.Context, info *jetstream.StreamInfo) error {
	end := endOf(info)
	switch {
	case !end.Stream.Equal(r.at.Stream):
		return fmt.Errorf("%w: it was made at %s, not at %s", ErrReplaced,
			end.Stream.Format(time.RFC3339Nano), r.at.Stream.Format(time.RFC3339Nano))
	case end.Sequence < r.at.Sequence:
		return fmt.Errorf("%w: it ends at %d, and was read up to %d", ErrReplaced, end.Sequence, r.at.Sequence)
	case end.Sequence == r.at.Sequence && end.Stored.Equal(r.at.Stored):
		return nil
	}
	next, err := r.storedNext(ctx)
	if err != nil || next == 0 || next > r.at.Sequence {
		return err
	}
	return fmt.Errorf("%w: something else is stored at %d", ErrReplaced, next)
}

// GoOn returns the position from which a reader that had read up to another goes on. That is the
// same one, unless the stream is another by now or went back to a backup: then it is that before
// the first event it has not read. It returns [ErrNoStream] when there is none.
func GoOn(ctx context.Context, js jetstream.JetStream, subjects []string, at diff.Position) (diff.Position, error) {
	r := &Reader{js: js, opts: Options{Subjects: subjects}, at: at}
	info, err := r.stream(ctx)
	if err != nil {
		return at, err
	}
	if err = r.reaches(ctx, info); errors.Is(err, ErrReplaced) {
		err = r.goBack(ctx, info)
	}
	return r.at, err
}

// goBack goes on where the stream has something that was not read: behind the backup that it went
// back to, or at its beginning when it is another one. One that is restored from a backup counts as
// made then (nats-server 2.15.3), and is told by messages that are older than that. While it is
// being restored it can be read already, and grows by what was read before: that is passed over.
func (r *Reader) goBack(ctx context.Context, info *jetstream.StreamInfo) error {
	at, passed := diff.Position{Stream: info.Created, Stored: r.at.Stored}, time.Time{}
	if info.Created.Equal(r.at.Stream) || info.State.FirstTime.Before(info.Created) && !r.at.Stored.IsZero() {
		next, err := r.storedNext(ctx)
		if err != nil {
			return err
		}
		if at.Sequence = info.State.LastSeq; next > 0 {
			at.Sequence = next - 1
		}
		passed = at.Stored
	} else if info.State.FirstSeq > 0 {
		at.Sequence = info.State.FirstSeq - 1
	}
	r.at, r.since, r.passed = at, false, passed
	if r.opts.Anew != nil {
		r.opts.Anew(at.Sequence)
	}
	return nil
}

// storedNext is the sequence of the first event that was stored later than what was read last; 0
// when there is none, or when it is not known when that was. It is found with a consumer, as the
// events are read, since some users are allowed nothing else.
func (r *Reader) storedNext(ctx context.Context) (uint64, error) {
	if r.at.Sequence == 0 || r.at.Stored.IsZero() {
		return 0, nil
	}
	later := r.at.Stored.Add(time.Nanosecond)
	config := r.config()
	config.DeliverPolicy, config.OptStartTime = jetstream.DeliverByStartTimePolicy, &later
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	consumer, err := r.js.CreateConsumer(ctx, events.Stream, config)
	if err != nil {
		return 0, err
	}
	defer r.drop(ctx, consumer)
	if consumer.CachedInfo().NumPending == 0 {
		return 0, nil
	}
	next, err := consumer.Next(jetstream.FetchContext(ctx))
	if err != nil {
		return 0, err
	}
	meta, err := next.Metadata()
	if err != nil {
		return 0, err
	}
	return meta.Sequence.Stream, nil
}
