package sdktest

import (
	"context"
	"encoding/json"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/service"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// validate reads a payload with the CloudEvents SDK and holds it to the specification, and to what
// our own decoder makes of it.
func validate(t *testing.T, payload []byte) events.Event {
	t.Helper()
	var ce cloudevents.Event
	require.NoError(t, json.Unmarshal(payload, &ce), "%s", payload)
	require.NoError(t, ce.Validate(), "%s", payload)
	e, err := events.Decode(payload)
	require.NoError(t, err)
	assert.Equal(t, "1.0", ce.SpecVersion())
	assert.Equal(t, e.ID, ce.ID())
	assert.Equal(t, e.Source, ce.Source())
	assert.Equal(t, string(e.Type), ce.Type())
	assert.Equal(t, e.Subject, ce.Subject())
	assert.True(t, e.Time.Equal(ce.Time()))
	assert.Equal(t, e.DataSchema, ce.DataSchema())
	assert.Equal(t, "application/json", ce.DataContentType())
	recorded, err := time.Parse(time.RFC3339, ce.Extensions()["recordedtime"].(string))
	require.NoError(t, err)
	assert.True(t, e.RecordedTime.Equal(recorded))
	if e.Type.OfMember() {
		assert.Equal(t, events.FormatSequence(e.Sequence), ce.Extensions()["sequence"])
		var m events.Member
		require.NoError(t, ce.DataAs(&m))
		assert.Equal(t, *e.Member, m)
	}
	return e
}

func TestGoldenEventsAreCloudEvents(t *testing.T) {
	files, err := filepath.Glob("../../../events/testdata/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			payload, err := os.ReadFile(file)
			require.NoError(t, err)
			validate(t, payload)
		})
	}
}

// TestStoredEventsAreCloudEvents runs the service on a simulated meeting until it is over, and
// validates every message on every subject of the stream that carries events.
func TestStoredEventsAreCloudEvents(t *testing.T) {
	end := history.Duration(2 * time.Second)
	left := history.Duration(time.Second)
	api := serve(t, &simulator.Scenario{Meetings: []history.Plan{{
		ID: "m", Title: `Weekly "sync" <b>`, End: &end, People: []history.Person{
			{Nick: "Ann", UnionID: "ann", Host: true, Visits: []history.Visit{{}}},
			{Nick: "Bob\u2028\"\\<", UnionID: "bob", Visits: []history.Visit{{To: &left, Ends: history.Kick}}},
			{Nick: "Gast", Guest: true, Visits: []history.Visit{{To: &left}}},
		},
	}}})
	js := run(t, api)
	kinds := map[events.Type]int{}
	require.Eventually(t, func() bool {
		clear(kinds)
		each(t, js, func(msg jetstream.Msg) {
			e := validate(t, msg.Data())
			assert.Equal(t, events.ContentType, msg.Headers().Get("Content-Type"))
			assert.Equal(t, "m", msg.Headers().Get("Conference-Id"))
			kinds[e.Type]++
		})
		return kinds[events.MeetingEnded] == 2 // by type and by meeting
	}, 30*time.Second, 200*time.Millisecond)
	assert.Equal(t, map[events.Type]int{
		events.MeetingStarted: 2, events.MeetingEnded: 2, events.Joined: 6, events.Left: 4, events.Kicked: 2,
	}, kinds)
}

// serve serves a simulated DingTalk over HTTP.
func serve(t *testing.T, scenario *simulator.Scenario) *url.URL {
	t.Helper()
	api, _ := simulate(t, scenario)
	return api
}

// simulate serves a simulated DingTalk over HTTP, in which people can be made to do something.
func simulate(t *testing.T, scenario *simulator.Scenario) (*url.URL, *simulator.Simulator) {
	t.Helper()
	sim, err := simulator.New(simulator.Options{Scenario: scenario})
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	background(t, func(ctx context.Context) error { return sim.Serve(ctx, ln) })
	return &url.URL{Scheme: "http", Host: ln.Addr().String()}, sim
}

// background runs a part until the test ends.
func background(t *testing.T, part func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- part(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
}

// operator may do everything in the embedded server: clients that make push consumers, or streams
// of their own, have to be it.
const operator = "operator"

func asOperator() nats.Option { return nats.UserInfo(operator, operator) }

// run runs the service on a simulated DingTalk and returns its JetStream, as a reader sees it who
// gives no other login.
func run(t *testing.T, api *url.URL, login ...nats.Option) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(open(t, api).NATS, login...)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return js
}

// open runs the service on a simulated DingTalk until the test ends, and returns where it is found.
func open(t *testing.T, api *url.URL) service.Addresses {
	t.Helper()
	opened := make(chan service.Addresses, 1)
	background(t, func(ctx context.Context) error {
		return service.Run(ctx, service.Options{
			Settings: config.Settings{
				DingTalk: config.DingTalk{
					URL: api, AppKey: simulator.DefaultAppKey, AppSecret: simulator.DefaultAppSecret, CorpID: "corp", Rate: 100,
				},
				Embedded: config.Embedded{Listen: "127.0.0.1:0"},
				Doors:    config.Doors{OperatorUser: operator, OperatorPassword: operator},
				Store:    config.Store{Replicas: 1, DataDir: t.TempDir()},
				HTTP:     config.HTTP{Listen: "127.0.0.1:0"},
				Polling: config.Polling{
					DiscoveryInterval: 200 * time.Millisecond, MinInterval: 50 * time.Millisecond, MaxInterval: 200 * time.Millisecond,
					PageSize: 500,
				},
				Events: config.Events{Retention: time.Hour},
			},
			Opened: func(at service.Addresses) error { opened <- at; return nil },
		})
	})
	return <-opened
}

// each reads every stored event.
func each(t *testing.T, js jetstream.JetStream, handle func(jetstream.Msg)) {
	t.Helper()
	consumer, err := js.OrderedConsumer(t.Context(), events.Stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{"conference.>"},
	})
	require.NoError(t, err)
	info, err := consumer.Info(t.Context())
	require.NoError(t, err)
	for pending := info.NumPending; pending > 0; {
		msg, err := consumer.Next(jetstream.FetchMaxWait(5 * time.Second))
		require.NoError(t, err)
		meta, err := msg.Metadata()
		require.NoError(t, err)
		pending = meta.NumPending
		handle(msg)
	}
}
