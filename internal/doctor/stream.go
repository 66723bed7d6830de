package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/privacy"
	"github.com/c4342123/rollcall/publisher"
)

// stream examines the stream, if there is one yet, and others in its way.
func (s *store) stream(ctx context.Context) Finding {
	if s.conn == nil {
		return skipped(s.why)
	}
	if !s.asked("STREAM.INFO." + events.Stream) {
		return skipped("it cannot be looked at without permission")
	}
	found, err := publisher.Inspect(ctx, s.conn, replicas(s.opts.Settings))
	s.wants = len(found.Changes) > 0 || !found.Exists
	switch {
	case errors.Is(err, publisher.ErrServerTooOld):
		return failed(err, updateServers)
	case errors.Is(err, publisher.ErrStreamConfig):
		return failed(err, "somebody made this stream otherwise: move its messages elsewhere and remove it, Rollcall makes its own")
	case err != nil:
		return failed(err, "check the server's log, and that its JetStream has a leader")
	}
	if f, found := s.toldOtherwise(ctx); found {
		return f
	}
	if f, found := s.inTheWay(ctx); found {
		return f
	}
	if f, is := s.troubled(found); is {
		return f
	}
	switch {
	case len(found.Warnings) > 0:
		return note(strings.Join(append(found.Warnings, found.Changes...), "; "), updateServers)
	case !found.Exists:
		return ok("there is none yet; the service makes it when it starts")
	case len(found.Changes) > 0:
		return note("the service will change it: "+strings.Join(found.Changes, "; "), "")
	default:
		return ok(fmt.Sprintf("%d messages, %d replicas", found.Messages, found.Replicas))
	}
}

// toldOtherwise is about a stream whose events tell of people in another way than the settings say,
// or by another key.
func (s *store) toldOtherwise(ctx context.Context) (Finding, bool) {
	way, err := privacy.Of(s.opts.Settings.Events)
	if err == nil {
		err = publisher.CheckPrivacy(ctx, s.conn, way)
	}
	if refused := privacy.Refused(err); refused != nil {
		return failed(refused, "set --privacy and --privacy-key as before, with 32 bytes where there is none before"), true
	}
	return Finding{}, false // what else may be wrong the other checks say
}

// troubled is about a stream that exists and cannot go on as it is.
func (s *store) troubled(found publisher.Inspection) (Finding, bool) {
	if !found.Exists {
		return Finding{}, false
	}
	if len(found.Changes) > 0 && !s.may(toChange) {
		return failed(errors.New("the service would change it and may not: "+strings.Join(found.Changes, "; ")),
			"in this user's permissions: "+allowPublish(jsAPI+"STREAM.UPDATE."+events.Stream)), true
	}
	if found.Leaderless {
		return failed(errors.New("no server leads it: most of those that keep it are away"), "start the servers that keep it again"), true
	}
	if most := found.MaxConsumers; most > 0 && most < consumersNeeded {
		return failed(fmt.Errorf("it allows %d consumers; each replica needs %d", most, consumersNeeded),
			fmt.Sprintf("nats stream edit %s --max-consumers=-1", events.Stream)), true
	}
	for _, full := range []struct {
		what       string
		used, most uint64
		unit       string
	}{
		{"the stream (max_bytes)", found.Bytes, uint64(max(found.MaxBytes, 0)), "bytes"},
		{"the stream (max_msgs)", found.Messages, uint64(max(found.MaxMessages, 0)), "messages"},
	} {
		if f, is := filling(full.what, full.used, full.most, full.unit); is {
			return f, true
		}
	}
	if len(found.Away) > 0 {
		return note("servers that keep it are away or behind: "+strings.Join(found.Away, ", "),
			"start them again; while more than half are away nothing can be stored"), true
	}
	return Finding{}, false
}

