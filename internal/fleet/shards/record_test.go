package shards

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestOwnersAsStored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var want owners
		for shard := range want {
			want[shard] = rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "owner")
		}
		got, err := decodeOwners(want.encode())
		require.NoError(t, err)
		assert.Equal(t, want, got)
	})
	assert.JSONEq(t, `{"a":"8000000000000001"}`, string((&owners{0: "a", 63: "a"}).encode()))
}

func TestBadOwnersAreRefusedWhole(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"no JSON":    {`{`, "key owners"},
		"no sets":    {`{"a":[1]}`, "key owners"},
		"two owners": {`{"a":"3","b":"2"}`, "shard 1 has two owners"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeOwners([]byte(tt.text))
			require.ErrorContains(t, err, tt.want)
			assert.Equal(t, owners{}, got)
		})
	}
}

func FuzzDecodeOwners(f *testing.F) {
	f.Add([]byte(`{"a":"00000000000000ff","b":"ff00000000000000"}`))
	f.Add([]byte(`{"a":"1","b":"1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := decodeOwners(data)
		if err != nil {
			assert.Equal(t, owners{}, o)
			return
		}
		again, err := decodeOwners(o.encode())
		require.NoError(t, err)
		assert.Equal(t, o, again)
	})
}

func TestAnnouncementAsStored(t *testing.T) {
	t.Parallel()
	want := announcement{Name: "here", TTL: 2500, Since: 3, Admitted: true}
	assert.Equal(t, peer{announcement: want, revision: 9}, decodePeer("id", want.encode(), 9))

	first := decodePeer("id", announcement{Name: "here", TTL: 2500}.encode(), 9)
	assert.Equal(t, uint64(9), first.Since, "the first announcement does not know its own revision")
}

func TestWhatCannotBeReadIsAReplicaAllTheSame(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{"no JSON": "x", "empty": "", "another type": `{"ttlMs":"long"}`} {
		t.Run(name, func(t *testing.T) {
			p := decodePeer("id", []byte(data), 9)
			assert.Equal(t, "id", p.Name)
			assert.False(t, p.Admitted)
			assert.Equal(t, DefaultTTL, p.patience(time.Second))
		})
	}
}

func TestPatience(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stated int64
		want   time.Duration
	}{
		"as stated":    {500, 500 * time.Millisecond},
		"the longest":  {60_000, time.Minute},
		"out of range": {60_001, 4 * time.Second},
		"an overflow":  {1 << 62, 4 * time.Second},
		"missing":      {0, 4 * time.Second},
		"negative":     {-1, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, peer{announcement: announcement{TTL: tt.stated}}.patience(4*time.Second))
		})
	}
}

// answer is a message of the server's answer to a read.
func answer(data string, header ...string) *nats.Msg {
	msg := &nats.Msg{Header: nats.Header{}, Data: []byte(data)}
	for i := 0; i < len(header); i += 2 {
		msg.Header.Set(header[i], header[i+1])
	}
	return msg
}

func TestReadingAnswers(t *testing.T) {
	t.Parallel()
	s := snapshot{replicas: map[string]peer{}, ownersErr: errNoOwners}
	for _, msg := range []*nats.Msg{
		answer(`{"name":"here"}`, "Nats-Subject", keyPrefix+"replica.a", "Nats-Sequence", "3"),
		answer(``, "Nats-Subject", keyPrefix+"replica.b", "Nats-Sequence", "4", "KV-Operation", "PURGE"),
		answer(``, "Nats-Subject", keyPrefix+"replica.c", "Nats-Sequence", "5", "Nats-Marker-Reason", "MaxAge"),
		answer(`{"a":"1"}`, "Nats-Subject", keyPrefix+"owners", "Nats-Sequence", "6"),
		answer(`a later version's`, "Nats-Subject", keyPrefix+"later", "Nats-Sequence", "7"),
	} {
		more, err := s.add(msg)
		require.NoError(t, err)
		assert.True(t, more)
	}
	more, err := s.add(answer("", "Status", "204", "Nats-Num-Pending", "0", "Nats-UpTo-Sequence", "8"))
	require.NoError(t, err)
	assert.False(t, more)
	assert.Equal(t, snapshot{
		upTo:     8,
		replicas: map[string]peer{"a": {announcement: announcement{Name: "here", Since: 3}, revision: 3}},
		owners:   owners{0: "a"}, ownersAt: 6,
	}, s)
}

func TestBadAnswersAreErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		msg  *nats.Msg
		want string
	}{
		"another status":  {answer("", "Status", "413", "Description", "Too Many Results"), "413 Too Many Results"},
		"a key is lost":   {answer("", "Status", "404", "Description", "Message Not Found"), "Message Not Found"},
		"not all":         {answer("", "Status", "204", "Nats-Num-Pending", "3"), "3 keys are left out"},
		"no end":          {answer("", "Status", "204", "Nats-Num-Pending", "0"), "invalid syntax"},
		"another subject": {answer("", "Nats-Subject", "x", "Nats-Sequence", "1"), `subject "x"`},
		"no revision":     {answer("", "Nats-Subject", keyPrefix+"owners"), "revision of owners"},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshot{}
			more, err := s.add(tt.msg)
			require.ErrorContains(t, err, tt.want)
			assert.False(t, more && err == nil)
		})
	}
}
