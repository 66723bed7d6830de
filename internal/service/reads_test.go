package service

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// TestWhoReadWhatIsStored where it is wanted, also of the last read before the service stops, and
// with the life of other events.
func TestWhoReadWhatIsStored(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	store := streamtest.Start(t)
	s := external(settings(t, api), store.Address)
	s.Events.AccessEvents, s.Events.Retention = true, time.Hour
	r := start(t, s)
	r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	r.eventually("/v1/meetings/office", http.StatusOK, "office")
	status, _ = r.do(http.MethodGet, "/v1/people/someone-asked-about", "")
	require.Equal(t, http.StatusOK, status)
	require.NoError(t, r.stop())
	stream, err := store.JetStream().Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	first, err := stream.GetMsg(t.Context(), 1, jetstream.WithGetMsgSubject(string(events.AccessRead)))
	require.NoError(t, err)
	e, err := events.Decode(first.Data)
	require.NoError(t, err)
	assert.Equal(t, &events.Access{What: "roster", By: "local", Meeting: "office"}, e.Access)
	assert.Equal(t, "3600s", first.Header.Get(jetstream.MsgTTLHeader))
	last, err := stream.GetLastMsgForSubject(t.Context(), string(events.AccessRead))
	require.NoError(t, err)
	e, err = events.Decode(last.Data)
	require.NoError(t, err)
	assert.Equal(t, &events.Access{What: "person", By: "local"}, e.Access)
	assert.NotContains(t, string(last.Data), "someone")
}

// heldUp is NATS that does not answer until it is let go, and then fails.
type heldUp chan struct{}

func (h heldUp) TellRead(ctx context.Context, _ events.Access, _ time.Time) error {
	select {
	case <-h:
		return errors.New("no NATS")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestReadsDoNotWait for NATS, and those that have no event are counted and stand in the log.
func TestReadsDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbuffer.Buffer
		r := newReads(true, slog.New(slog.NewTextHandler(&log, nil)))
		stop := r.start(make(heldUp))
		r.note(events.Access{What: "report"})
		synctest.Wait() // it is being told
		for range readsWaiting {
			r.note(events.Access{What: "report"})
		}
		assert.Zero(t, r.unrecorded())
		r.note(events.Access{What: "roster", By: "token", Name: "office", Meeting: "one"})
		assert.Equal(t, uint64(1), r.unrecorded())
		assert.Contains(t, log.String(), "what=roster by=token name=office meeting=one")
		before := time.Now()
		stop()
		assert.Equal(t, readsGrace, time.Since(before))
		assert.Equal(t, uint64(readsWaiting+2), r.unrecorded())
		assert.Equal(t, readsWaiting+2, strings.Count(log.String(), "could not be stored"))
	})
}

func TestNoReadsAreToldUnlessWanted(t *testing.T) {
	r := newReads(false, nil)
	assert.Nil(t, r.listener())
	r.start(nil)()
	assert.Zero(t, r.unrecorded())
}
