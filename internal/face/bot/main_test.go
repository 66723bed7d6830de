package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk/robot"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
	"github.com/c4342123/rollcall/internal/testing/natstest"
	"github.com/c4342123/rollcall/internal/testing/port"
	"github.com/c4342123/rollcall/publisher"
)

func TestMain(m *testing.M) { leak.Main(m) }

const patience = 60 * time.Second

// skipping is a clock on which every sleep is over at once, or in a part of its time: time goes by,
// but nobody waits for it.
type skipping struct {
	ahead atomic.Int64
	part  time.Duration
}

func (c *skipping) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *skipping) sleep(ctx context.Context, d time.Duration) bool {
	if c.part > 0 && !pause.For(ctx, d/c.part) {
		return false
	}
	c.ahead.Add(int64(d))
	return true
}

// set moves the clock forward to a time of the day after the present one, in UTC.
func (c *skipping) set(hour, minute int) time.Time {
	now := c.now().UTC()
	then := time.Date(now.Year(), now.Month(), now.Day()+1, hour, minute, 0, 0, time.UTC)
	c.ahead.Add(int64(then.Sub(now)))
	return then
}

// world is a NATS server, a stream, a simulated DingTalk with its robots, and a clock for all.
type world struct {
	t      *testing.T
	clock  *skipping
	listen string
	dir    string
	nats   *embedded.Server
	nc     *nats.Conn
	js     jetstream.JetStream
	sim    *simulator.Simulator
	url    string
	log    logbuffer.Buffer

	sequence uint64
	joined   []string // the names of who has joined
}

