package forget

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/publisher"
)

const (
	// patience is how long an interruption may last while everything is read.
	patience = 10 * time.Second
	// atOnce is how many events of a meeting are erased by one commit: an event that says which has to
	// fit into a message.
	atOnce = 2000
	// maxRounds is how often a meeting is gone through until nobody is named any more.
	maxRounds = 200
	// conflictPause stands between two attempts to commit when another writer was first.
	conflictPause = 20 * time.Millisecond
)

// Request is an order to erase somebody.
type Request struct {
	Wanted
	Reason, By string
	// Notice is for how long those who keep what they read are told whom to forget; 0 for not at all.
	Notice time.Duration
	// DryRun says to count what would be erased, and to change nothing.
	DryRun bool
}

// Answer is what was erased.
type Answer struct {
	Meetings int `json:"meetings"`
	Events   int `json:"events"`
	// Waiting are the meetings that are watched, where it is done once they are over.
	Waiting []string `json:"waiting"`
	// Unreachable is what may still name the person, and cannot be reached from here.
	Unreachable []string `json:"unreachable"`
}

// Nothing is the answer where nobody is stored.
func Nothing() Answer { return Answer{Waiting: []string{}, Unreachable: []string{}} }

// Eraser erases. It is safe for concurrent use.
type Eraser struct {
	Publisher *publisher.Publisher
	JetStream jetstream.JetStream
	// Foreign says that the NATS server is not the product's own.
	Foreign bool
	// Progress is told of how many meetings were gone through; it may be nil.
	Progress func(meetings, of int)
	// Rest waits after a message was overwritten, for which the server needed so long; as long as
	// that when nil.
	Rest publisher.Rest
	// Now is the clock; that of this machine when nil.
	Now func() time.Time
}

func (x *Eraser) now() time.Time {
	if x.Now == nil {
		return time.Now()
	}
	return x.Now()
}

// rest leaves the publishers half of the time.
func (x *Eraser) rest(ctx context.Context, took time.Duration) error {
	if x.Rest != nil {
		return x.Rest(ctx, took)
	}
	if !pause.For(ctx, took) {
		return context.Cause(ctx)
	}
	return nil
}

// Erase erases somebody from all meetings that are over, and sees to it that they are erased from
// the others once these are. It can be killed at any moment: [Eraser.Resume] goes on. What was
// erased before is not counted again.
func (x *Eraser) Erase(ctx context.Context, req Request) (Answer, error) {
	out := Nothing()
	if !req.DryRun { // what is erased already would be found again
		if err := x.overwrite(ctx); err != nil {
			return out, fmt.Errorf("erase: %w", err)
		}
	}
	all, err := req.look(ctx, x.JetStream, x.Publisher.All(ctx), false)
	if err != nil {
		return out, fmt.Errorf("erase: what is stored: %w", err)
	}
	if len(all) == 0 {
		return out, nil
	}
	if req.DryRun {
		out.expect(all)
	} else if err := x.run(ctx, req, all, &out); err != nil {
		return out, fmt.Errorf("erase: %w", err)
	}
	out.Unreachable = append(x.unreachable(ctx, all.plain()), out.Unreachable...)
	return out, nil
}

// expect counts what would be erased.
func (a *Answer) expect(found all) {
	for _, id := range found.meetings() {
		switch f := found[id]; {
		case f.watched:
			a.Waiting = append(a.Waiting, id)
		default:
			a.Meetings++
			a.Events += max(f.events, len(f.byType))
		}
	}
}

// run places the orders that are needed, and follows them. What a person is not stored as is not
// stored with an order either: beside a pseudonym the unionId would say whose it is.
func (x *Eraser) run(ctx context.Context, req Request, found all, out *Answer) error {
	placed, err := x.Publisher.Orders(ctx)
	if err != nil {
		return err
	}
	for _, who := range req.who() {
		if len(found.naming(who)) == 0 {
			continue
		}
		order, err := x.order(ctx, req, who, found, placed)
		if err != nil {
			return err
		}
		got, err := x.follow(ctx, order)
		out.Meetings, out.Events = out.Meetings+got.Meetings, out.Events+got.Events
		out.Waiting = append(out.Waiting, got.Waiting...)
		out.Unreachable = append(out.Unreachable, got.Unreachable...)
		if err != nil {
			return err
		}
	}
	slices.Sort(out.Waiting)
	out.Waiting = slices.Compact(out.Waiting)
	return nil
}

