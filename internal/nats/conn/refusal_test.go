package conn_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
)

func TestPatterns(t *testing.T) {
	t.Parallel()
	for subject, want := range map[string]string{
		"$KV.ROLLCALL_SHARDS.replicas.x":                        "$KV.ROLLCALL_SHARDS.>",
		"rollcall.in.rollcall.state.5.m":                        "rollcall.in.>",
		"rollcall.peers.meetings":                               "rollcall.peers.meetings",
		"rollcall.shards.>":                                     "rollcall.shards.>",
		"_INBOX.abc.*":                                          "_INBOX.>",
		"$JS.API.STREAM.CREATE.CONFERENCE":                      "$JS.API.STREAM.CREATE.CONFERENCE",
		"$JS.API.DIRECT.GET.KV_ROLLCALL_SHARDS":                 "$JS.API.DIRECT.GET.KV_ROLLCALL_SHARDS",
		"$JS.API.DIRECT.GET.KV_ROLLCALL_BUDGET.$KV.x.y":         "$JS.API.DIRECT.GET.KV_ROLLCALL_BUDGET.>",
		"$JS.API.CONSUMER.MSG.NEXT.CONFERENCE.c":                "$JS.API.CONSUMER.MSG.NEXT.CONFERENCE.>",
		"$JS.API.CONSUMER.CREATE.CONFERENCE.c.rollcall.state.>": "$JS.API.CONSUMER.CREATE.CONFERENCE.>",
		"$JS.ACK.CONFERENCE.c.1.2.3.4.5":                        "$JS.ACK.CONFERENCE.>",
	} {
		assert.Equal(t, want, conn.Pattern(subject))
	}
}

func TestRefusalsExplain(t *testing.T) {
	t.Parallel()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		Users: []*server.User{{Username: "u", Password: "p", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: []string{"a"}}, Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
		}}},
	})
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(time.Minute))
	var refusals conn.Refusals
	failed := errors.New("no answer")
	assert.Equal(t, failed, refusals.Explain(failed), "nothing was refused")
	conn, err := conn.Connect(t.Context(), config.NATS{URL: config.Servers{s.ClientURL()}, User: "u", Password: "p"},
		conn.Options{Refusals: &refusals})
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	began := time.Now()
	_, told := refusals.Since(began)
	require.NoError(t, conn.Publish("rollcall.in.rollcall.state.5.secret", nil))
	require.NoError(t, conn.Publish("rollcall.in.other", nil))
	_, err = conn.Subscribe("rollcall.shards.>", func(*nats.Msg) {})
	require.NoError(t, err)
	require.NoError(t, conn.Flush())
	<-told
	require.Eventually(t, func() bool { all, _ := refusals.Since(began); return len(all) == 3 }, time.Minute, time.Millisecond)
	err = refusals.Explain(failed)
	require.ErrorIs(t, err, failed)
	assert.EqualError(t, err, "no answer: the NATS server refuses this user publishing on rollcall.in.>, subscribing to rollcall.shards.>; "+
		`let it, with publish: { allow: ["rollcall.in.>"] }, subscribe: { allow: ["rollcall.shards.>"] }`)
	assert.Equal(t, err, refusals.Explain(err), "explained once")
	assert.NoError(t, refusals.Explain(nil))
}
