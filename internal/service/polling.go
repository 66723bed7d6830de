package service

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/c4342123/rollcall/internal/base/version"
	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/internal/dingtalk/discovery"
	"github.com/c4342123/rollcall/internal/dingtalk/pseudonym"
	"github.com/c4342123/rollcall/internal/fleet/budget"
	"github.com/c4342123/rollcall/internal/fleet/turns"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/privacy"
	"github.com/c4342123/rollcall/poller"
	"github.com/c4342123/rollcall/poller/condition"
	"github.com/c4342123/rollcall/publisher"
)

// upstream is where meetings are read and found: DingTalk, or what privacy leaves of it.
type upstream interface {
	poller.Source
	discovery.Lister
}

func (s *service) upstream() upstream {
	if p := s.pseudonyms(); p != nil {
		return p
	}
	return s.source
}

// pseudonyms gives everybody a pseudonym; nil when people are to be shown as they are.
func (s *service) pseudonyms() *pseudonym.Source {
	if e := s.opts.Settings.Events; e.Pseudonyms() {
		return pseudonym.NewSource(s.source, pseudonym.Options{Key: e.PrivacyKey.Reveal(), Titles: e.TitlesShown()})
	}
	return nil
}

// untilStop passes reports on until its context has ended: what fails then fails because of that,
// and is not reported.
type untilStop struct {
	ctx context.Context
	condition.Reporter
}

// Failed implements [condition.Reporter].
func (r untilStop) Failed(what string, err error) {
	if r.ctx.Err() == nil {
		r.Reporter.Failed(what, err)
	}
}

// Forget implements [condition.Forgetter].
func (r untilStop) Forget(what string) { condition.Forget(r.Reporter, what) }

// explained adds to reports of failures what NATS has refused, as the caller only learns that no
// answer came.
type explained struct {
	refusals *conn.Refusals
	condition.Reporter
}

// Failed implements [condition.Reporter].
func (r explained) Failed(what string, err error) { r.Reporter.Failed(what, r.refusals.Explain(err)) }

// Forget implements [condition.Forgetter].
func (r explained) Forget(what string) { condition.Forget(r.Reporter, what) }

func (s *service) newPoller(ctx context.Context, store poller.Store, f *fleet) (*poller.Poller, error) {
	polling := s.opts.Settings.Polling
	// A poller takes 0 for its default; here a lower bound of 0 leaves the bound to the call rate.
	p, err := poller.New(s.upstream(), store, poller.Options{
		MinInterval: max(polling.MinInterval, time.Millisecond), MaxInterval: max(polling.MaxInterval, time.Millisecond),
		Shards: f.shards, Rate: f.rate.PerSecond, Month: f.month, Served: s.handedIn,
		Logger: s.log.With("replica", owner()), Titles: s.opts.Settings.Events.TitlesShown(),
		Reporter: untilStop{ctx, explained{&s.refusals, &onDisk{disk: s.disk, Reporter: s.changes}}},
	})
	f.quiet.poller.Store(p)
	return p, err
}

// poll runs the committer, the poller and discovery until ctx ends. The committer stops last: what
// the others and the requests under way want stored is stored.
func (s *service) poll(ctx context.Context, pub *publisher.Publisher, b *parts, f *fleet, at Addresses) error {
	p := b.poller
	committing, stopCommits := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCommits()
	return first(
		func() error {
			defer s.stop()
			err := pub.Run(committing)
			return cmp.Or(privacy.Refused(err), err)
		},
		func() error {
			defer stopCommits()
			err := first(
				func() error {
					defer s.stop()
					return stopped(ctx, p.Run(ctx))
				},
				func() error {
					s.discover(ctx, b, at)
					return nil
				},
				func() error {
					defer close(s.handedIn)
					err := s.stream(ctx, p)
					<-s.served
					return err
				},
				func() error {
					return stopped(ctx, s.persist(ctx, "following the events", func() error { return b.Feed.Run(ctx) }))
				},
				func() error {
					defer s.stop()
					return f.run(ctx)
				},
				func() error { return stopped(ctx, b.peers.Run(ctx)) },
				func() error { b.expiry.run(ctx); return nil },
				func() error { return b.audit.run(ctx) },
				func() error { b.forgetting.run(ctx); return nil },
			)
			return errors.Join(err, f.leave(ctx))
		},
	)
}

// discover says that the service is ready, once it is, and then looks for meetings.
func (s *service) discover(ctx context.Context, b *parts, at Addresses) {
	select {
	case <-b.poller.Ready():
	case <-ctx.Done():
		return
	}
	s.log.Info("ready", "http", at.HTTP, "nats", at.NATS, "version", version.String())
	interval := s.opts.Settings.Polling.DiscoveryInterval
	if interval == 0 {
		return
	}
	listing := turns.New(b.conn, turns.Options{
		Owner: owner(), Interval: interval, Replicas: s.opts.Settings.Store.Replicas,
	})
	sight := s.newSight(b)
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { sight.run(ctx) })
	discovery.Run(ctx, discovery.Options{
		Lister: sight, Watcher: b.poller, Unlisted: b.poller.Unlisted, Interval: interval, Logger: s.log,
		Turn: listing.Take, Rest: b.fleet.month.UntilList,
		Reporter: s.board.post(discoveryPart, s.changes),
	})
}

// unhurried lists meetings when there are calls to spare.
type unhurried struct{ discovery.Lister }

// OngoingMeetings implements [discovery.Lister].
func (u unhurried) OngoingMeetings(ctx context.Context) (api.Ongoing, error) {
	return u.Lister.OngoingMeetings(budget.With(ctx, budget.Discovery))
}