// order is the one that stands already for the same meetings, or else a new one.
func (x *Eraser) order(ctx context.Context, req Request, who diff.Who, found all, placed []publisher.Order) (publisher.Order, error) {
	meetings := found.naming(who)
	for _, o := range placed {
		if o.UnionID == who.UnionID && o.Nick == who.Nick && !slices.ContainsFunc(meetings, func(id string) bool { return !slices.Contains(o.Meetings, id) }) {
			return o, nil
		}
	}
	o := publisher.Order{
		UnionID: who.UnionID, Nick: who.Nick, Reason: req.Reason, By: req.By, At: x.now(), Notice: req.Notice, Meetings: meetings,
	}
	for _, id := range meetings {
		o.Loose = append(o.Loose, found[id].loose()...)
	}
	return x.Publisher.PlaceOrder(ctx, o)
}

// follow does what an order says as far as that can be done now.
func (x *Eraser) follow(ctx context.Context, o publisher.Order) (Answer, error) {
	var out Answer
	called := names{}
	called.add(cmp.Or(o.UnionID, o.Nick))
	at, err := x.Publisher.PlaceOf(ctx, o)
	if err != nil {
		return out, err
	}
	waiting := at.Waiting
	at.Waiting = nil
	for _, id := range waiting {
		if _, err := x.step(ctx, o, id, &at, &out, called); err != nil {
			return out, err
		}
	}
	for at.Next < len(o.Meetings) {
		count, err := x.step(ctx, o, o.Meetings[at.Next], &at, &out, called)
		if err != nil {
			return out, err
		}
		if at.Next++; count > 0 {
			if at, err = x.Publisher.Advance(ctx, o, at); err != nil {
				return out, err
			}
		}
		if x.Progress != nil {
			x.Progress(at.Next, len(o.Meetings))
		}
	}
	out.Waiting = at.Waiting
	for _, sequence := range o.Loose {
		if err := x.Publisher.OverwriteIf(ctx, sequence, named(diff.Who{UnionID: o.UnionID, Nick: o.Nick}), x.rest); err != nil {
			return out, err
		}
	}
	if out.Events > 0 || len(at.Waiting) == 0 {
		if err := x.clearRobots(ctx, called); err != nil {
			out.Unreachable = append(out.Unreachable, robots) // this user may not, as a rule
		}
	}
	if len(at.Waiting) > 0 {
		_, err = x.Publisher.Advance(ctx, o, at)
		return out, err
	}
	return out, x.Publisher.EndOrder(ctx, o)
}

// step erases somebody from one meeting, and notes how that went.
func (x *Eraser) step(ctx context.Context, o publisher.Order, id string, at *publisher.Place, out *Answer, called names) (int, error) {
	count, waits, err := x.inMeeting(ctx, o, id, called)
	if out.Events += count; count > 0 {
		out.Meetings++
	}
	if waits {
		at.Waiting = append(at.Waiting, id)
	}
	return count, err
}

// inMeeting erases somebody from one meeting, and tells how many events that took. A meeting that is
// watched has to wait.
func (x *Eraser) inMeeting(ctx context.Context, o publisher.Order, id string, called names) (count int, waits bool, err error) {
	for range maxRounds {
		if err := x.Publisher.Overwrite(ctx, id, x.rest); err != nil {
			return count, false, err
		}
		rec, err := x.Publisher.Load(ctx, id)
		switch {
		case errors.Is(err, diff.ErrCorruptState), errors.Is(err, diff.ErrNewerVersion):
			return count, false, fmt.Errorf("meeting %s: %w", id, err)
		case err != nil:
			return count, false, err
		case rec.State.Phase == diff.Expired:
			return count, false, nil
		case rec.State.IsWatched():
			return count, true, nil
		}
		// Somebody else may have declared the same since: what they declared is stored until it is
		// overwritten. Whoever comes later finds another state.
		if due, err := x.Publisher.IsDue(ctx, id); err != nil || due {
			if err != nil {
				return count, false, err
			}
			continue
		}
		n, err := x.commit(ctx, o, rec, called)
		switch {
		case errors.Is(err, publisher.ErrConflict), errors.Is(err, publisher.ErrUnknownOutcome):
			if !pause.For(ctx, conflictPause) {
				return count, false, context.Cause(ctx)
			}
		case errors.Is(err, errNothing):
			return count, false, nil
		case err != nil:
			return count, false, err
		}
		count += n
	}
	return count, false, fmt.Errorf("meeting %s: what was erased is stored still, or somebody else writes all the time", id)
}

