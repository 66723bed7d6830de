package doctor

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/publisher"
)

// accountWith is a configuration of an account with these limits of JetStream, and of one without
// JetStream.
func accountWith(limits string) string {
	return `jetstream { store_dir: "HERE" }
accounts {
	A: { jetstream: ` + limits + `, users: [{ user: rollcall, password: hunter2 }] }
	B: { users: [{ user: other, password: hunter2 }] }
}`
}

// open lets everybody do everything.
const open = `jetstream { store_dir: "HERE" }`

func manager(t *testing.T, srv *server.Server, user string) jetstream.JetStream {
	t.Helper()
	var opts []nats.Option
	if user != "" {
		opts = append(opts, nats.UserInfo(user, "hunter2"))
	}
	nc, err := nats.Connect(srv.ClientURL(), append(opts, nats.ReconnectBufSize(-1))...)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return js
}

func stream(name string, subjects ...string) jetstream.StreamConfig {
	return jetstream.StreamConfig{Name: name, Subjects: subjects}
}

// exists makes the real stream.
func exists(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	_, err := publisher.Open(t.Context(), js.Conn(), publisher.Options{CorpID: "corp"})
	require.NoError(t, err)
}

// Each row is a server that cannot do, or not in full, what the service needs.
func TestServersThatCannotDo(t *testing.T) {
	t.Parallel()
	add := func(configs ...jetstream.StreamConfig) func(*testing.T, jetstream.JetStream) {
		return func(t *testing.T, js jetstream.JetStream) {
			for _, c := range configs {
				_, err := js.CreateStream(t.Context(), c)
				require.NoError(t, err)
			}
		}
	}
	for name, c := range map[string]struct {
		server   string
		user     string
		replicas int
		before   func(*testing.T, jetstream.JetStream)
		check    string
		verdict  Verdict
		says     []string
	}{
		"three replicas on one server": {
			server: open, replicas: 3, check: "storing", verdict: Failed, says: []string{"replicas > 1", "--nats-replicas 1"},
		},
		"three replicas of a stream that is there": {
			server: open, replicas: 3, before: exists, check: "storing", verdict: Failed, says: []string{"replicas > 1", "--nats-replicas 1"},
		},
		"no JetStream": {
			server: ``, check: "jetstream", verdict: Failed, says: []string{"no JetStream", "jetstream {"},
		},
		"no JetStream for the account": {
			server: accountWith("enabled"), user: "other", check: "jetstream", verdict: Failed, says: []string{"not enabled for account", "account's block"},
		},
		"too few streams": {
			server: accountWith("{ max_streams: 1 }"), user: "rollcall", check: "jetstream", verdict: Failed,
			says: []string{"1 streams", "KV_ROLLCALL_SHARDS", "max_streams to 3"},
		},
		"too few consumers": {
			server: accountWith("{ max_consumers: 2 }"), user: "rollcall", check: "jetstream", verdict: Failed, says: []string{"needs 5", "max_consumers"},
		},
		"no storage for the account": {
			server: accountWith("{ max_file: 0 }"), user: "rollcall", check: "storing", verdict: Failed, says: []string{"max_file"},
		},
		"no storage for the server": {
			server: `jetstream { store_dir: "HERE", max_file_store: 0 }`, check: "storing", verdict: Failed, says: []string{"max_file"},
		},
		"no memory for the account": {
			server: accountWith("{ max_mem: 0, max_file: 1GB }"), user: "rollcall", check: "storing", verdict: OK, says: []string{"removed"},
		},
		"a limit of bytes is required": {
			server: accountWith("{ max_bytes_required: true, max_file: 1GB }"), user: "rollcall", check: "storing", verdict: Failed,
			says: []string{"max bytes", "max_bytes_required"},
		},
		"a foreign stream on rollcall": {
			server: open, before: add(stream("MINE", "rollcall.>")), check: "stream", verdict: Failed, says: []string{"MINE", "rollcall.in.>"},
		},
		"a foreign stream on a part of it": {
			server: open, before: add(stream("MINE", "rollcall.in.conference.started")), check: "stream", verdict: Failed, says: []string{"MINE"},
		},
		"a foreign stream on the leases": {
			server: open, before: add(stream("MINE", "$KV.*.replicas.*")), check: "stream", verdict: Failed, says: []string{"MINE", "KV_ROLLCALL_SHARDS"},
		},
		"a copy that stays empty": {
			server: open, before: add(stream("COPY", "conference.>")), check: "stream", verdict: Note, says: []string{"COPY", "stays empty", "source"},
		},
		"a copy of a part that stays empty": {
			server: open, before: func(t *testing.T, js jetstream.JetStream) {
				exists(t, js)
				add(stream("COPY", "conference.member.*"))(t, js)
			}, check: "stream", verdict: Note, says: []string{"COPY", "stays empty"},
		},
		"storage nearly full": {
			server: accountWith("{ max_file: 100MB }"), user: "rollcall", before: fill(97 << 20), check: "jetstream", verdict: Note,
			says: []string{"nearly full", "--retention"},
		},
		"storage full": {
			server: accountWith("{ max_file: 8MB }"), user: "rollcall", before: fill(7900 << 10), check: "jetstream", verdict: Failed, says: []string{"full", "max_file"},
		},
		"the server's own storage is full, and everything is there": {
			server: `jetstream { store_dir: "HERE", max_file_store: 8MB }`, before: func(t *testing.T, js jetstream.JetStream) {
				exists(t, js)
				for _, b := range buckets(patient(t)) {
					_, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: b})
					require.NoError(t, err)
				}
				fill(8300<<10)(t, js)
			}, check: "storing", verdict: Failed, says: []string{"10023", "max_file_store"},
		},
		"the stream is full": {
			server: open, before: func(t *testing.T, js jetstream.JetStream) {
				exists(t, js)
				st, err := js.Stream(t.Context(), events.Stream)
				require.NoError(t, err)
				config := st.CachedInfo().Config
				config.MaxBytes = 1000
				_, err = js.UpdateStream(t.Context(), config)
				require.NoError(t, err)
			}, check: "stream", verdict: Failed, says: []string{"max_bytes", "full"},
		},
		"messages too small": {
			server: "max_payload: 8KB\n" + open, check: "jetstream", verdict: Failed, says: []string{"too large", "max_payload"},
		},
		"only events may be published": {
			server: with([]string{"conference.>", "$JS.API.>", "_INBOX.>"}, []string{">"}), user: "rollcall", check: "nats permissions", verdict: Failed,
			says: []string{"rollcall.in.", `"rollcall.in.>"`, `"$KV.ROLLCALL_SHARDS.>"`},
		},
		"no inbox": {
			server: with([]string{">"}, []string{"rollcall.>", "conference.>"}), user: "rollcall", check: "nats permissions", verdict: Failed,
			says: []string{`subscribe: { allow: ["_INBOX.>"] }`},
		},
		"only JetStream's requests are imported": {
			server: `jetstream { store_dir: "HERE" }
accounts {
	A: { jetstream: enabled, users: [{ user: owner, password: hunter2 }], exports: [{ service: "$JS.API.>", response: stream }] }
	B: { users: [{ user: rollcall, password: hunter2 }], imports: [{ service: { account: A, subject: "$JS.API.>" } }] }
}`, user: "rollcall", check: "storing", verdict: Failed, says: []string{"log in to the account that has JetStream"},
		},
		"somebody else's trial": {
			server: open, before: add(stream(publisher.TrialStream, "x")), check: "storing", verdict: Note, says: []string{"has not made"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := patient(t)
			s.Store.Replicas = max(c.replicas, 1)
			srv := broker(t, c.server)
			if c.before != nil {
				c.before(t, manager(t, srv, c.user))
			}
			began := time.Now()
			found, well := findings(t, user(s, srv, c.user))
			assert.Less(t, time.Since(began), 10*time.Second)
			f := found[c.check]
			assert.Equal(t, c.verdict, f.Verdict, whole(found))
			assert.Equal(t, c.verdict != Failed, well, whole(found))
			for _, text := range c.says {
				assert.Contains(t, f.Text+" > "+f.Mend, text, whole(found))
			}
		})
	}
}

