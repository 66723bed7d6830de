package doctor

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/publisher"
)

// What events of meetings cost of the month's pushes.
const (
	// statusPushes are those of a meeting's status: that it was created, and closed.
	statusPushes = 2
	// memberPushes are those of the members of a meeting of ten, 20 to 55: with invitations and
	// reconnections.
	memberPushes = 40
	// eventPushes is about how many there are for each event of a member that is stored:
	// invitations and what comes twice is not.
	eventPushes = 1.5
	// monthDays is how long a month is, and enoughDays how long meetings have to be stored to go
	// by.
	monthDays  = 30
	enoughDays = 3
)

const (
	allEvents    = "meeting_status_change and meeting_member_status_change"
	statusEvents = "meeting_status_change alone"
)

// events says which events of DingTalk to subscribe to, so that the month's pushes last: by the
// meetings that are stored, else by what meetings take as a rule.
func (s *store) events(ctx context.Context) Finding {
	older, size := false, size{}
	if s.conn != nil && s.asked("STREAM.INFO."+events.Stream) {
		js, err := jetstream.New(s.conn)
		if err != nil {
			return failed(err, "")
		}
		if older, err = publisher.Older(ctx, js); err == nil {
			size = measured(ctx, js, s.opts.Settings.Events.Retention)
		}
	}
	return subscribe(s.opts.Settings.DingTalk.Month(older).Pushes, size)
}

// size is how much is going on in an organisation: meetings a month, and their members' events. It
// is zero when that is not known.
type size struct{ meetings, members float64 }

// measured counts what is stored, nothing when that is too little.
func measured(ctx context.Context, js jetstream.JetStream, retention time.Duration) size {
	st, err := js.Stream(ctx, events.Stream)
	if err != nil {
		return size{}
	}
	info, err := st.Info(ctx, jetstream.WithSubjectFilter("conference.*.*"))
	if err != nil || info.State.FirstTime.IsZero() {
		return size{}
	}
	stored := time.Since(info.State.FirstTime)
	if retention > 0 {
		stored = min(stored, retention)
	}
	return sizeOf(info.State.Subjects, stored)
}

// sizeOf goes by how many events of each type were stored in a time.
func sizeOf(subjects map[string]uint64, stored time.Duration) size {
	days := stored.Hours() / 24
	if days < enoughDays {
		return size{}
	}
	count := func(types ...events.Type) (n float64) {
		for _, t := range types {
			n += float64(subjects[string(t)])
		}
		return n * monthDays / days
	}
	return size{count(events.MeetingStarted), count(events.Joined, events.Left, events.Kicked)}
}

// subscribe says what to subscribe to with so many pushes a month.
func subscribe(pushes int, s size) Finding {
	all, status := statusPushes*s.meetings+eventPushes*s.members, statusPushes*s.meetings
	month := fmt.Sprintf("a month as stored, %.0f meetings, takes about %.0f of %d pushes", s.meetings, math.Ceil(all), pushes)
	switch {
	case pushes == 0:
		return ok("no limit of the month's pushes: subscribe to " + allEvents)
	case s.meetings == 0:
		return ok(fmt.Sprintf("for up to about %d meetings of ten people a month subscribe to %s; for more, up to %d, to %s: the month has %d pushes",
			pushes/(statusPushes+memberPushes), allEvents, pushes/statusPushes, statusEvents, pushes))
	case all <= float64(pushes):
		return ok(month + ": subscribe to " + allEvents)
	case status <= float64(pushes):
		return ok(fmt.Sprintf("%s with the members' events, and %.0f without: subscribe to %s", month, math.Ceil(status), statusEvents))
	default:
		return note(fmt.Sprintf("%s, and %.0f with %s: pushes stop before the month ends", month, math.Ceil(status), statusEvents),
			"take an edition with more pushes, or go by polling alone")
	}
}
