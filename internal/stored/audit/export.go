package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/evidence"
	"github.com/c4342123/rollcall/internal/stored/reading"
	"github.com/c4342123/rollcall/poller/condition"
)

// ErrNoMeeting says that nothing is stored of a meeting.
var ErrNoMeeting = errors.New("no event of the meeting is stored")

// errChanged says that events were removed while they were read.
var errChanged = errors.New("events were removed while they were read: try again")

// Export says what [Export.Write] writes.
type Export struct {
	JetStream jetstream.JetStream
	// Meeting is the only meeting; empty stands for all of which something is stored.
	Meeting string
	// Since leaves out meetings of which nothing happened then or later.
	Since time.Time
	// Patience is how long an interruption may last.
	Patience time.Duration
	// Reporter is told of interruptions; it may be nil.
	Reporter condition.Reporter
	// Step is called for each event that is written, with how many are waiting; it may be nil.
	Step func(waiting uint64)
}

// Written is what was written.
type Written struct {
	Meetings, Events int
	// Log is how many leaves the log has that is proven.
	Log int64
}

// counted is a meeting, and how many of its events are stored on which subjects.
type counted struct {
	id     string
	events int
	erased bool // some were erased, which events tell
}

// Write writes evidence, a line at a time, of what is stored now. It returns [ErrNoMeeting] when the
// meeting is not there.
func (x Export) Write(ctx context.Context, out io.Writer) (Written, error) {
	note, err := Checkpoint(ctx, x.JetStream)
	if err != nil {
		return Written{}, err
	}
	var signed evidence.Checkpoint
	if note != nil {
		if signed, err = evidence.ParseCheckpoint(note); err != nil {
			return Written{}, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	leaves, err := x.leaves(ctx, signed.Size)
	if err != nil {
		return Written{}, err
	}
	meetings, err := x.meetings(ctx)
	if err != nil {
		return Written{}, err
	}
	if len(meetings) == 0 && x.Meeting != "" {
		return Written{}, fmt.Errorf("%w: %s", ErrNoMeeting, x.Meeting)
	}
	header := evidence.Header{Origin: signed.Origin, Size: signed.Size}
	waiting := 0
	for _, m := range meetings {
		header.Meetings = append(header.Meetings, evidence.HeaderMeeting{ConferenceID: m.id, Events: m.events})
		waiting += m.events
	}
	if header.Origin == "" {
		if header.Origin, err = x.origin(ctx, meetings); err != nil {
			return Written{}, err
		}
	}
	w, err := evidence.NewWriter(out, header, evidence.NewLeaves(leaves))
	if err != nil {
		return Written{}, err
	}
	written := Written{Meetings: len(meetings), Log: signed.Size}
	for _, m := range meetings {
		err := x.meeting(ctx, w, m, func() {
			written.Events++
			if x.Step != nil {
				x.Step(uint64(waiting - written.Events))
			}
		})
		if err != nil {
			return written, fmt.Errorf("meeting %s: %w", m.id, err)
		}
	}
	return written, w.Close(note)
}

func (x Export) leaves(ctx context.Context, size int64) ([]evidence.Hash, error) {
	if size == 0 {
		return nil, nil
	}
	return Leaves(ctx, x.JetStream, size)
}

// meetings are those to be written, in the order of their ids.
func (x Export) meetings(ctx context.Context) ([]counted, error) {
	wanted, err := x.wanted(ctx)
	if err != nil {
		return nil, err
	}
	stream, err := x.JetStream.Stream(ctx, events.Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, reading.ErrNoStream
	}
	if err != nil {
		return nil, err
	}
	filter := events.ByMeetings
	if x.Meeting != "" {
		filter = events.OfMeeting(x.Meeting)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return nil, fmt.Errorf("count the events: %w", err)
	}
	found := map[string]*counted{}
	for subject, n := range info.State.Subjects {
		id := events.MeetingOf(subject)
		if id == "" || wanted != nil && !wanted[id] {
			continue
		}
		if found[id] == nil {
			found[id] = &counted{id: id}
		}
		found[id].events += int(n)
		found[id].erased = found[id].erased || events.TypeOf(subject) == events.PersonErased
	}
	var out []counted
	for _, id := range slices.Sorted(maps.Keys(found)) {
		out = append(out, *found[id])
	}
	return out, nil
}

// wanted are the meetings of which something has happened; nil stands for all.
func (x Export) wanted(ctx context.Context) (map[string]bool, error) {
	if x.Since.IsZero() {
		return nil, nil
	}
	picked := reading.Selection{Since: x.Since}
	wanted := map[string]bool{}
	err := x.read(ctx, reading.Options{Since: picked.StoredSince()}, func(m reading.Message) error {
		if picks, err := picked.Picks(m.Data); err == nil && picks && m.Meeting != "" {
			wanted[m.Meeting] = true
		}
		return nil
	})
	return wanted, err
}

func (x Export) read(ctx context.Context, opts reading.Options, handle func(reading.Message) error) error {
	opts.Patience, opts.Reporter = x.Patience, x.Reporter
	r, err := reading.Open(ctx, x.JetStream, opts)
	if err != nil {
		return err
	}
	if err := r.Run(ctx, handle); err != nil {
		return err
	}
	return ctx.Err()
}

var errEnough = errors.New("enough")

// origin is that of the log which the events of the meetings would be in.
func (x Export) origin(ctx context.Context, meetings []counted) (string, error) {
	var source string
	for _, m := range meetings {
		err := x.read(ctx, reading.Options{Subjects: reading.Subjects(m.id)}, func(m reading.Message) error {
			e, err := events.Decode(m.Data)
			if err == nil {
				source, err = e.Source, errEnough
			}
			return err
		})
		if err != nil && !errors.Is(err, errEnough) && !errors.Is(err, events.ErrNotRollcall) {
			return "", err
		}
		if source != "" {
			break
		}
	}
	return evidence.Origin(events.CorpIDOf(source)), nil
}

// meeting writes the events of a meeting, as many as were counted.
func (x Export) meeting(ctx context.Context, w *evidence.Writer, c counted, step func()) error {
	var told [][]byte
	if c.erased {
		err := x.read(ctx, reading.Options{Subjects: reading.Subjects(c.id, events.PersonErased)}, func(m reading.Message) error {
			told = append(told, m.Data)
			return nil
		})
		if err != nil {
			return err
		}
	}
	w.Meeting(told...)
	left := c.events
	err := x.read(ctx, reading.Options{Subjects: reading.Subjects(c.id)}, func(m reading.Message) error {
		if left == 0 {
			return errEnough // it came since
		}
		if err := w.Event(m.Data); err != nil {
			return fmt.Errorf("message %d of the stream: %w", m.Sequence, err)
		}
		left--
		step()
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err == nil && left > 0 {
		err = errChanged
	}
	return err
}
