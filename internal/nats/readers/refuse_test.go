package readers_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// refusals is a connection of a reader that notes what the server says it refuses.
type refusals struct {
	jetstream.JetStream
	mu   sync.Mutex
	said []error
}

func (w *world) refused() *refusals {
	r := &refusals{}
	r.JetStream = w.connect(w.server.ClientURL(), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.said = append(r.said, err)
	}))
	return r
}

// violations are the permissions that the server said are violated. It has said so once it has
// answered a flush.
func (r *refusals) violations(t *testing.T) int {
	t.Helper()
	require.NoError(t, r.Conn().Flush())
	n := 0
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		n = 0
		for _, err := range r.said {
			if errors.Is(err, nats.ErrPermissionViolation) {
				n++
			}
		}
		return n > 0
	}, patience, time.Millisecond)
	return n
}

// soon bounds a request that gets no answer.
const soon = 150 * time.Millisecond

// Everything a reader may not do is refused by the server itself: it says so to the connection, and
// nothing changes.
func TestReadersChangeNothing(t *testing.T) {
	w := newWorld(t)
	w.store("one")
	_, err := w.product.CreateConsumer(t.Context(), events.Stream, jetstream.ConsumerConfig{Durable: "rollcall-bot-office", AckPolicy: jetstream.AckAllPolicy})
	require.NoError(t, err)
	publish := func(subject string) func(context.Context, jetstream.JetStream) error {
		return func(ctx context.Context, js jetstream.JetStream) error {
			_, err := js.Conn().RequestWithContext(ctx, subject, []byte("forged"))
			return err
		}
	}
	stream := func(act func(context.Context, jetstream.Stream) error) func(context.Context, jetstream.JetStream) error {
		return func(ctx context.Context, js jetstream.JetStream) error {
			st, err := js.Stream(ctx, events.Stream)
			require.NoError(t, err)
			return act(ctx, st)
		}
	}
	acts := map[string]func(context.Context, jetstream.JetStream) error{
		"delete the stream": func(ctx context.Context, js jetstream.JetStream) error { return js.DeleteStream(ctx, events.Stream) },
		"purge":             stream(func(ctx context.Context, st jetstream.Stream) error { return st.Purge(ctx) }),
		"delete a message":  stream(func(ctx context.Context, st jetstream.Stream) error { return st.DeleteMsg(ctx, 1) }),
		"erase a message":   stream(func(ctx context.Context, st jetstream.Stream) error { return st.SecureDeleteMsg(ctx, 1) }),
		"update the stream": func(ctx context.Context, js jetstream.JetStream) error {
			st, err := js.Stream(ctx, events.Stream)
			require.NoError(t, err)
			config := st.CachedInfo().Config
			config.MaxMsgs = 1
			_, err = js.UpdateStream(ctx, config)
			return err
		},
		"make a stream": func(ctx context.Context, js jetstream.JetStream) error {
			_, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "COPY", Subjects: []string{"copy"}})
			return err
		},
		"make a bucket": func(ctx context.Context, js jetstream.JetStream) error {
			_, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "OWN"})
			return err
		},
		"open a bucket of the service": func(ctx context.Context, js jetstream.JetStream) error {
			_, err := js.KeyValue(ctx, "ROLLCALL_SHARDS")
			return err
		},
	}
	for _, subject := range []string{
		"rollcall.in.conference.member.joined", "rollcall.in.rollcall.state.1.m", "conference.member.joined", "conference.id.m.member.left",
		"rollcall.peers.meetings", "rollcall.shards.x", "rollcall.doctor.in.x", "rollcall.readers.CONSUMER.DELETE.CONFERENCE.audit",
		"$KV.ROLLCALL_SHARDS.owner.1", "$JS.API.DIRECT.GET.KV_ROLLCALL_SHARDS.$KV.ROLLCALL_SHARDS.owner.1",
		"$JS.API.CONSUMER.PAUSE.CONFERENCE.audit", "$JS.API.CONSUMER.LEADER.STEPDOWN.CONFERENCE.audit", "$JS.API.CONSUMER.UNPIN.CONFERENCE.audit",
		"$JS.API.CONSUMER.RESET.CONFERENCE.rollcall-bot-office", "$JS.API.CONSUMER.CREATE.KV_ROLLCALL_SHARDS.mine",
		"$JS.API.STREAM.SNAPSHOT.CONFERENCE", "$JS.API.STREAM.RESTORE.CONFERENCE", "$JS.API.STREAM.LEADER.STEPDOWN.CONFERENCE",
		"$JS.API.STREAM.MSG.GET.KV_ROLLCALL_SHARDS", "$JS.ACK.KV_ROLLCALL_SHARDS.x.1.1.1.1.1", "_INBOX.somebody.else", "$SYS.REQ.SERVER.PING", "anything",
	} {
		acts["publish on "+subject] = publish(subject)
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			r := w.refused()
			before := w.kept()
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			require.Error(t, act(ctx, r))
			assert.Positive(t, r.violations(t))
			assert.Equal(t, before, w.kept())
		})
	}
}

