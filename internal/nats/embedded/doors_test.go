package embedded

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// loopbackDoors are those of a server whose settings say nothing about who may come in.
var loopbackDoors = Doors{Anonymous: true}

func startWithDoors(t *testing.T, dir string, d Doors) *Server {
	t.Helper()
	s, err := Start(t.Context(), Options{StoreDir: dir, Listen: "127.0.0.1:0", Doors: &d})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// account is the account that a connection has come to.
func account(t *testing.T, js jetstream.JetStream) string {
	t.Helper()
	reply, err := js.Conn().Request("$SYS.REQ.USER.INFO", nil, time.Minute)
	require.NoError(t, err)
	var said struct {
		Data struct {
			Account string `json:"account"`
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal(reply.Data, &said))
	return said.Data.Account
}

// conference makes the stream of the events, as far as it matters here.
func conference(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	_, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{
		Name: events.Stream, Subjects: []string{"rollcall.in.>"}, AllowDirect: true,
		SubjectTransform: &jetstream.SubjectTransformConfig{Source: "rollcall.in.>", Destination: ">"},
		RePublish:        &jetstream.RePublish{Source: "conference.>", Destination: "conference.>"},
	})
	require.NoError(t, err)
}

func TestWhoComesInByWhichDoor(t *testing.T) {
	all := Doors{Operator: Login{"ann", "operates"}, Token: "t0ken", Reader: Login{"rita", "reads"}}
	anonymous := all
	anonymous.Anonymous, anonymous.Reader = true, Login{}
	for name, c := range map[string]struct {
		doors Doors
		login nats.Option
		in    string // account; empty when refused
	}{
		"nobody, where that is allowed":     {anonymous, nil, "ROLLCALL_READERS"},
		"nobody, where that is not allowed": {all, nil, ""},
		"the operator":                      {all, nats.UserInfo("ann", "operates"), "$G"},
		"the operator's token":              {all, nats.Token("t0ken"), "$G"},
		"another token":                     {anonymous, nats.Token("token"), ""},
		"the reader":                        {all, nats.UserInfo("rita", "reads"), "ROLLCALL_READERS"},
		"the operator with a wrong word":    {anonymous, nats.UserInfo("ann", "reads"), ""},
		"the guest by name, uninvited":      {all, nats.UserInfo(userAnonymous, ""), ""},
		"somebody":                          {anonymous, nats.UserInfo("bob", ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := startWithDoors(t, t.TempDir(), c.doors)
			opts := []nats.Option{nats.Timeout(time.Minute)}
			if c.login != nil {
				opts = append(opts, c.login)
			}
			if c.in == "" {
				_, err := nats.Connect(s.ClientURL(), opts...)
				require.ErrorIs(t, err, nats.ErrAuthorization)
				return
			}
			assert.Equal(t, c.in, account(t, connect(t, s.ClientURL(), opts...)))
		})
	}
}

// The product's own user is of no use to anybody who comes from outside, even with its password.
func TestTheProductsUserComesFromInsideAlone(t *testing.T) {
	s := startWithDoors(t, t.TempDir(), loopbackDoors)
	assert.Equal(t, "$G", account(t, connect(t, "", s.InProcess()...)))
	_, err := nats.Connect(s.ClientURL(), s.keys.inProcess())
	require.ErrorIs(t, err, nats.ErrAuthorization)
}

// What was stored with the doors, or before there were any, is there after a restart, at once for
// whichever client comes in.
func TestWhatIsStoredOutlivesTheDoors(t *testing.T) {
	dir := t.TempDir()
	before := startServer(t, dir)
	js := connect(t, before.ClientURL())
	conference(t, js)
	publish := func(js jetstream.JetStream) {
		_, err := js.Publish(t.Context(), "rollcall.in.conference.member.joined", []byte("{}"))
		require.NoError(t, err)
	}
	publish(js)
	_, err := js.CreateConsumer(t.Context(), events.Stream, jetstream.ConsumerConfig{Durable: "audit", AckPolicy: jetstream.AckExplicitPolicy})
	require.NoError(t, err)
	require.NoError(t, before.Close())
	for round := uint64(1); round < 4; round++ {
		s := startWithDoors(t, dir, loopbackDoors)
		reader := connect(t, s.ClientURL())
		st, err := reader.Stream(t.Context(), events.Stream)
		require.NoError(t, err)
		assert.Equal(t, round, st.CachedInfo().State.LastSeq)
		consumer, err := st.Consumer(t.Context(), "audit")
		require.NoError(t, err)
		msg, err := consumer.Next()
		require.NoError(t, err)
		require.NoError(t, msg.DoubleAck(t.Context()))
		meta, err := msg.Metadata()
		require.NoError(t, err)
		assert.Equal(t, round, meta.Sequence.Stream)
		publish(connect(t, "", s.InProcess()...))
		if round == 2 {
			require.NoError(t, s.Reopen(t.Context()))
			require.Eventually(t, func() bool {
				st, err := reader.Stream(t.Context(), events.Stream)
				return err == nil && st.CachedInfo().State.LastSeq == round+1
			}, time.Minute, 10*time.Millisecond, "after it was opened again")
		}
		require.NoError(t, s.Close())
	}
	after := startServer(t, dir)
	assert.Equal(t, "$G", account(t, connect(t, after.ClientURL())), "and without doors again")
}

// Programs on the same directory come in by the file, which others cannot read and which is gone
// with the server.
func TestTheLoginFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, LoginFile)
	s := startWithDoors(t, dir, loopbackDoors)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	l, err := ReadLogin(path)
	require.NoError(t, err)
	assert.Equal(t, s.ClientURL(), l.URL)
	assert.Equal(t, "$G", account(t, connect(t, l.URL, nats.UserInfo(l.User, l.Password))))
	require.NoError(t, os.Chmod(path, 0o640))
	_, err = ReadLogin(path)
	require.ErrorContains(t, err, "can be read by others")
	require.NoError(t, s.Close())
	assert.NoFileExists(t, path)

	s = startWithDoors(t, dir, loopbackDoors)
	_, err = nats.Connect(s.ClientURL(), nats.UserInfo(l.User, l.Password))
	require.ErrorIs(t, err, nats.ErrAuthorization, "a login counts for one run of the server")
}

func TestDoorsThatDoNotFit(t *testing.T) {
	operator := Login{"ann", "operates"}
	for name, c := range map[string]struct {
		listen string
		doors  Doors
		says   string
	}{
		"nobody asked, off loopback":  {"0.0.0.0:0", Doors{Anonymous: true}, ErrCredentialsRequired.Error()},
		"clear text, off loopback":    {"0.0.0.0:0", Doors{Operator: operator}, ErrTLSRequired.Error()},
		"a user without a password":   {"127.0.0.1:0", Doors{Reader: Login{User: "rita"}}, "belong together"},
		"reader and operator are one": {"127.0.0.1:0", Doors{Operator: operator, Reader: Login{"ann", "x"}}, `"ann" is operator and reader`},
		"a name of the server's own":  {"127.0.0.1:0", Doors{Operator: Login{userProduct, "x"}}, "the server's own do"},
		"a certificate without a key": {"127.0.0.1:0", Doors{TLSCert: "x"}, "belong together"},
		"no certificate there":        {"127.0.0.1:0", Doors{TLSCert: "/nowhere/x", TLSKey: "/nowhere/y"}, "/nowhere/x"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := Options{StoreDir: t.TempDir(), Listen: c.listen, Doors: &c.doors}
			_, err := Start(context.Background(), opts)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, Check(t.Context(), opts), c.says)
		})
	}
}