// named tells whether a payload is an event that names somebody.
func named(who diff.Who) func([]byte) bool {
	return func(payload []byte) bool {
		e, err := events.Decode(payload)
		return err == nil && who.Is(&e)
	}
}

// errNothing says that nothing names somebody in a meeting.
var errNothing = errors.New("nobody to forget")

// commit declares what of a meeting is erased, and returns how many events that are.
func (x *Eraser) commit(ctx context.Context, o publisher.Order, rec diff.Record, called names) (int, error) {
	who, now := diff.Who{UnionID: o.UnionID, Nick: o.Nick}, x.now()
	want := diff.Forget{Who: who, Reason: o.Reason, By: o.By, At: o.At.UnixMilli(), Now: now.UnixMilli()}
	type piece struct {
		at      publisher.Placed
		payload []byte
	}
	var pieces []piece
	notices := map[string]*publisher.Notice{}
	err := x.Publisher.EventsOf(ctx, rec.State.ConferenceID, func(e events.Event, payload []byte, at publisher.Placed) {
		if !who.Is(&e) || len(pieces) == atOnce {
			return
		}
		pieces = append(pieces, piece{at, payload})
		if e.Member != nil {
			called.add(e.Member.UserNick)
		} else {
			called.add(e.Meeting.CreatorNick)
		}
		want.About = want.About || e.Meeting != nil
		hole := events.Hole{Sequence: e.Sequence, Previous: e.Previous}
		if e.Previous != "" {
			hole.Hash = events.HashOf(payload).String()
		}
		want.Holes = append(want.Holes, hole)
		subject := cmp.Or(e.Subject, o.UnionID)
		if notices[subject] == nil {
			notices[subject] = &publisher.Notice{Subject: subject, UnionID: o.UnionID, Until: now.Add(o.Notice)}
		}
		notices[subject].IDs = append(notices[subject].IDs, e.ID)
	})
	if err != nil {
		return 0, err
	}
	if len(pieces) == 0 && !rec.State.Names(who) {
		return 0, errNothing
	}
	var due []publisher.Placed
	for _, p := range pieces {
		// The copy by type first: it is found by the other one.
		other, ok, err := x.Publisher.CopyOf(ctx, p.at, p.payload)
		if err != nil {
			return 0, err
		}
		if ok {
			due = append(due, other)
		}
		due = append(due, p.at)
	}
	var told []publisher.Notice
	if o.Notice > 0 {
		for _, n := range notices {
			told = append(told, *n)
		}
	}
	_, err = x.Publisher.Forget(ctx, rec, want, due, told...)
	if err != nil {
		return 0, err
	}
	return len(pieces), nil
}

// overwrite overwrites what was declared to be erased.
func (x *Eraser) overwrite(ctx context.Context) error {
	meetings, err := x.Publisher.Due(ctx)
	if err != nil {
		return err
	}
	for _, id := range meetings {
		if err := x.Publisher.Overwrite(ctx, id, x.rest); err != nil {
			return err
		}
	}
	return nil
}

// Resume goes on with what was begun, by whomever, and with the orders whose meetings are over by
// now, and overwrites the notices whose time is over.
func (x *Eraser) Resume(ctx context.Context) (Answer, error) {
	var out Answer
	if err := x.overwrite(ctx); err != nil {
		return out, fmt.Errorf("erase: %w", err)
	}
	orders, err := x.Publisher.Orders(ctx)
	if err != nil {
		return out, fmt.Errorf("erase: %w", err)
	}
	for _, o := range orders {
		got, err := x.follow(ctx, o)
		out.Meetings, out.Events = out.Meetings+got.Meetings, out.Events+got.Events
		out.Waiting = append(out.Waiting, got.Waiting...)
		if err != nil {
			return out, fmt.Errorf("erase: %w", err)
		}
	}
	if _, err := x.Publisher.OverwriteNotices(ctx, x.now(), x.rest); err != nil {
		return out, fmt.Errorf("erase: %w", err)
	}
	return out, nil
}
