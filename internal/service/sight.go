package service

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/internal/dingtalk/discovery"
	"github.com/c4342123/rollcall/internal/fleet/budget"
	"github.com/c4342123/rollcall/poller"
)

const (
	// blindAfter is how many office hours nobody may look for live meetings without that being told.
	blindAfter = time.Hour
	// othersFirst is how much longer a replica that does not know why waits for one that does.
	othersFirst = 5 * time.Minute
	// sightEvery is how often it is looked whether somebody did.
	sightEvery = time.Minute
)

// sightTeller stores whether the live meetings are looked for; a [publisher.Publisher] is one.
type sightTeller interface {
	TellBlind(ctx context.Context, from int64, reason string) (bool, error)
	TellSeeing(ctx context.Context, to int64) (bool, error)
}

// sight tells when nobody, of all replicas, looks for live meetings, and when somebody does again. It is the
// [discovery.Lister] by which they are.
type sight struct {
	discovery.Lister
	known  *budget.Sight
	tell   sightTeller
	month  func() error // why no call is made now; nil if calls are
	rests  func() bool  // the month's calls allow no list now
	began  time.Time
	report func(error)

	mu      sync.Mutex
	failure error // of the last list; nil when it was read, or none was tried yet
	seeing  bool  // it is known to be told, if it was blind
}

// OngoingMeetings implements [discovery.Lister].
func (s *sight) OngoingMeetings(ctx context.Context) (api.Ongoing, error) {
	list, err := s.Lister.OngoingMeetings(ctx)
	s.mu.Lock()
	s.failure = err
	s.mu.Unlock()
	if err == nil {
		s.report(s.saw(ctx))
	}
	return list, err
}

// saw takes note that the meetings were listed. What nobody noticed before is told first.
func (s *sight) saw(ctx context.Context) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	if err := s.known.Saw(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	told := s.seeing
	s.mu.Unlock()
	if told {
		return nil
	}
	_, err := s.tell.TellSeeing(ctx, time.Now().UnixMilli())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seeing = err == nil
	return err
}

// run checks whether the meetings are listed, until ctx ends.
func (s *sight) run(ctx context.Context) {
	pause.Every(ctx, sightEvery, nil, func() {
		if err := s.look(ctx); ctx.Err() == nil {
			s.report(err)
		}
	})
}

// look tells that nobody has looked for too long, if so.
func (s *sight) look(ctx context.Context) error {
	last, office, err := s.known.Unseen(ctx)
	if err != nil || last.IsZero() || office <= blindAfter {
		return err
	}
	reason := s.reason(last, office)
	if reason == "" && office <= blindAfter+othersFirst {
		return nil
	}
	s.mu.Lock()
	s.seeing = false
	s.mu.Unlock()
	_, err = s.tell.TellBlind(ctx, last.UnixMilli(), cmp.Or(reason, events.SightUnavailable))
	return err
}

// reason is why nobody has looked since a time, so many office hours; empty where this replica does not know. Had it been too
// long already when this replica began, another one that ran would have told it: whatever hinders now, there was none.
func (s *sight) reason(last time.Time, office time.Duration) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var source *poller.SourceError
	switch {
	case office-time.Since(s.began) > blindAfter:
		return events.SightDown
	case s.month() != nil:
		return events.SightQuotaExhausted
	case s.rests() || errors.Is(s.failure, budget.ErrSpent):
		return events.SightResting
	case errors.As(s.failure, &source):
		return troubleOf(source)
	case s.failure != nil:
		return events.SightUnavailable
	case s.began.Sub(last) > blindAfter:
		return events.SightDown
	default:
		return ""
	}
}

// troubleOf is why DingTalk did not tell which meetings there are.
func troubleOf(err *poller.SourceError) string {
	switch err.Trouble {
	case poller.Exhausted:
		return events.SightQuotaExhausted
	case poller.Throttled:
		return events.SightThrottled
	case poller.Denied:
		return events.SightNoPermission
	default:
		return events.SightUnavailable
	}
}

// newSight lists meetings when there are calls to spare, and tells when that was not possible for too long.
func (s *service) newSight(b *parts) *sight {
	month := b.fleet.month
	return &sight{
		Lister: unhurried{s.upstream()}, known: b.fleet.sight, tell: b.store, began: time.Now(),
		month: func() error { return month.State().Err }, rests: func() bool { return month.UntilList() > 0 },
		report: func(err error) {
			if err != nil { // NATS is away, which others say
				s.log.Debug("it cannot be told whether meetings are looked for", "error", err)
			}
		},
	}
}

// resting says until when discovery rests that has so long to wait yet and last worked then, if that is longer than its
// interval; empty when it is not.
func resting(wait time.Duration, worked time.Time, interval time.Duration, now time.Time) string {
	if wait <= 0 || wait+now.Sub(worked) <= interval {
		return ""
	}
	return "rests until " + now.Add(wait).UTC().Format(time.RFC3339) + " so that the month's calls last; until then a meeting is " +
		"seen when a push tells of it or somebody asks for it"
}