// inTheWay is about streams of other programs on the same subjects.
func (s *store) inTheWay(ctx context.Context) (Finding, bool) {
	if !s.asked("STREAM.NAMES") {
		return Finding{}, false // which the permissions' finding says
	}
	js, err := jetstream.New(s.conn)
	if err != nil {
		return failed(err, ""), true
	}
	for _, c := range s.claims() {
		others, err := others(ctx, js, c.subject, c.stream)
		if err != nil {
			return failed(fmt.Errorf("list the streams on %s: %w", c.subject, err), "check the server's log"), true
		}
		if len(others) > 0 && !s.exists(c.stream) {
			return failed(fmt.Errorf("stream %s takes %s, which the service needs for its stream %s", strings.Join(others, ", "), c.subject, c.stream),
				"have it leave these subjects to Rollcall, or give Rollcall an account of its own"), true
		}
	}
	copies, err := others(ctx, js, republished, events.Stream)
	if err != nil || len(copies) == 0 {
		return Finding{}, false
	}
	return note(fmt.Sprintf("stream %s takes %s and stays empty: what is republished goes to subscribers, and not into streams",
		strings.Join(copies, ", "), republished), "to keep a copy, source stream "+events.Stream+" in place of the subjects"), true
}

// republished is the wildcard of what subscribers get.
const republished = "conference.>"

// claim is what a stream takes.
type claim struct{ stream, subject string }

// claims are the subjects that serve's streams take.
func (s *store) claims() []claim {
	out := []claim{{events.Stream, publisher.Ingest}}
	for _, b := range buckets(s.opts.Settings) {
		out = append(out, claim{kv(b), "$KV." + b + ".>"})
	}
	return out
}

// others are the streams on subjects, but for the one whose they are.
func others(ctx context.Context, js jetstream.JetStream, subject, owner string) ([]string, error) {
	list := js.StreamNames(ctx, jetstream.WithStreamListSubject(subject))
	var out []string
	for name := range list.Name() {
		if name != owner {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	if err := list.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return nil, err
	}
	return out, nil
}

// storing tries, on a stream of its own, whether what the service has to make or change can be; of
// a stream that is as it has to be it reads by a consumer.
func (s *store) storing(ctx context.Context) Finding {
	if s.conn == nil {
		return skipped(s.why)
	}
	if !s.may(toServe) {
		return skipped("not without the permissions above")
	}
	complete := true
	for _, name := range streams(s.opts.Settings) {
		complete = complete && s.exists(name)
	}
	if complete && !s.wants {
		return s.working(ctx)
	}
	if less := s.refused(toTry); len(less) > 0 {
		return skipped(fmt.Sprintf("not tried, as this user may not make the stream %s for a moment", publisher.TrialStream))
	}
	err := publisher.Try(ctx, s.conn, replicas(s.opts.Settings), consumersNeeded)
	switch {
	case errors.Is(err, publisher.ErrTrialForeign):
		return note(err.Error()+": nothing was tried", "rename that stream, to have the server tried")
	case err != nil:
		return failed(err, s.mend(err))
	}
	return ok(fmt.Sprintf("tried as stream %s with %d replicas, which is removed again", publisher.TrialStream, replicas(s.opts.Settings)))
}

// working tries streams that are as they have to be: by a consumer, and whether the server has
// room, which shows only when something is stored. What else it refuses to the trial's own stream
// does not concern them.
func (s *store) working(ctx context.Context) Finding {
	if s.exists(publisher.TrialStream) && s.may(toTry) { // another doctor was killed
		if err := publisher.ClearTrial(ctx, s.conn); err != nil && !errors.Is(err, publisher.ErrTrialForeign) {
			return failed(err, "nats stream rm "+publisher.TrialStream)
		}
	}
	if err := publisher.TryReading(ctx, s.conn); err != nil {
		return failed(err, s.mend(err))
	}
	if !s.may(toTry) {
		return ok("the stream can be read; whether there is room was not tried")
	}
	err := publisher.Try(ctx, s.conn, replicas(s.opts.Settings), 1)
	switch {
	case noRoom(err):
		return failed(err, s.mend(err))
	case err != nil:
		return ok("the stream can be read; whether there is room could not be tried")
	}
	return ok("the stream can be read, and there is room")
}
