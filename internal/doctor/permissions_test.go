package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
)

// broker starts a NATS server with a configuration file, in which HERE stands for a directory to
// store in.
func broker(t *testing.T, text string) *server.Server {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "nats.conf")
	text = strings.ReplaceAll(text, "HERE", filepath.Join(dir, "store"))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	opts, err := server.ProcessConfigFile(file)
	require.NoError(t, err)
	opts.Host, opts.Port, opts.NoSigs, opts.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	s, err := server.NewServer(opts)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(time.Minute))
	return s
}

// user are settings to log in with.
func user(s config.Settings, srv *server.Server, name string) config.Settings {
	s.NATS = config.NATS{URL: config.Servers{srv.ClientURL()}}
	if name != "" {
		s.NATS.User, s.NATS.Password = name, "hunter2"
	}
	return s
}

// allowed are the lines that the service needs, as a user's permissions.
func allowed(s config.Settings, classes ...class) (publish, subscribe []string) {
	for _, n := range needs(s, nats.NewInbox()) {
		if len(classes) > 0 && !slices.Contains(classes, n.class) {
			continue
		}
		if n.subscribe {
			subscribe = append(subscribe, n.allow())
		} else {
			publish = append(publish, n.allow())
		}
	}
	slices.Sort(publish)
	slices.Sort(subscribe)
	return slices.Compact(publish), slices.Compact(subscribe)
}

// with is a configuration of a user with these permissions and of another one with all.
func with(publish, subscribe []string) string {
	quote := func(list []string) string {
		var out []string
		for _, s := range list {
			out = append(out, fmt.Sprintf("%q", s))
		}
		return strings.Join(out, ", ")
	}
	return fmt.Sprintf(`jetstream { store_dir: "HERE" }
authorization { users: [
	{ user: admin, password: hunter2 }
	{ user: rollcall, password: hunter2, permissions: { publish: { allow: [%s] }, subscribe: { allow: [%s] } } }
] }`, quote(publish), quote(subscribe))
}

func without(list []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == one })
}

// whole is everything that was found, as it is printed.
func whole(found map[string]Finding) string {
	var out strings.Builder
	for name, f := range found {
		fmt.Fprintf(&out, "%s %s: %s > %s\n", f.Verdict, name, f.Text, f.Mend)
	}
	return out.String()
}

// A user with all permissions but one is told which one, and the line that gives it.
func TestEachPermissionIsMissed(t *testing.T) {
	t.Parallel()
	s := patient(t)
	s.Polling.DiscoveryInterval = time.Minute
	publish, subscribe := allowed(s)
	t.Run("none", func(t *testing.T) {
		found, well := findings(t, user(s, broker(t, with(publish, subscribe)), "rollcall"))
		assert.True(t, well, whole(found))
		assert.Equal(t, OK, found["nats permissions"].Verdict, whole(found))
		assert.Equal(t, OK, found["storing"].Verdict, whole(found))
	})
	needed := func(line string, subscribe bool) bool {
		for _, n := range needs(s, nats.NewInbox()) {
			if n.allow() == line && n.subscribe == subscribe && (n.class == toServe || n.class == toMake) {
				return true
			}
		}
		return false
	}
	for _, one := range slices.Concat(publish, subscribe) {
		isSubscription := slices.Contains(subscribe, one)
		if one == "_INBOX.>" {
			isSubscription = true
		}
		t.Run(one, func(t *testing.T) {
			t.Parallel()
			text := with(without(publish, one), subscribe)
			if isSubscription {
				text = with(publish, without(subscribe, one))
			}
			began := time.Now()
			found, well := findings(t, user(s, broker(t, text), "rollcall"))
			assert.Less(t, time.Since(began), 8*time.Second)
			f := found["nats permissions"]
			assert.Equal(t, !needed(one, isSubscription), well, whole(found))
			way := "publish"
			if isSubscription {
				way = "subscribe"
			}
			assert.Contains(t, f.Mend, fmt.Sprintf("%s: { allow: [%q] }", way, one), whole(found))
		})
	}
}

// All that is refused is named in one run.
func TestAUserThatMayOnlyRead(t *testing.T) {
	t.Parallel()
	s := patient(t)
	srv := broker(t, with([]string{"$JS.API.CONSUMER.>", "$JS.API.STREAM.INFO.>"}, []string{"conference.>", "_INBOX.>"}))
	found, well := findings(t, user(s, srv, "rollcall"))
	assert.False(t, well)
	f := found["nats permissions"]
	assert.Equal(t, Failed, f.Verdict)
	for _, line := range []string{`"rollcall.in.>"`, `"$KV.ROLLCALL_SHARDS.>"`, `"$JS.API.STREAM.CREATE.CONFERENCE"`, `subscribe: { allow: [`, `"rollcall.shards.>"`} {
		assert.Contains(t, f.Mend, line)
	}
}

// The permissions that an operator is given are those that are needed.
func TestTheDocumentedUser(t *testing.T) {
	t.Parallel()
	s := patient(t)
	s.Polling.DiscoveryInterval, s.HTTP.APIToken = time.Minute, "a token of more than 16"
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "nats-user.conf"))
	require.NoError(t, err)
	text = []byte(strings.ReplaceAll(string(text), "$ROLLCALL_NATS_PASSWORD", "hunter2"))
	srv := broker(t, `jetstream { store_dir: "HERE" }
accounts { ROLLCALL { jetstream: enabled, users: [ { `+string(text)+` } ] } }`)
	found, well := findings(t, user(s, srv, "rollcall"))
	assert.True(t, well, whole(found))
	assert.Equal(t, OK, found["nats permissions"].Verdict, whole(found))
	publish, subscribe := allowed(s)
	assert.Equal(t, len(publish)+len(subscribe), strings.Count(string(text), "\n    \""), "nothing else")
}
