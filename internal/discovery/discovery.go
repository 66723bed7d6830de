// Package discovery finds the organisation's live meetings that nobody has asked to watch.
package discovery

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/dingtalk"
	"github.com/c4342123/rollcall/poller"
)

// what is discovery's name where failures are reported.
const what = "discovery"

// Lister lists the organisation's live meetings: all of them or an error.
type Lister interface {
	OngoingMeetings(ctx context.Context) ([]dingtalk.OngoingMeeting, error)
}

// Watcher watches what is found, and tells whether that is news.
type Watcher interface {
	Discover(ctx context.Context, conferenceID, title string) (bool, error)
}

// Options of discovery. Logger and Reporter may be nil.
type Options struct {
	Lister  Lister
	Watcher Watcher
	// Interval is the time between two lists.
	Interval time.Duration
	Logger   *slog.Logger
	Reporter poller.Reporter
}

// Run lists the meetings at once and then at every interval, until ctx ends.
func Run(ctx context.Context, opts Options) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		err := opts.once(ctx)
		if ctx.Err() != nil {
			return
		}
		timer.Reset(opts.after(err))
	}
}

// after reports how a round went and returns how long to leave before the next.
func (o Options) after(err error) time.Duration {
	if err == nil {
		if o.Reporter != nil {
			o.Reporter.OK(what)
		}
		return o.Interval
	}
	if o.Reporter != nil {
		o.Reporter.Failed(what, err)
	}
	if errors.Is(err, poller.ErrNotReady) {
		return min(o.Interval, time.Second)
	}
	var source *poller.SourceError
	if errors.As(err, &source) {
		return max(o.Interval, source.Wait)
	}
	return o.Interval
}

// once lists the meetings and watches those that go on. A meeting that cannot be watched does not keep the others from
// being watched.
func (o Options) once(ctx context.Context) error {
	meetings, err := o.Lister.OngoingMeetings(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, m := range meetings {
		if m.Ended {
			continue
		}
		created, err := o.Watcher.Discover(ctx, m.ConferenceID, m.Title)
		switch {
		case errors.Is(err, events.ErrConferenceID):
			o.Logger.Warn("a meeting cannot be watched", "error", err)
		case err != nil:
			failed = err
		case created:
			o.Logger.Info("found a meeting", "meeting", m.ConferenceID)
		}
	}
	return failed
}
