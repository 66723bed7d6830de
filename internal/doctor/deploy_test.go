package doctor

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/events/consumer"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/face/bot"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/nats/readers"
)

// deployed is a server with deploy/nats/nats-server.conf as it is, but for where it stores and
// listens.
func deployed(t *testing.T) *server.Server {
	t.Helper()
	for _, name := range []string{"SERVICE", "BOT", "READER", "CONSUMER"} {
		t.Setenv("ROLLCALL_"+name+"_PASSWORD", "hunter2")
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "nats", "nats-server.conf"))
	require.NoError(t, err)
	return broker(t, strings.Replace(string(text), `store_dir: "nats-data"`, `store_dir: "HERE"`, 1))
}

// as connects as one of the users, and counts what the server refuses.
func as(t *testing.T, srv *server.Server, user string) (jetstream.JetStream, *atomic.Int64) {
	t.Helper()
	var refused atomic.Int64
	nc, err := nats.Connect(srv.ClientURL(), nats.UserInfo(user, "hunter2"), nats.ReconnectBufSize(-1), nats.ErrorHandler(
		func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) {
				refused.Add(1)
				t.Log(user, err)
			}
		}))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return js, &refused
}

// Each of the four users can do its whole job, and what it may not do the server refuses.
func TestTheDeployedServer(t *testing.T) {
	srv := deployed(t)
	s := patient(t)
	s.Polling.MinInterval, s.Polling.MaxInterval, s.Polling.DiscoveryInterval = 10*time.Millisecond, 50*time.Millisecond, time.Second
	s.Events.Retention = time.Hour
	s = user(s, srv, "rollcall-service")
	log := serve(t, s)
	ready(t, s)
	status, body := do(t, s, http.MethodPut, "/v1/meetings/m")
	require.Contains(t, []int{http.StatusOK, http.StatusCreated}, status, body)
	eventually(t, s, "/v1/meetings/m", `"conferenceId":"m"`)

	t.Run("service", func(t *testing.T) {
		found, well := findings(t, s)
		assert.True(t, well, whole(found))
		assert.NotContains(t, strings.ToLower(log.String()), "permissions")
	})
	t.Run("bot", func(t *testing.T) {
		tells(t, srv)
	})
	t.Run("reader", func(t *testing.T) {
		js, refused := as(t, srv, "rollcall-reader")
		reads(t, js, "anything")
		ordered, err := js.OrderedConsumer(t.Context(), events.Stream, jetstream.OrderedConsumerConfig{})
		require.NoError(t, err)
		_, err = ordered.Next(jetstream.FetchMaxWait(waiting))
		require.NoError(t, err)
		st, err := js.Stream(t.Context(), events.Stream)
		require.NoError(t, err)
		_, err = st.GetLastMsgForSubject(t.Context(), string(events.MeetingStarted))
		require.NoError(t, err)
		_, err = js.CreateConsumer(t.Context(), events.Stream, jetstream.ConsumerConfig{Name: "rollcall-x"})
		require.ErrorContains(t, err, "Rollcall's own")
		assert.Zero(t, refused.Load())
	})
	t.Run("consumer", func(t *testing.T) {
		js, refused := as(t, srv, "rollcall-consumer")
		reads(t, js, "audit")
		assert.Zero(t, refused.Load())
	})
	refusals(t, srv)
}

// reads reads an event by a durable consumer of that name.
func reads(t *testing.T, js jetstream.JetStream, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waiting)
	defer cancel()
	read := 0
	err := consumer.Run(ctx, js, consumer.Options{Name: name, Subjects: []string{events.AllMeetings}, InFlight: 1},
		func(context.Context, consumer.Delivery) error {
			read++
			cancel()
			return nil
		})
	require.NoError(t, err)
	assert.Positive(t, read)
}

// tells runs the bot until it has read what was stored.
func tells(t *testing.T, srv *server.Server) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rules.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`robots: {office: {url: "http://127.0.0.1:1", token: t, secret: SECx}}
rules: [{robots: [office]}]`), 0o600))
	rules, err := bot.Load(file, os.LookupEnv)
	require.NoError(t, err)
	js, refused := as(t, srv, "rollcall-bot")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- bot.Run(ctx, js.Conn(), bot.Options{Rules: rules, Logger: slog.New(slog.DiscardHandler)})
	}()
	service, _ := as(t, srv, "rollcall-service")
	require.Eventually(t, func() bool {
		c, err := service.Consumer(t.Context(), events.Stream, "rollcall-bot-office")
		return err == nil && c.CachedInfo().NumWaiting > 0
	}, waiting, 10*time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
	assert.Zero(t, refused.Load())
}

