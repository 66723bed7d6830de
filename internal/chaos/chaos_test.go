package chaos_test

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/webhook"
)

const (
	meetings     = 3
	fetchTimeout = 5 * time.Second
	// patience is how long anything may take that has to happen.
	patience = 90 * time.Second
	// secondsPerKill is how long people come and go for one kill.
	secondsPerKill = 2
)

// TestKillService kills the service, which embeds the NATS server, and so both at once.
func TestKillService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve("--data-dir", t.TempDir(), "--embedded-listen", w.natsAddr)
	w.run(w.service)
}

// TestKillServiceOrServer kills the service or the NATS server, which are processes of their own.
func TestKillServiceOrServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.nats = newProcess(t, "nats", []string{natsDir + "=" + t.TempDir(), natsListen + "=" + w.natsAddr}, os.Args[0])
	w.nats.start()
	w.serve("--nats-url", "nats://"+w.natsAddr)
	w.run(w.service, w.nats)
}

// TestKillWithPushes kills the service while pushes say what happens, lost, doubled, late, out of order and forged, and
// looks are rare. It does so the moment an event is seen: when it came by a push, that is between the push's commit and
// its answer, so that DingTalk sends it again. Nobody has two devices: of those, a lost push may cost the exact time of a
// join.
func TestKillWithPushes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pushing)
	w.serve("--data-dir", t.TempDir(), "--embedded-listen", w.natsAddr)
	w.run(w.service)
	pushes := w.sim.Stats().Pushes.Ways[simulator.ClassWebhook]
	require.NotZero(t, pushes.Acknowledged)
	t.Logf("%+v", pushes)
}

// pushing turns pushes on.
func pushing(w *world, plan *simulator.Generate, opts *simulator.Options) {
	plan.Devices = 0
	keys := webhook.Keys{Token: "chaos", AESKey: "1234567890123456789012345678901234567890123", OwnerKey: simulator.DefaultAppKey}
	w.httpAddr, w.atOnce = freeAddress(w.t), true
	w.env = []string{
		"ROLLCALL_WEBHOOK_TOKEN=" + keys.Token, "ROLLCALL_WEBHOOK_AES_KEY=" + keys.AESKey,
		"ROLLCALL_WEBHOOK_OWNER_KEY=" + keys.OwnerKey,
		"ROLLCALL_POLL_MIN_INTERVAL=2s", "ROLLCALL_POLL_MAX_INTERVAL=5s",
	}
	opts.NewCipher = func(token, aesKey, ownerKey string) (simulator.Cipher, error) {
		return webhook.NewCipher(webhook.Keys{Token: token, AESKey: aesKey, OwnerKey: ownerKey})
	}
	opts.Settings.Push = simulator.PushSettings{
		URL: "http://" + w.httpAddr + "/webhooks/dingtalk", Token: keys.Token, AESKey: keys.AESKey,
		Retry: simulator.Duration(500 * time.Millisecond), LastRetry: simulator.Duration(2 * time.Second),
	}
	opts.Faults = append(
		opts.Faults,
		simulator.Fault{Kind: simulator.FaultPushLost, Probability: 0.05},
		simulator.Fault{Kind: simulator.FaultPushDoubled, Probability: 0.1},
		simulator.Fault{Kind: simulator.FaultPushDelayed, Probability: 0.1, Delay: simulator.Duration(time.Second)},
		simulator.Fault{Kind: simulator.FaultPushReordered, Probability: 0.05},
		simulator.Fault{Kind: simulator.FaultPushForged, Probability: 0.05},
	)
}

// world is a simulated DingTalk and the processes that watch it.
type world struct {
	t             *testing.T
	rng           *rand.Rand
	sim           *simulator.Simulator
	simAddr       string
	natsAddr      string
	httpAddr      string
	env           []string
	atOnce        bool // kill as soon as an event is seen
	service, nats *process
	js            jetstream.JetStream
}

func newWorld(t *testing.T, set ...func(*world, *simulator.Generate, *simulator.Options)) *world {
	if testing.Short() {
		t.Skip("chaos takes a while")
	}
	s := *seed
	if s == 0 {
		s = rand.Uint64N(1_000_000) + 1
	}
	t.Logf("-chaos.seed %d -chaos.kills %d", s, *kills)
	w := &world{t: t, rng: rand.New(rand.NewPCG(s, 0)), natsAddr: freeAddress(t), httpAddr: "127.0.0.1:0"}
	w.simulate(s, set...)
	return w
}