// fill stores so many bytes in a stream of somebody else.
func fill(size int) func(*testing.T, jetstream.JetStream) {
	return func(t *testing.T, js jetstream.JetStream) {
		_, err := js.CreateStream(t.Context(), stream("OTHER", "other"))
		require.NoError(t, err)
		const piece = 500 << 10
		for left := size; left > 0; left -= piece {
			_, err := js.Publish(t.Context(), "other", make([]byte, min(left, piece)))
			require.NoError(t, err)
		}
	}
}

// What a doctor that was killed has left is removed, and a trial that is stopped leaves nothing.
func TestTrialsLeaveNothing(t *testing.T) {
	t.Parallel()
	s := patient(t)
	srv := broker(t, open)
	js := manager(t, srv, "")
	s = user(s, srv, "")
	gone := func() {
		_, err := js.Stream(t.Context(), publisher.TrialStream)
		assert.ErrorIs(t, err, jetstream.ErrStreamNotFound)
	}
	ctx, cancel := context.WithCancel(t.Context())
	sub, err := js.Conn().Subscribe("rollcall.doctor.told.>", func(*nats.Msg) { cancel() }) // in the middle of it
	require.NoError(t, err)
	require.NoError(t, js.Conn().Flush())
	assert.False(t, Examine(ctx, Options{Settings: s}, func(Finding) {}))
	assert.ErrorIs(t, ctx.Err(), context.Canceled)
	require.NoError(t, sub.Unsubscribe())
	gone()

	left := stream(publisher.TrialStream, "rollcall.doctor.in.>")
	left.Description = "Rollcall: tries what the server can do; to be removed"
	_, err = js.CreateStream(t.Context(), left)
	require.NoError(t, err)
	found, well := findings(t, s)
	assert.True(t, well, whole(found))
	assert.Equal(t, OK, found["storing"].Verdict, whole(found))
	gone()
	var names []string
	for name := range js.StreamNames(t.Context()).Name() {
		names = append(names, name)
	}
	assert.Empty(t, names)
}
