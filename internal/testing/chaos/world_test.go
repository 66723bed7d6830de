package chaos_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/port"
)

// patience is how long anything may take that has to happen.
const patience = 90 * time.Second

// setup is what runs, and what is done to it.
type setup struct {
	replicas, brokers int
	kinds             []kind
	pushes            bool // pushes say what happens, badly
	faults            int
	program           string
	rooms, crowd      int           // meetings at a time, people in each
	length            time.Duration // of a meeting, up to twice that
	env               []string
	api               simulator.Settings
	troubles          []fault.Fault
	patience          time.Duration // until everything is stored, in the end
	first             string        // the events that are awaited before anything is done
}

// rate is the calls per second that all replicas together may make.
const rate = 20

// usual is the setup of the flags, but for the number of faults.
func usual(replicas, brokers int, names string) setup {
	s := setup{
		replicas: replicas, brokers: brokers, program: theProgram(),
		rooms: 6, crowd: 20, length: 20 * time.Second, troubles: troubles(), patience: patience, first: events.AllMembers,
		// With small pages hardly any list of a big meeting could be read, as troubles come by the
		// call.
		api: simulator.Settings{PageCap: 500},
		env: []string{
			"ROLLCALL_DINGTALK_RATE=" + strconv.Itoa(rate), "ROLLCALL_DISCOVERY_INTERVAL=1s",
			"ROLLCALL_POLL_MIN_INTERVAL=200ms", "ROLLCALL_POLL_MAX_INTERVAL=1s",
		},
	}
	wanted := strings.FieldsFunc(names, func(r rune) bool { return r == ',' })
	all := len(wanted) == 0
	s.pushes = all || slices.Contains(wanted, badPushes)
	for _, k := range kinds {
		possible := brokers > 0 || !k.broker && k.name != cutBroker
		if k.name == killBrokers && brokers < 2 {
			possible = false
		}
		if possible && (all || slices.Contains(wanted, k.name)) {
			s.kinds = append(s.kinds, k)
		}
	}
	return s
}

// world is a simulated DingTalk, NATS servers, and replicas of the service.
type world struct {
	t        testing.TB
	setup    setup
	seed     uint64
	began    time.Time
	dingtalk *dingtalk
	brokers  []*broker
	replicas []*replica
	balancer string // passes requests on to the replicas
	natsURLs string
	nc       *nats.Conn
	js       jetstream.JetStream
	seen     chan struct{} // holds a token when a subscriber has seen an event
	tally    tally
	watching sync.WaitGroup
	going    sync.Map        // ids of the meetings that are going on
	crowds   atomic.Int64    // big meetings so far
	all      context.Context // ends when the test does
}

func newWorld(t testing.TB, s setup) *world {
	w := &world{t: t, setup: s, seed: *seed, began: time.Now(), seen: make(chan struct{}, 1)}
	if w.seed == 0 {
		w.seed = rand.Uint64N(1_000_000) + 1
	}
	t.Logf("-chaos.seed %d -chaos.kills %d -chaos.replicas %d -chaos.brokers %d", w.seed, s.faults, s.replicas, s.brokers)
	all, cancel := context.WithCancel(context.Background())
	w.all = all
	t.Cleanup(func() { cancel(); w.watching.Wait() })
	var addrs []string
	for range s.replicas {
		addrs = append(addrs, port.Free(t))
	}
	w.balancer = serve(all, t, balancer(addrs))
	settings := s.api
	faults := s.troubles
	if s.pushes {
		faults = slices.Concat(faults, pushTroubles())
		settings.Push = simulator.PushSettings{
			URL: "http://" + w.balancer + "/webhooks/dingtalk", Token: keys.Token, AESKey: keys.AESKey,
			Retry: history.Duration(500 * time.Millisecond), LastRetry: history.Duration(2 * time.Second),
		}
	}
	w.dingtalk = newDingTalk(t, w.seed, settings, faults)
	env := s.env
	if s.brokers > 0 {
		w.brokers = newBrokers(t, s.brokers)
		w.natsURLs = urls(w.brokers)
	} else {
		addr := port.Free(t)
		w.natsURLs = "nats://" + operator + ":" + operator + "@" + addr
		env = append(slices.Clone(env), "ROLLCALL_EMBEDDED_OPERATOR_USER="+operator, "ROLLCALL_EMBEDDED_OPERATOR_PASSWORD="+operator,
			"ROLLCALL_EMBEDDED_LISTEN="+addr, "ROLLCALL_DATA_DIR="+disk.Fast(t))
	}
	for n := range s.replicas {
		r := newReplica(t, n, addrs[n], w.dingtalk, w.brokers, s.program, env)
		r.start()
		w.replicas = append(w.replicas, r)
	}
	w.connect()
	w.watching.Go(w.probe)
	return w
}

// operator is who may do everything in an embedded server, and the password.
const operator = "operator"

// connect connects the test itself to the NATS servers, directly.
func (w *world) connect() {
	var err error
	w.nc, err = nats.Connect(w.natsURLs, nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	require.NoError(w.t, err)
	w.t.Cleanup(w.nc.Close)
	w.js, err = jetstream.New(w.nc)
	require.NoError(w.t, err)
	_, err = w.nc.Subscribe(events.AllMembers, func(*nats.Msg) {
		select {
		case w.seen <- struct{}{}:
		default:
		}
	})
	require.NoError(w.t, err)
	for _, r := range w.replicas {
		w.await(r.name+" is ready", func(ctx context.Context) bool { return r.well(ctx) })
	}
}

// probe has NATS store something of no meaning all the time, to know when it does not.
func (w *world) probe() {
	for w.all.Err() == nil {
		ctx, cancel := context.WithTimeout(w.all, deaf)
		began := time.Now()
		msg := nats.NewMsg("rollcall.in.chaos.probe")
		msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
		if _, err := w.js.PublishMsg(ctx, msg); err == nil {
			w.tally.answered(began)
		}
		cancel()
		pass(w.all, 100*time.Millisecond)
	}
}

// nextEvent waits until a subscriber sees the next event, or for a second.
func (w *world) nextEvent(ctx context.Context) {
	select {
	case <-w.seen: // an earlier one
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	select {
	case <-w.seen:
	case <-ctx.Done():
	}
}

// await waits until the condition holds; it has to be soon.
func (w *world) await(what string, ok func(context.Context) bool) {
	w.t.Helper()
	require.True(w.t, w.within(patience, ok), what)
}

// within waits until the condition holds, and tells whether it does in time.
func (w *world) within(limit time.Duration, ok func(context.Context) bool) bool {
	ctx, cancel := context.WithTimeout(w.all, limit)
	defer cancel()
	for {
		once, done := context.WithTimeout(ctx, 2*time.Second)
		good := ok(once)
		done()
		if good || ctx.Err() != nil {
			return good
		}
		pass(ctx, 20*time.Millisecond)
	}
}

// processes are all that run.
func (w *world) processes() []*process {
	var out []*process
	for _, r := range w.replicas {
		out = append(out, r.process)
	}
	for _, b := range w.brokers {
		out = append(out, b.process)
	}
	return out
}
