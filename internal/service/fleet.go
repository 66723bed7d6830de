package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/internal/budget"
	"github.com/c4342123/rollcall/internal/shards"
)

// giveBackTimeout is how long a service that stops may take to give back calls that it has not made.
const giveBackTimeout = time.Second

// fleet is what this replica shares with the others: the rate of calls and the month's calls.
type fleet struct {
	shards *shards.Replica
	rate   *budget.Rate
	month  *budget.Month
}

// join opens what the replicas share, as soon as the servers can, and lets calls be made accordingly.
func (s *service) join(ctx context.Context, conn *nats.Conn) (*fleet, error) {
	f := &fleet{}
	steps := []func() error{
		func() (err error) { f.shards, err = s.openShards(ctx, conn); return },
		func() (err error) { f.month, err = s.openMonth(ctx, conn, f.shards); return },
		func() (err error) { f.rate, err = s.openRate(ctx, conn, f.shards); return },
	}
	for _, step := range steps {
		if err := s.persist(ctx, "joining the other replicas", step); err != nil {
			return nil, err
		}
	}
	s.limits.open(budget.NewLimiter(budget.LimiterOptions{Rate: f.rate, Month: f.month}))
	return f, nil
}

func (s *service) openShards(ctx context.Context, conn *nats.Conn) (*shards.Replica, error) {
	return shards.Open(ctx, conn, shards.Options{
		Name: owner(), Replicas: s.opts.Settings.Store.Replicas, Reporter: s.changes, Logger: s.log,
	})
}

func (s *service) openMonth(ctx context.Context, conn *nats.Conn, r *shards.Replica) (*budget.Month, error) {
	d := s.opts.Settings.DingTalk
	return budget.OpenMonth(ctx, conn, budget.MonthOptions{
		Limit: int(d.MonthlyCalls), Location: d.Location(), Replicas: s.opts.Settings.Store.Replicas, Live: r.Live,
		Reporter: s.changes,
	})
}

func (s *service) openRate(ctx context.Context, conn *nats.Conn, r *shards.Replica) (*budget.Rate, error) {
	turns, err := budget.OpenTurns(ctx, conn, s.opts.Settings.Store.Replicas)
	if err != nil {
		return nil, err
	}
	return budget.NewRate(budget.RateOptions{PerSecond: s.opts.Settings.DingTalk.Rate, Peers: r, Turns: turns})
}

// run takes part until ctx ends, and then hands over what this replica has.
func (f *fleet) run(ctx context.Context) error {
	return first(
		func() error { return stopped(ctx, f.shards.Run(ctx)) },
		func() error { f.month.Run(ctx); return nil },
	)
}

// leave gives back the calls that nobody will make any more.
func (f *fleet) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTimeout)
	defer cancel()
	if err := f.month.Close(ctx); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("some of the month's calls are lost: %w", err)
	}
	return nil
}