// refusals tries what each user may not do. What is published it would hear about if it was let.
func refusals(t *testing.T, srv *server.Server) {
	t.Helper()
	service, _ := as(t, srv, "rollcall-service")
	kept := func(t *testing.T) (state []any) {
		t.Helper()
		for _, name := range streams(config.Settings{NATS: config.NATS{URL: config.Servers{srv.ClientURL()}}, Polling: config.Polling{DiscoveryInterval: time.Minute}}) {
			st, err := service.Stream(t.Context(), name)
			require.NoError(t, err)
			state = append(state, st.CachedInfo().Config, st.CachedInfo().Created)
		}
		st, err := service.Stream(t.Context(), events.Stream)
		require.NoError(t, err)
		// Consumers of others, as those of the service come and go.
		for _, name := range []string{"anything", "audit", "rollcall-bot-office"} {
			_, err := st.Consumer(t.Context(), name)
			require.NoError(t, err, name)
		}
		return state
	}
	nobody := []string{
		"$JS.API.STREAM.DELETE.CONFERENCE",
		"$JS.API.STREAM.PURGE.ROLLCALL_AUDIT", "$JS.API.STREAM.DELETE.ROLLCALL_AUDIT", "$JS.API.STREAM.CREATE.OTHER", "$JS.API.STREAM.SNAPSHOT.CONFERENCE", "$JS.API.CONSUMER.PAUSE.CONFERENCE.audit",
		"conference.member.joined", "conference.id.m.member.joined", "$SYS.REQ.SERVER.PING", "anything",
	}
	replicas := []string{
		"rollcall.in.conference.member.joined", "rollcall.peers.meetings", "$KV.ROLLCALL_SHARDS.owner.1", "$KV.ROLLCALL_BUDGET.x",
		"$JS.API.STREAM.UPDATE.CONFERENCE", "$JS.API.STREAM.CREATE.CONFERENCE", "$JS.API.STREAM.INFO.KV_ROLLCALL_SHARDS",
		"$JS.API.STREAM.MSG.GET.CONFERENCE", "$JS.API.STREAM.MSG.DELETE.CONFERENCE", "$JS.API.STREAM.PURGE.CONFERENCE", "rollcall.audit.tile", "$JS.API.STREAM.CREATE.ROLLCALL_AUDIT",
		"$JS.API.STREAM.UPDATE.ROLLCALL_AUDIT", "rollcall.readers.CONSUMER.DELETE.CONFERENCE.audit",
	}
	bots := []string{"$KV.ROLLCALL_BOT.office", "$JS.API.STREAM.INFO.KV_ROLLCALL_BOT", "$JS.API.DIRECT.GET.KV_ROLLCALL_BOT.x"}
	others := []string{
		"$JS.API.CONSUMER.CREATE.CONFERENCE.other", "$JS.API.CONSUMER.CREATE.CONFERENCE", "$JS.API.CONSUMER.DELETE.CONFERENCE.anything",
		"$JS.API.CONSUMER.DELETE.CONFERENCE.audit", "$JS.API.CONSUMER.MSG.NEXT.CONFERENCE.anything", "$JS.API.CONSUMER.NAMES.CONFERENCE",
		"$JS.API.DIRECT.GET.CONFERENCE.conference.member.joined", "$JS.ACK.CONFERENCE.anything.1.1.1.1.0",
	}
	for user, subjects := range map[string][][]string{
		"rollcall-service":  {nobody, bots},
		"rollcall-bot":      {nobody, replicas},
		"rollcall-reader":   {nobody, replicas, bots},
		"rollcall-consumer": {nobody, replicas, bots, others},
	} {
		t.Run(user+" is refused", func(t *testing.T) {
			before := kept(t)
			js, refused := as(t, srv, user)
			tried := int64(0)
			for _, list := range subjects {
				for _, subject := range list {
					require.NoError(t, js.Conn().PublishRequest(subject, js.Conn().NewInbox(), []byte("forged")))
					tried++
				}
			}
			require.NoError(t, js.Conn().Flush())
			assert.Eventually(t, func() bool { return refused.Load() == tried }, waiting, time.Millisecond, "each of %d", tried)
			assert.Equal(t, before, kept(t))
		})
	}
	for user, subjects := range map[string][]string{
		"rollcall-bot":      {"rollcall.peers.meetings", "rollcall.shards.>", ">"},
		"rollcall-reader":   {"rollcall.>", "$JS.API.>", ">", readers.All},
		"rollcall-consumer": {"conference.>", "rollcall.>", "$JS.API.>", ">"},
	} {
		t.Run(user+" hears no more", func(t *testing.T) {
			js, refused := as(t, srv, user)
			for _, subject := range subjects {
				_, err := js.Conn().SubscribeSync(subject)
				require.NoError(t, err)
			}
			require.NoError(t, js.Conn().Flush())
			assert.Eventually(t, func() bool { return refused.Load() == int64(len(subjects)) }, waiting, time.Millisecond)
		})
	}
}

// What the service needs of a server, and what readers are to be let, stands in the file.
func TestTheDeployedServerNamesAll(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "nats", "nats-server.conf"))
	require.NoError(t, err)
	s := config.Settings{Polling: config.Polling{DiscoveryInterval: time.Minute}}
	publish, subscribe := allowed(s)
	for _, subject := range append(publish, subscribe...) {
		assert.Contains(t, string(text), `"`+subject+`"`)
	}
	for _, s := range readers.Services() {
		assert.Contains(t, string(text), `{ service: "`+s.To+`"`)
		assert.Contains(t, string(text), `"`+s.Subject+`"`)
	}
}

// Whoever finds no login for the embedded server is told so, and how to have one.
func TestTheDoctorAsAReader(t *testing.T) {
	s := patient(t)
	srv, err := embedded.Start(t.Context(), embedded.FromSettings(s))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, srv.Close()) })
	found, _ := findings(t, s)
	assert.Equal(t, OK, found["nats permissions"].Verdict, whole(found))
	t.Setenv("TMPDIR", t.TempDir())
	s.Store.DataDir = t.TempDir()
	found, well := findings(t, s)
	assert.False(t, well)
	assert.Contains(t, found["nats"].Text, "only reads")
	assert.Contains(t, found["nats"].Mend, "--nats-user")
}
