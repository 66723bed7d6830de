// Package discovery finds the organisation's live meetings that nobody has asked to watch.
package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/poller"
	"github.com/c4342123/rollcall/poller/condition"
)

const (
	// Area is discovery's name where failures are reported.
	Area = "discovery"
	// maxInARow is how many meetings in a row may fail to be watched before the round is given up:
	// while nothing can be stored, each of them costs the time that storing is tried for.
	maxInARow = 3
	// maxNoted bounds the meetings that are noted although the last list lacks them: it may be
	// uncertain without end. Those beyond it end when they are asked about in their turn.
	maxNoted = 10_000
	// justBegun is how long after its start a meeting may be missing on the list.
	justBegun = time.Minute
)

// Lister lists the organisation's live meetings, and says whether those are all of them.
type Lister interface {
	OngoingMeetings(ctx context.Context) (api.Ongoing, error)
}

// Watcher watches what is found.
type Watcher interface {
	// Discover watches a meeting that was found to go on at the time listed, and tells whether that
	// is news.
	Discover(ctx context.Context, conferenceID string, d diff.Description, listed time.Time) (bool, error)
	// CheckEnd asks soon whether a meeting goes on.
	CheckEnd(conferenceID string)
}

// Options of discovery. Logger and Reporter may be nil.
type Options struct {
	Lister  Lister
	Watcher Watcher
	// Unlisted returns the meetings watched that began before a time and are not known to be over, as
	// far as they can be read: of one that no list has shown, as only pushes told of it, it is asked
	// once whether it goes on when a certain list lacks it. It may be nil.
	Unlisted func(ctx context.Context, before time.Time) ([]string, error)
	// Interval is the time between two lists.
	Interval time.Duration
	// Turn tells before each list whether it is for us to make, and not for another replica; nil
	// stands for always.
	Turn func(ctx context.Context) (bool, error)
	// Rest tells how long the next list is put off yet, beyond the interval, for the sake of those
	// who need the calls more; nil stands for never. It may change at any time, is asked again at
	// every interval, and must not wait.
	Rest     func() time.Duration
	Logger   *slog.Logger
	Reporter condition.Reporter
}

// Run lists the meetings at once and then at every interval, until ctx ends.
func Run(ctx context.Context, opts Options) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Rest == nil {
		opts.Rest = func() time.Duration { return 0 }
	}
	opts.Reporter = condition.OrNone(opts.Reporter)
	timer := time.NewTimer(0)
	defer timer.Stop()
	listed, unlisted := map[string]bool{}, map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if rest := opts.Rest(); rest > 0 {
			timer.Reset(min(rest, opts.Interval))
			continue
		}
		mine, err := opts.once(ctx, listed, unlisted)
		switch {
		case ctx.Err() != nil:
			return
		case !mine && err == nil:
			opts.forget()
		default:
			opts.report(Area, err)
		}
		timer.Reset(opts.after(err))
	}
}

// after returns how long to leave after a round.
func (o Options) after(err error) time.Duration {
	var source *poller.SourceError
	switch {
	case errors.Is(err, poller.ErrNotReady):
		return min(o.Interval, time.Second)
	case errors.As(err, &source):
		return max(o.Interval, source.Wait)
	default:
		return o.Interval
	}
}

// once lists the meetings and watches those that go on. A meeting that cannot be watched does not
// keep the others from being watched, unless several in a row cannot: then the trouble is not
// theirs.
//
// A meeting that was listed and no longer is has ended, perhaps: that is asked about. listed is the
// last list, and becomes this one, and unlisted those of which it was asked as none has shown them.
// mine tells whether the list was for us to make.
func (o Options) once(ctx context.Context, listed, unlisted map[string]bool) (mine bool, err error) {
	if o.Turn != nil {
		if mine, err := o.Turn(ctx); err != nil || !mine {
			return mine, err
		}
	}
	began := time.Now()
	list, err := o.Lister.OngoingMeetings(ctx)
	if err != nil {
		return true, err
	}
	o.checkVanished(listed, list)
	var failed error
	if o.Unlisted != nil && list.Certain {
		var watched []string
		watched, failed = o.Unlisted(ctx, began.Add(-justBegun))
		o.checkUnlisted(unlisted, listed, watched)
	}
	inARow := 0
	for _, m := range list.Meetings {
		if m.Ended {
			continue
		}
		switch err := o.watch(ctx, m, began); {
		case err == nil:
			inARow = 0
		case inARow == maxInARow-1:
			return true, err
		default:
			inARow++
			failed = err
		}
	}
	return true, failed
}

// checkVanished asks about the meetings that are listed no more, and takes note of those that are.
// What an uncertain list lacks stays noted: it is asked about when a certain list lacks it too, or
// any says that it is over.
func (o Options) checkVanished(listed map[string]bool, list api.Ongoing) {
	now, over := make(map[string]bool, len(list.Meetings)), map[string]bool{}
	for _, m := range list.Meetings {
		if m.Ended {
			over[m.ConferenceID] = true
		} else {
			now[m.ConferenceID] = true
		}
	}
	for id := range listed {
		switch {
		case now[id]:
		case list.Certain || over[id]:
			o.Watcher.CheckEnd(id)
		case len(now) < maxNoted:
			now[id] = true
		}
	}
	clear(listed)
	maps.Copy(listed, now)
}

// checkUnlisted asks about those of the meetings watched that are not listed, once.
func (o Options) checkUnlisted(asked, listed map[string]bool, watched []string) {
	now := map[string]bool{}
	for _, id := range watched {
		if listed[id] {
			continue
		}
		if !asked[id] {
			o.Watcher.CheckEnd(id)
		}
		now[id] = true
	}
	clear(asked)
	maps.Copy(asked, now)
}

// watch watches one meeting, if it can be. The list that it was found in was asked for at the time
// listed.
func (o Options) watch(ctx context.Context, m api.OngoingMeeting, listed time.Time) error {
	if err := events.CheckConferenceID(m.ConferenceID); err != nil {
		o.report(fmt.Sprintf("%s of a meeting: %q", Area, m.ConferenceID), err)
		return nil
	}
	created, err := o.Watcher.Discover(ctx, m.ConferenceID, diff.Description{
		Title: m.Title, CreatorID: m.CreatorID, CreatorNick: m.CreatorNick, StartTime: m.StartTime,
	}, listed)
	if created {
		o.Logger.Debug("the organisation's list shows another meeting", "meeting", m.ConferenceID)
	}
	return err
}

// report passes on how something went; a nil error says that it went well.
func (o Options) report(what string, err error) {
	switch {
	case err == nil:
		o.Reporter.OK(what)
	default:
		o.Reporter.Failed(what, err)
	}
}

// forget says that whether it goes well is for another replica to say.
func (o Options) forget() {
	condition.Forget(o.Reporter, Area)
}
