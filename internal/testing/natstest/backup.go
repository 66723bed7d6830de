package natstest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// Backup is what the nats command writes of a stream and its consumers with "nats stream backup".
type Backup struct {
	about  json.RawMessage // the stream's configuration and state
	chunks [][]byte
}

const (
	chunkSize = 64 << 10
	exchange  = 10 * time.Second
)

// TakeBackup copies the stream and its consumers as they are, as "nats stream backup" does.
func TakeBackup(t testing.TB, nc *nats.Conn) Backup {
	t.Helper()
	return takeBackup(t, nc, false)
}

// TakeBackupAlone copies the stream without its consumers.
func TakeBackupAlone(t testing.TB, nc *nats.Conn) Backup {
	t.Helper()
	return takeBackup(t, nc, true)
}

func takeBackup(t testing.TB, nc *nats.Conn, alone bool) Backup {
	t.Helper()
	inbox := nc.NewRespInbox()
	sub, err := nc.SubscribeSync(inbox)
	require.NoError(t, err)
	defer func() { _ = sub.Unsubscribe() }()
	request, err := json.Marshal(map[string]any{"deliver_subject": inbox, "chunk_size": chunkSize, "no_consumers": alone})
	require.NoError(t, err)
	b := Backup{about: about(t, ask(t, nc, "$JS.API.STREAM.SNAPSHOT."+events.Stream, request))}
	for {
		chunk, err := sub.NextMsg(exchange)
		require.NoError(t, err)
		if len(chunk.Data) == 0 {
			return b
		}
		b.chunks = append(b.chunks, chunk.Data)
		if chunk.Reply != "" {
			require.NoError(t, chunk.Respond(nil))
		}
	}
}

// about is the part of an answer that a restore is asked with.
func about(t testing.TB, answer []byte) json.RawMessage {
	t.Helper()
	var all struct {
		Config json.RawMessage `json:"config"`
		State  json.RawMessage `json:"state"`
	}
	require.NoError(t, json.Unmarshal(answer, &all))
	text, err := json.Marshal(map[string]json.RawMessage{"config": all.Config, "state": all.State})
	require.NoError(t, err)
	return text
}

// Restore puts the stream back, as "nats stream restore" does. The servers refuse that over a
// stream that is there.
func (b Backup) Restore(t testing.TB, nc *nats.Conn) {
	t.Helper()
	require.NoError(t, b.restore(t, nc, func() {}))
}

// RestoreInHalves is Restore that calls meanwhile when half of the backup is sent: the servers show
// what of the stream they have by then. The backup has to be of several chunks.
func (b Backup) RestoreInHalves(t testing.TB, nc *nats.Conn, meanwhile func()) {
	t.Helper()
	require.Greater(t, len(b.chunks), 1)
	require.NoError(t, b.restore(t, nc, meanwhile))
}

// RestoreError is Restore where the servers refuse it, and returns why.
func (b Backup) RestoreError(t testing.TB, nc *nats.Conn) error {
	t.Helper()
	return b.restore(t, nc, func() {})
}

func (b Backup) restore(t testing.TB, nc *nats.Conn, halfway func()) error {
	t.Helper()
	reply, err := nc.Request("$JS.API.STREAM.RESTORE."+events.Stream, b.about, exchange)
	require.NoError(t, err)
	var to struct {
		Error   *jetstream.APIError `json:"error"`
		Subject string              `json:"deliver_subject"`
	}
	require.NoError(t, json.Unmarshal(reply.Data, &to))
	if to.Error != nil {
		return to.Error
	}
	for i, chunk := range b.chunks {
		if i == len(b.chunks)/2 {
			halfway()
		}
		_, err := nc.Request(to.Subject, chunk, exchange)
		require.NoError(t, err)
	}
	if reply, err = nc.Request(to.Subject, nil, exchange); err != nil {
		return err
	}
	require.NoError(t, json.Unmarshal(reply.Data, &to))
	if to.Error != nil {
		return to.Error
	}
	return nil
}

// ask makes a request of JetStream's API that does not fail.
func ask(t testing.TB, nc *nats.Conn, subject string, request []byte) json.RawMessage {
	t.Helper()
	reply, err := nc.Request(subject, request, exchange)
	require.NoError(t, err)
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	require.NoError(t, json.Unmarshal(reply.Data, &answer))
	require.Nil(t, answer.Error)
	return reply.Data
}
