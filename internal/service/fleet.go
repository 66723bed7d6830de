package service

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/internal/fleet/budget"
	"github.com/c4342123/rollcall/internal/fleet/shards"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/poller"
	"github.com/c4342123/rollcall/publisher"
)

// giveBackTimeout is how long a service that stops may take to give back calls that it has not
// made.
const giveBackTimeout = time.Second

// fleet is what this replica shares with the others: the meetings, the rate of calls and the
// month's calls.
type fleet struct {
	shards *shards.Replica
	rate   *budget.Rate
	month  *budget.Month
	usage  *budget.Usage
	sight  *budget.Sight
	quiet  quiet

	refusals *conn.Refusals
}

// quiet is what is waited for before shards are handed over: looks at their meetings. There are
// none before there is a poller.
type quiet struct{ poller atomic.Pointer[poller.Poller] }

func (q *quiet) wait(ctx context.Context, _ shards.Set) {
	if p := q.poller.Load(); p != nil {
		_ = p.Quiet(ctx) // the next owner may look at the same time: that costs a call, and no more
	}
}

// join opens what the replicas share, as soon as the servers can, and lets calls be made
// accordingly.
func (s *service) join(ctx context.Context, conn *nats.Conn) (*fleet, error) {
	f := &fleet{refusals: &s.refusals}
	steps := []func() error{
		func() (err error) {
			f.shards, err = s.openShards(ctx, conn, &f.quiet)
			s.replicas.Store(f.shards)
			return
		},
		func() (err error) { f.month, err = s.openMonth(ctx, conn, f); return },
		func() (err error) { f.usage, err = s.openUsage(ctx, conn, f.month); return },
		func() (err error) { f.sight, err = s.openSight(ctx, conn); return },
		func() (err error) { f.rate, err = s.openRate(ctx, conn, f.shards); return },
	}
	for _, step := range steps {
		if err := s.persist(ctx, "joining the other replicas", step); err != nil {
			return nil, err
		}
	}
	s.pushes.quota.usage.Store(f.usage)
	s.limits.open(budget.NewLimiter(budget.LimiterOptions{Rate: f.rate, Month: f.month, Usage: f.usage}))
	return f, nil
}

func (s *service) openShards(ctx context.Context, conn *nats.Conn, q *quiet) (*shards.Replica, error) {
	return shards.Open(ctx, conn, shards.Options{
		Name: owner(), Format: publisher.Format, Replicas: s.opts.Settings.Store.Replicas, Quiet: q.wait, Reporter: untilStop{ctx, explained{&s.refusals, s.changes}}, Logger: s.log,
	})
}

// allCan tells whether every live replica can do a format of the stream.
func (s *service) allCan(format int) bool {
	r := s.replicas.Load()
	return r != nil && r.Can(format)
}

func (s *service) openMonth(ctx context.Context, conn *nats.Conn, f *fleet) (*budget.Month, error) {
	d := s.opts.Settings.DingTalk
	return budget.OpenMonth(ctx, conn, budget.MonthOptions{
		Limit: s.plan.Load().Calls, Grace: d.Grace, Location: d.Location(), Replicas: s.opts.Settings.Store.Replicas, Live: f.shards.Live,
		Telling:  func() bool { return f.usage.PushesTell() }, // f.usage is opened after this
		Reporter: untilStop{ctx, s.changes},
	})
}

func (s *service) openUsage(ctx context.Context, conn *nats.Conn, month *budget.Month) (*budget.Usage, error) {
	return budget.OpenUsage(ctx, conn, budget.UsageOptions{
		Pushes: s.plan.Load().Pushes, Location: s.opts.Settings.DingTalk.Location(), Replicas: s.opts.Settings.Store.Replicas,
		Refused: month.Heed,
	})
}

func (s *service) openSight(ctx context.Context, conn *nats.Conn) (*budget.Sight, error) {
	return budget.OpenSight(ctx, conn, budget.SightOptions{
		Location: s.opts.Settings.DingTalk.Location(), Replicas: s.opts.Settings.Store.Replicas,
	})
}

func (s *service) openRate(ctx context.Context, conn *nats.Conn, r *shards.Replica) (*budget.Rate, error) {
	slots, err := budget.OpenSlots(ctx, conn, s.opts.Settings.Store.Replicas)
	if err != nil {
		return nil, err
	}
	return budget.NewRate(budget.RateOptions{PerSecond: s.opts.Settings.DingTalk.Rate, Peers: r, Slots: slots})
}

// run takes part until ctx ends, and then hands over what this replica has.
func (f *fleet) run(ctx context.Context) error {
	return first(
		func() error { return stopped(ctx, f.shards.Run(ctx)) },
		func() error { f.month.Run(ctx); return nil },
		func() error { f.usage.Run(ctx); return nil },
	)
}

// leave gives back the calls that will not be made any more.
func (f *fleet) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTimeout)
	defer cancel()
	_ = f.usage.Sync(ctx) // a little that is not counted does no harm
	if err := f.month.Close(ctx); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("some of the month's calls are lost: %w", err)
	}
	return nil
}

// share is this replica's part, for the metrics.
func (f *fleet) share() share {
	return share{
		shards: f.shards.Mine().Len(), replicas: f.shards.Live(), perSecond: f.rate.PerSecond(),
		callQuota: quotaOf(f.calls()), pushQuota: quotaOf(f.usage.Pushes()), messages: float64(f.usage.Messages()),
	}
}

// errApart says that this replica looks at nothing and lets others do so.
var errApart = errors.New("does not take part in the work of the replicas at present")

// errOrphaned says that no replica looks at any meeting.
var errOrphaned = errors.New("no replica has a lease: nobody looks at any meeting")

// orphaned says why no replica looks at any meeting, and what to do; nil when one does.
func (f *fleet) orphaned() error {
	orphaned, err := f.shards.Orphaned()
	switch {
	case !orphaned:
		return nil
	case err == nil:
		return errOrphaned // a replica that has just started gets one in a moment
	}
	return fmt.Errorf("%w (%w); rollcall doctor says what this NATS user has to be allowed", errOrphaned, f.refusals.Explain(err))
}

// checks say whether this replica takes its part.
func (f *fleet) checks() []httpapi.Check {
	leases := httpapi.Check{Name: "leases", Vital: true, Err: f.orphaned()}
	part := httpapi.Check{Name: "replicas"}
	if !f.shards.Admitted() {
		part.Err = errApart
	}
	return []httpapi.Check{leases, part}
}