// Nobody hears what is not for readers: neither what others ask, nor what the replicas tell each
// other.
func TestReadersHearEventsAlone(t *testing.T) {
	w := newWorld(t)
	for _, subject := range []string{">", "rollcall.>", "rollcall.peers.meetings", "rollcall.shards.>", "$JS.API.>", "$JS.API.STREAM.INFO.CONFERENCE", "$KV.>", "*.>"} {
		t.Run(subject, func(t *testing.T) {
			r := w.refused()
			_, err := r.Conn().SubscribeSync(subject)
			require.NoError(t, err)
			assert.Positive(t, r.violations(t))
		})
	}
}

// What the service does for readers it does for pull consumers with names that are not ours alone,
// and says why not.
func TestConsumersThatAreNotMade(t *testing.T) {
	w := newWorld(t)
	_, err := w.product.CreateConsumer(t.Context(), events.Stream, jetstream.ConsumerConfig{Durable: "rollcall-bot-office", AckPolicy: jetstream.AckAllPolicy})
	require.NoError(t, err)
	reader := w.connect(w.server.ClientURL())
	before := w.kept()
	for name, c := range map[string]struct{ subject, body, says string }{
		"push":                       {"CREATE.CONFERENCE.mine", `{"stream_name":"CONFERENCE","config":{"name":"mine","deliver_subject":"rollcall.in.x"}}`, "deliver_subject"},
		"push, in capitals":          {"CREATE.CONFERENCE.mine", `{"stream_name":"CONFERENCE","config":{"name":"mine","DELIVER_SUBJECT":"rollcall.in.x"}}`, "deliver_subject"},
		"push, said twice":           {"CREATE.CONFERENCE.mine", `{"stream_name":"CONFERENCE","config":{"name":"mine"},"config":{"deliver_subject":"rollcall.in.x"}}`, "deliver_subject"},
		"push, without a name":       {"CREATE.CONFERENCE", `{"stream_name":"CONFERENCE","config":{"deliver_subject":"_INBOX.x"}}`, "deliver_subject"},
		"push, by a durable request": {"DURABLE.CREATE.CONFERENCE.mine", `{"stream_name":"CONFERENCE","config":{"durable_name":"mine","deliver_subject":"x"}}`, "deliver_subject"},
		"a name of ours":             {"CREATE.CONFERENCE.rollcall-x", `{"stream_name":"CONFERENCE","config":{"name":"rollcall-x"}}`, "Rollcall's own"},
		"ours, with a filter":        {"CREATE.CONFERENCE.rollcall-x.conference.member.*", `{"stream_name":"CONFERENCE","config":{"name":"rollcall-x","filter_subject":"conference.member.*"}}`, "Rollcall's own"},
		"ours, in the body alone":    {"CREATE.CONFERENCE", `{"stream_name":"CONFERENCE","config":{"durable_name":"rollcall-x"}}`, "Rollcall's own"},
		"change one of ours":         {"CREATE.CONFERENCE.rollcall-bot-office", `{"stream_name":"CONFERENCE","action":"update","config":{"name":"rollcall-bot-office","max_ack_pending":1}}`, "Rollcall's own"},
		"ours, by a durable request": {"DURABLE.CREATE.CONFERENCE.rollcall-x", `{"stream_name":"CONFERENCE","config":{"durable_name":"rollcall-x"}}`, "Rollcall's own"},
		"delete one of ours":         {"DELETE.CONFERENCE.rollcall-bot-office", "", "Rollcall's own"},
		"nothing":                    {"CREATE.CONFERENCE.mine", "", "no request"},
		"no JSON":                    {"CREATE.CONFERENCE.mine", "{", "no request"},
		"a list":                     {"CREATE.CONFERENCE.mine", `{"config":[]}`, "no request"},
	} {
		t.Run(name, func(t *testing.T) {
			reply, err := reader.Conn().Request("$JS.API.CONSUMER."+c.subject, []byte(c.body), patience)
			require.NoError(t, err)
			assert.Contains(t, string(reply.Data), c.says)
			assert.Contains(t, string(reply.Data), `"err_code":10003`)
			assert.Equal(t, before, w.kept())
		})
	}
	t.Run("by a client", func(t *testing.T) {
		_, err := reader.CreateConsumer(t.Context(), events.Stream, jetstream.ConsumerConfig{Name: "rollcall-mine"})
		require.ErrorContains(t, err, "Rollcall's own")
		var api *jetstream.APIError
		require.ErrorAs(t, err, &api)
	})
}
