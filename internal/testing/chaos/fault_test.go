package chaos_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/c4342123/rollcall/internal/testing/faultproxy"
)

// Kinds of faults.
const (
	kill         = "kill"          // kill -9 of a replica
	stop         = "stop"          // a replica is paused for longer than any lease lasts
	restart      = "restart"       // a replica is asked to end, and started anew
	cutBroker    = "cut"           // the network between a replica and the NATS servers fails
	cutDingTalk  = "dingtalk"      // the network between a replica and DingTalk fails
	killBroker   = "broker"        // kill -9 of a NATS server
	killBrokers  = "brokers"       // kill -9 of all NATS servers at once
	outage       = "outage"        // DingTalk's API fails for everybody, while it goes on pushing
	bigMeeting   = "big"           // a meeting of hundreds of people
	badPushes    = "push"          // pushes are lost, doubled, late, out of order and forged; all the time
	longestLease = 3 * time.Second // of a member or a shard
)

// kind is a kind of fault that has a moment.
type kind struct {
	name string
	// share of all faults.
	share int
	// broker says that a NATS server is the victim.
	broker bool
	// general says that no process is the victim, and that there is but one of the kind at a time.
	general bool
}

// kinds leave NATS servers that replicate some time between two kills: an election takes them 4 s
// to 9 s, for which there is nobody to keep any lease.
var kinds = []kind{
	{name: kill, share: 44},
	{name: killBroker, share: 16, broker: true},
	{name: killBrokers, share: 2, broker: true},
	{name: stop, share: 9},
	{name: cutBroker, share: 11},
	{name: cutDingTalk, share: 9},
	{name: restart, share: 9},
	{name: outage, share: 2, general: true},
	{name: bigMeeting, share: 2, general: true},
}

func faultNames() string {
	names := []string{badPushes}
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return strings.Join(names, ",")
}

// injury is one fault: all that is left to chance about it is decided.
type injury struct {
	kind  string
	wait  time.Duration // from a kill to the start, or for as long as the fault lasts
	atNow bool          // strikes as soon as an event is seen
	way   int           // of a cut or an outage
}

func newInjury(kind string, rng *rand.Rand) injury {
	in := injury{kind: kind, atNow: rng.IntN(2) == 0, way: rng.IntN(len(cuts) * len(outages))}
	between := func(from, to time.Duration) time.Duration { return from + time.Duration(rng.Int64N(int64(to-from))) }
	switch kind {
	case stop:
		in.wait = between(longestLease+longestLease/3, 2*longestLease)
	case cutBroker, cutDingTalk:
		in.wait = between(200*time.Millisecond, longestLease+longestLease/3)
	case outage:
		in.wait = between(10*time.Second, 30*time.Second)
	case bigMeeting:
		in.wait = between(20*time.Second, 40*time.Second)
	default:
		if rng.IntN(2) == 0 {
			in.wait = between(0, longestLease/2)
		}
	}
	return in
}

// cuts are the ways in which a network fails.
var cuts = []struct {
	name string
	make func(context.Context, *faultproxy.Proxy)
}{
	{"closed", func(_ context.Context, p *faultproxy.Proxy) { p.Refuse(true); p.Cut() }},
	{"requests lost", func(_ context.Context, p *faultproxy.Proxy) { p.ToServer(faultproxy.Swallow) }},
	{"answers lost", func(_ context.Context, p *faultproxy.Proxy) { p.ToClient(faultproxy.Swallow) }},
	{"slow", func(ctx context.Context, p *faultproxy.Proxy) {
		p.ToServer(faultproxy.Delay(ctx, 100*time.Millisecond))
		p.ToClient(faultproxy.Delay(ctx, 100*time.Millisecond))
	}},
}

// cut makes the network fail for as long as the injury says. What was swallowed is missing from its
// connection, which is therefore closed in the end.
func (in injury) cut(ctx context.Context, proxies ...*faultproxy.Proxy) {
	slow, quick := context.WithCancel(ctx)
	for _, p := range proxies {
		cuts[in.way%len(cuts)].make(slow, p)
	}
	pass(ctx, in.wait)
	quick()
	for _, p := range proxies {
		p.ToServer(nil)
		p.ToClient(nil)
		p.Refuse(false)
		p.Cut()
	}
}

// hurt does it to a replica.
func (w *world) hurt(ctx context.Context, r *replica, in injury) {
	switch in.kind {
	case kill:
		if in.atNow {
			w.nextEvent(ctx)
		}
		r.kill()
		pass(ctx, in.wait)
		r.start()
	case stop:
		r.pause()
		pass(ctx, in.wait)
		r.resume()
	case restart:
		w.tally.stopped(r.terminate(patience))
		pass(ctx, in.wait/4)
		r.start()
	case cutBroker:
		in.cut(ctx, r.toBrokers...)
	case cutDingTalk:
		in.cut(ctx, r.toDingTalk)
	}
}

// pass lets time pass, unless ctx ends.
func pass(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
