package access

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// replica has the sessions that are kept at a server.
func replica(t *testing.T, server *streamtest.Server, life time.Duration, keys *Keys) *Sessions {
	t.Helper()
	js, err := jetstream.New(server.Connect())
	require.NoError(t, err)
	bucket := &Bucket{Life: life, JetStream: func() jetstream.JetStream { return js }}
	return &Sessions{Life: life, Store: bucket, Keys: keys, Groups: Groups{"staff": {Read}, "it": {Read, Watch}}}
}

func TestSessions(t *testing.T) {
	server := streamtest.Start(t)
	path := file(t, "tokens:\n"+line("office", "the office", "read")+line("it", "the it", "admin"))
	keys, err := OpenKeys("", path, "")
	require.NoError(t, err)
	here, there := replica(t, server, time.Hour, keys), replica(t, server, time.Hour, keys)
	ctx := t.Context()

	_, err = there.Find(ctx, "nothing")
	require.ErrorIs(t, err, ErrNoSession, "before there is a bucket")
	require.NoError(t, there.End(ctx, "nothing"))
	_, err = here.BeginWithToken(ctx, "wrong")
	require.ErrorIs(t, err, ErrNoSession)
	first, err := here.BeginWithToken(ctx, "the office")
	require.NoError(t, err)
	second, err := there.BeginWithToken(ctx, "the office")
	require.NoError(t, err)
	assert.NotEqual(t, first, second)
	for _, replica := range []*Sessions{here, there} {
		caller, err := replica.Find(ctx, first)
		require.NoError(t, err)
		assert.Equal(t, Caller{Kind: ByToken, Name: "office", Scopes: Scopes{Read}}, caller)
	}

	// Logging out ends this session, everywhere, and no other.
	require.NoError(t, there.End(ctx, first))
	_, err = here.Find(ctx, first)
	require.ErrorIs(t, err, ErrNoSession)
	_, err = here.Find(ctx, second)
	require.NoError(t, err)

	// A session may what its token may now.
	require.NoError(t, os.WriteFile(path, []byte("tokens:\n"+line("office", "the office", "watch")), 0o600))
	require.NoError(t, errors.Join(keys.read(), keys.read()))
	caller, err := here.Find(ctx, second)
	require.NoError(t, err)
	assert.Equal(t, Scopes{Watch}, caller.Scopes)
	require.NoError(t, os.WriteFile(path, []byte("tokens:\n"+line("office", "a new one", "watch")), 0o600))
	require.NoError(t, errors.Join(keys.read(), keys.read()))
	_, err = here.Find(ctx, second)
	require.ErrorIs(t, err, ErrNoSession, "another token of the name is not the one that it began with")
}

func TestSessionsOfPeople(t *testing.T) {
	keys, err := OpenKeys("", "", "")
	require.NoError(t, err)
	s := replica(t, streamtest.Start(t), time.Hour, keys)
	name, err := s.BeginWithPerson(t.Context(), "ann@example.com", []string{"it", "chess club"})
	require.NoError(t, err)
	caller, err := s.Find(t.Context(), name)
	require.NoError(t, err)
	assert.Equal(t, Caller{Kind: ByPerson, Name: "ann@example.com", Scopes: Scopes{Read, Watch}}, caller)
	kept, err := s.Store.Get(t.Context(), keyOf(name))
	require.NoError(t, err)
	assert.NotContains(t, string(kept), "chess", "what does not count is not kept")
	assert.NotContains(t, string(kept), name)
	s.Groups = Groups{"staff": {Read}}
	_, err = s.Find(t.Context(), name)
	require.ErrorIs(t, err, ErrNoSession, "the group counts no more")
}

func TestSessionsEnd(t *testing.T) {
	keys, err := OpenKeys("the token", "", "")
	require.NoError(t, err)
	s := replica(t, streamtest.Start(t), time.Hour, keys)
	now := time.Now()
	s.Now = func() time.Time { return now }
	name, err := s.BeginWithToken(t.Context(), "the token")
	require.NoError(t, err)
	now = now.Add(time.Hour - time.Millisecond)
	_, err = s.Find(t.Context(), name)
	require.NoError(t, err)
	s.Life = time.Minute
	_, err = s.Find(t.Context(), name)
	require.ErrorIs(t, err, ErrNoSession, "a shorter life counts for those that have begun, too")
	s.Life = 2 * time.Hour
	now = now.Add(time.Millisecond)
	_, err = s.Find(t.Context(), name)
	require.ErrorIs(t, err, ErrNoSession)
}

// While NATS is away it cannot be told whether there is a session.
func TestSessionsWithoutNATS(t *testing.T) {
	server := streamtest.Start(t)
	keys, err := OpenKeys("the token", "", "")
	require.NoError(t, err)
	s := replica(t, server, time.Hour, keys)
	name, err := s.BeginWithToken(t.Context(), "the token")
	require.NoError(t, err)
	server.Stop()
	_, err = s.Find(t.Context(), name)
	require.Error(t, err)
	assert.False(t, errors.Is(err, ErrNoSession))
	server.Start()
	require.Eventually(t, func() bool {
		_, err := s.Find(t.Context(), name)
		return err == nil
	}, patience, 10*time.Millisecond)

	s.Store = &Bucket{JetStream: func() jetstream.JetStream { return nil }}
	_, err = s.Find(t.Context(), name)
	require.ErrorIs(t, err, ErrNotConnected)
}

func TestNewSecret(t *testing.T) {
	a, b := NewSecret(), NewSecret()
	assert.NotEqual(t, a, b)
	assert.True(t, strings.HasPrefix(a, "rollcall_"))
	assert.GreaterOrEqual(t, len(a), 40)
}