func newWorld(t *testing.T, robots ...simulator.RobotSettings) *world {
	t.Helper()
	w := &world{t: t, clock: &skipping{}, dir: t.TempDir(), listen: port.Free(t)}
	w.start()
	t.Cleanup(func() { assert.NoError(t, w.nats.Close()) })
	w.nc = w.connect()
	var err error
	w.js, err = jetstream.New(w.nc)
	require.NoError(t, err)
	w.makeStream()
	w.sim, err = simulator.New(simulator.Options{
		Scenario: &simulator.Scenario{Settings: simulator.Settings{Robots: robots}}, Now: func() time.Time { return w.clock.now() },
	})
	require.NoError(t, err)
	server := httptest.NewServer(w.sim.Handler())
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (w *world) makeStream() {
	w.t.Helper()
	natstest.Anew(w.t, func() error {
		_, err := publisher.Open(w.t.Context(), w.nc, publisher.Options{})
		return err
	})
}

func (w *world) start() {
	w.t.Helper()
	var err error
	w.nats, err = embedded.Start(context.Background(), embedded.Options{StoreDir: w.dir, Listen: w.listen})
	require.NoError(w.t, err)
}

func (w *world) connect() *nats.Conn {
	w.t.Helper()
	nc, err := conn.Connect(w.t.Context(), config.NATS{}, conn.Options{Embedded: config.Address(w.listen)})
	require.NoError(w.t, err)
	w.t.Cleanup(nc.Close)
	return nc
}

// publish stores an event as the service does.
func (w *world) publish(e events.Event) {
	w.t.Helper()
	payload, err := events.Encode(e)
	require.NoError(w.t, err)
	for _, subject := range []string{string(e.Type), events.ByMeeting(e.ConferenceID(), e.Type)} {
		w.store(subject, payload)
	}
}

func (w *world) store(subject string, payload []byte) {
	w.t.Helper()
	id := jetstream.WithMsgID(uuid.NewString()) // a server that restarts is asked twice
	require.Eventually(w.t, func() bool {
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		_, err := w.js.Publish(ctx, "rollcall.in."+subject, payload, id)
		return err == nil
	}, patience, time.Millisecond)
}

func (w *world) titled(meeting, title string) {
	w.t.Helper()
	w.tell(events.MeetingStarted, meeting, title)
}

// tell stores an event about a meeting itself.
func (w *world) tell(kind events.Type, meeting, title string) {
	w.t.Helper()
	now := w.clock.now().Truncate(time.Millisecond).UTC()
	w.publish(events.Event{
		ID: events.MeetingID(meeting, now.UnixMilli(), kind, title), Source: events.Source("", meeting),
		Type: kind, Time: now, RecordedTime: now,
		Meeting: &events.Meeting{ConferenceID: meeting, Title: title, StartTime: now.UnixMilli(), Reason: events.Reasons(kind)[0]},
	})
}

// join makes somebody join a meeting now; change may make it something else.
func (w *world) join(meeting, name string, change ...func(*events.Event)) {
	w.t.Helper()
	w.sequence++
	e := joined(meeting, name, w.clock.now(), w.sequence)
	for _, f := range change {
		f(&e)
	}
	w.publish(e)
	w.joined = append(w.joined, name)
}

func joined(meeting, name string, at time.Time, sequence uint64) events.Event {
	at = at.Truncate(time.Millisecond).UTC()
	ms := at.UnixMilli()
	return events.Event{
		ID: events.MemberID(meeting, "u-"+name, ms, events.Joined), Source: events.Source("", meeting), Type: events.Joined,
		Subject: "u-" + name, Time: at, RecordedTime: at, Sequence: sequence,
		Member: &events.Member{
			ConferenceID: meeting, UnionID: "u-" + name, UserNick: name, AttendStatus: 3, JoinTime: ms,
			Reason: events.ReasonJoined, ObservedAfter: ms - 1, ObservedBefore: ms, Via: events.ViaPoll, ActiveCount: 1, Visit: 1,
		},
	}
}

// rules parses a rules file about robots at the simulated DingTalk.
func (w *world) rules(text string) *Rules {
	w.t.Helper()
	rules, err := Load(writeRules(w.t, strings.ReplaceAll(text, "URL", w.url)), nil)
	require.NoError(w.t, err)
	return rules
}

func writeRules(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// office is one robot that is told of every join.
const office = `
timezone: UTC
batch: 5ms
robots: {office: {url: URL, token: simulated-robot-token, secret: SECsimulatedrobotsecret}}
rules: [{robots: [office]}]
`

// process is a process of the bot: what it does to the world can be ended at any step.
type process struct {
	world   *world
	workers []*worker
	stop    context.CancelFunc
	ended   sync.WaitGroup

	mu   sync.Mutex
	left int // effects until it is killed; negative for never
	// after says that the last effect still happens.
	after bool
	dead  bool
}

var errKilled = errors.New("the process was killed")

// launch starts a process that lives until its test ends, or is stopped, or for a number of
// effects.
func (w *world) launch(id string, rules *Rules, effects int, after bool, set ...func(*worker)) *process {
	w.t.Helper()
	p := &process{world: w, left: effects, after: after}
	nc := w.connect()
	js, err := jetstream.New(nc)
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = func() {
		cancel()
		p.ended.Wait()
		nc.Close()
	}
	w.t.Cleanup(p.stop)
	logger := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, t := range rules.robots {
		t.options.Now = w.clock.now
		client := robot.New(t.options)
		worker := newWorker(t, Options{Rules: rules, Logger: logger}, id, &mortalSender{p, client, cancel}, js)
		worker.timing = timing{w.clock.now, w.clock.sleep}
		worker.open = func(ctx context.Context) (jetstream.Stream, bucket, error) {
			stream, kv, err := open(ctx, js)
			return stream, &mortalBucket{kv, p, cancel}, err
		}
		for _, f := range set {
			f(worker)
		}
		p.workers = append(p.workers, worker)
		p.ended.Go(func() {
			defer client.Close()
			worker.run(ctx)
		})
	}
	return p
}

// effect does something that outlives the process, unless it is dead, and kills it if it is time.
func (p *process) effect(cancel func(), do func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return errKilled
	}
	if p.left != 0 {
		p.left--
		return do()
	}
	p.dead = true
	cancel()
	if p.after {
		_ = do()
	}
	return errKilled
}

type mortalBucket struct {
	bucket
	process *process
	cancel  func()
}

func (b *mortalBucket) Create(ctx context.Context, key string, value []byte, _ ...jetstream.KVCreateOpt) (revision uint64, err error) {
	err = b.process.effect(b.cancel, func() (err error) { revision, err = b.bucket.Create(ctx, key, value); return err })
	return revision, err
}

func (b *mortalBucket) Update(ctx context.Context, key string, value []byte, last uint64) (revision uint64, err error) {
	err = b.process.effect(b.cancel, func() (err error) { revision, err = b.bucket.Update(ctx, key, value, last); return err })
	return revision, err
}

type mortalSender struct {
	process *process
	sender  sender
	cancel  func()
}

func (s *mortalSender) Send(ctx context.Context, m robot.Message) error {
	return s.process.effect(s.cancel, func() error { return s.sender.Send(ctx, m) })
}

// said returns the texts that a robot has said.
func (w *world) said(robot int) []string {
	var out []string
	for _, m := range w.sim.Robots()[robot].Said {
		out = append(out, m.Text)
	}
	return out
}

// counts returns how often a robot has named each of those who joined.
func (w *world) counts(robot int) map[string]int {
	out := map[string]int{}
	text := strings.NewReplacer(",", " ", ".", " ").Replace(strings.Join(w.said(robot), " "))
	for word := range strings.FieldsSeq(text) {
		out[word]++
	}
	return out
}

func (w *world) allTold(robot int) bool {
	counts := w.counts(robot)
	for _, name := range w.joined {
		if counts[name] == 0 {
			return false
		}
	}
	return true
}

// told waits until a robot has named everybody, and requires that it has done so once.
func (w *world) told(robot int) {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.allTold(robot) }, patience, 2*time.Millisecond, "log:\n%s", &w.log)
	counts := w.counts(robot)
	for _, name := range w.joined {
		assert.Equal(w.t, 1, counts[name], "%s\n%s", name, strings.Join(w.said(robot), "\n"))
	}
}

// ready waits until a process has begun to read for a robot: what happens from then on is told.
func (w *world) ready(robot string) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		stream, err := w.js.Stream(w.t.Context(), events.Stream)
		if err != nil {
			return false
		}
		_, err = stream.Consumer(w.t.Context(), consumerPrefix+robot)
		return err == nil
	}, patience, 2*time.Millisecond, "log:\n%s", &w.log)
}

// kept returns what is kept of a robot.
func (w *world) kept(robot string) state {
	w.t.Helper()
	kv, err := w.js.KeyValue(w.t.Context(), Bucket)
	require.NoError(w.t, err)
	got, err := kv.Get(w.t.Context(), robot)
	require.NoError(w.t, err)
	var st state
	require.NoError(w.t, json.Unmarshal(got.Value(), &st))
	return st
}

func (w *world) fault(faults ...fault.Fault) {
	w.t.Helper()
	_, err := w.sim.AddFaults(faults...)
	require.NoError(w.t, err)
}

func name(i int) string { return fmt.Sprintf("p%d", i) }