// simulate plays random meetings whose lists keep every row, so that whoever looks late still sees everything, by an
// API that fails now and then.
func (w *world) simulate(seed uint64, set ...func(*world, *simulator.Generate, *simulator.Options)) {
	length := simulator.Duration(time.Duration(*kills+2) * secondsPerKill * time.Second)
	random := simulator.Generate{
		Meetings: meetings, People: 40, Length: length, Gap: simulator.Duration(300 * time.Millisecond), Visits: 6,
		Devices: 0.2, Kicks: 0.1, Calls: 0.2, Absentees: 0.1, Guests: 0.1, Phones: 0.1, Rejoin: simulator.AddRow,
	}
	opts := simulator.Options{Faults: []simulator.Fault{
		{Kind: simulator.FaultQPSApp, Probability: 0.02},
		{Kind: simulator.FaultSystemError, Probability: 0.02},
		{Kind: simulator.FaultReset, Probability: 0.02},
		{Kind: simulator.FaultExpireToken, Calls: []simulator.Class{simulator.ClassMembers}, Probability: 0.02},
		{Kind: simulator.FaultOtherJSON, Probability: 0.02},
	}}
	for _, f := range set {
		f(w, &random, &opts)
	}
	plan, err := random.Plan(seed)
	require.NoError(w.t, err)
	for _, m := range plan {
		for i := range m.People {
			if visits := m.People[i].Visits; i%5 == 0 && len(visits) > 0 {
				visits[len(visits)-1].To, visits[len(visits)-1].Ends = nil, "" // stays to the end
			}
		}
	}
	opts.Scenario = &simulator.Scenario{Name: "chaos", Seed: seed, Meetings: plan}
	w.sim, err = simulator.New(opts)
	require.NoError(w.t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(w.t, err)
	w.simAddr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- w.sim.Serve(ctx, ln) }()
	w.t.Cleanup(func() {
		cancel()
		<-served
	})
}

func (w *world) serve(args ...string) {
	settings := w.sim.Settings()
	w.service = newProcess(w.t, "service", append([]string{
		"ROLLCALL_DINGTALK_URL=http://" + w.simAddr, "ROLLCALL_DINGTALK_APP_KEY=" + settings.AppKey,
		"ROLLCALL_DINGTALK_APP_SECRET=" + settings.AppSecret, "ROLLCALL_DINGTALK_RATE=100",
		"ROLLCALL_POLL_MIN_INTERVAL=50ms", "ROLLCALL_POLL_MAX_INTERVAL=300ms", "ROLLCALL_DISCOVERY_INTERVAL=200ms",
	}, w.env...), append([]string{binary, "serve", "--listen", w.httpAddr}, args...)...)
	w.service.start()
}

// run kills one of the victims after every few events, waits for the meetings to end and compares.
func (w *world) run(victims ...*process) {
	nc, err := nats.Connect("nats://"+w.natsAddr, nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(20*time.Millisecond))
	require.NoError(w.t, err)
	w.t.Cleanup(nc.Close)
	w.js, err = jetstream.New(nc)
	require.NoError(w.t, err)

	seen := make(chan *nats.Msg, 1024)
	_, err = nc.ChanSubscribe(events.AllMembers, seen)
	require.NoError(w.t, err)
	progress := w.waitFor("the first events", func(last uint64) bool { return last > 0 })
	for range *kills {
		target := progress + w.rng.Uint64N(40)
		progress = w.waitFor("more events", func(last uint64) bool { return last > target || w.over() })
		if w.atOnce {
			w.next(seen)
		}
		victim := victims[w.rng.IntN(len(victims))]
		victim.kill()
		victim.start()
	}
	truth := w.end()
	w.compare(truth)
}

// next waits for the next event that a subscriber sees, unless everything is over.
func (w *world) next(seen chan *nats.Msg) {
	for len(seen) > 0 {
		<-seen
	}
	for !w.over() {
		select {
		case <-seen:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// waitFor waits until the stream's last sequence number satisfies the condition, and returns it.
func (w *world) waitFor(what string, ok func(last uint64) bool) uint64 {
	var last uint64
	require.Eventually(w.t, func() bool {
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		stream, err := w.js.Stream(ctx, events.Stream)
		if err != nil {
			return false
		}
		last = stream.CachedInfo().State.LastSeq
		return ok(last)
	}, patience, time.Millisecond, what)
	return last
}

// over tells whether every meeting has ended.
func (w *world) over() bool {
	truth := w.sim.Truth()
	for _, m := range truth.Meetings {
		if m.EndTime == 0 || m.EndTime > truth.At {
			return false
		}
	}
	return len(truth.Meetings) == meetings
}

// end waits until the meetings are over and everybody has been announced to have left.
func (w *world) end() simulator.Truth {
	require.Eventually(w.t, w.over, patience+time.Duration(*kills)*secondsPerKill*time.Second, 50*time.Millisecond)
	truth := w.sim.Truth()
	want := 0
	for _, m := range truth.Meetings {
		want += len(m.Events)
	}
	require.NotZero(w.t, want)
	require.Eventually(w.t, func() bool {
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		stream, err := w.js.Stream(ctx, events.Stream)
		if err != nil {
			return false
		}
		info, err := stream.Info(ctx, jetstream.WithSubjectFilter(events.AllMembers))
		if err != nil {
			return false
		}
		stored := 0
		for _, n := range info.State.Subjects {
			stored += int(n)
		}
		return stored >= want
	}, patience, 50*time.Millisecond, "the last events")
	return truth
}

func (w *world) compare(truth simulator.Truth) {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	byMeeting := map[string][]events.Event{}
	for _, m := range truth.Meetings {
		byMeeting[m.ConferenceID] = stored(ctx, w.t, w.js, events.MembersOfMeeting(m.ConferenceID))
		check(w.t, byMeeting[m.ConferenceID], m)
	}
	all := stored(ctx, w.t, w.js, events.AllMembers)
	checkViews(w.t, all, byMeeting)
	w.t.Logf("%d kills, %d events", *kills, len(all))
}
