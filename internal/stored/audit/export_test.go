package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/evidence"
	"github.com/c4342123/rollcall/internal/stored/audit"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// export writes evidence, and checks it.
func (w *world) export(x audit.Export, opts evidence.Options) (string, []byte, error) {
	w.t.Helper()
	var out bytes.Buffer
	x.JetStream = w.js
	_, err := x.Write(w.t.Context(), &out)
	require.NoError(w.t, err)
	opts.Keys = append(opts.Keys, w.public)
	proven, err := evidence.Check([]evidence.File{{Name: "file", Reader: bytes.NewReader(out.Bytes())}}, opts)
	return proven.String(), out.Bytes(), err
}

// TestWhatIsStoredIsProven as the service stores it: an end by a list, a meeting that is watched
// again, one that goes on, and one that nobody sealed.
func TestWhatIsStoredIsProven(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.end(2)
	w.Join("m2") // after its end: it is watched again
	w.End("m2", streamtest.Begin+120_000)
	w.run(w.options())
	w.becomes(3)
	proven, _, err := w.export(audit.Export{}, evidence.Options{All: true})
	require.NoError(t, err)
	assert.Contains(t, proven, "proven: 2 meetings, ")
	assert.Contains(t, proven, ", log of 3 at ")
	older, err := audit.Checkpoint(t.Context(), w.js)
	require.NoError(t, err)

	w.Watch("on", streamtest.Begin, diff.Description{Title: "goes on"})
	w.Join("on")
	_, _, err = w.export(audit.Export{Meeting: "on"}, evidence.Options{})
	assert.ErrorContains(t, err, "it is not over")
	proven, _, err = w.export(audit.Export{}, evidence.Options{Open: true})
	require.NoError(t, err)
	assert.Contains(t, proven, "not proven: 1 open meeting, 2 events")
	proven, _, err = w.export(audit.Export{Meeting: "m2"}, evidence.Options{Older: []evidence.Older{{Name: "older", Note: older}}})
	require.NoError(t, err)
	assert.Contains(t, proven, "proven: 1 meeting, ")
	_, _, err = w.export(audit.Export{Meeting: "m2"}, evidence.Options{All: true})
	assert.ErrorContains(t, err, "the meeting of leaf 0 of the log is missing")

	_, file, err := w.export(audit.Export{Since: time.Now().Add(time.Hour)}, evidence.Options{})
	require.NoError(t, err)
	assert.Contains(t, string(file), `"meetings":[]`)
	_, err = audit.Export{JetStream: w.js, Meeting: "none"}.Write(t.Context(), &bytes.Buffer{})
	require.ErrorIs(t, err, audit.ErrNoMeeting)
}

// TestWithoutALog proves nothing, and says so.
func TestWithoutALog(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.end(1)
	_, file, err := w.export(audit.Export{}, evidence.Options{})
	assert.ErrorContains(t, err, "no checkpoint covers it yet")
	assert.Contains(t, string(file), `"origin":"rollcall/default","size":0,`)
	proven, _, err := w.export(audit.Export{}, evidence.Options{Open: true})
	require.NoError(t, err)
	assert.Contains(t, proven, "proven: 0 meetings, 0 events, no log")
}

// TestErasedEventsOfTheStream leave holes, which the evidence has.
func TestErasedEventsOfTheStream(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.Watch("a", streamtest.Begin, diff.Description{Title: "Weekly"})
	for range 3 {
		w.Join("a")
	}
	w.End("a", streamtest.Begin+60_000)
	w.run(w.options())
	w.becomes(1)
	stream, err := w.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	joined, err := stream.GetLastMsgForSubject(t.Context(), events.ByMeeting("a", events.Joined))
	require.NoError(t, err)
	e, err := events.Decode(joined.Data)
	require.NoError(t, err)
	require.NoError(t, stream.SecureDeleteMsg(t.Context(), joined.Sequence))
	_, _, err = w.export(audit.Export{}, evidence.Options{})
	require.ErrorContains(t, err, "does not follow")

	hole := events.Hole{Sequence: e.Sequence, Hash: events.HashOf(joined.Data).String(), Previous: e.Previous}
	last, err := stream.GetLastMsgForSubject(t.Context(), events.OfMeeting("a"))
	require.NoError(t, err)
	w.erased(last.Data, hole)
	w.becomes(2)
	proven, file, err := w.export(audit.Export{}, evidence.Options{All: true})
	require.NoError(t, err)
	assert.Contains(t, proven, "; 1 event erased")
	want, err := json.Marshal(struct {
		Evidence string `json:"evidence"`
		events.Hole
	}{"erased", hole})
	require.NoError(t, err)
	assert.Contains(t, string(file), string(want)+"\n")
}

// erased stores that an event was erased, behind the last of the meeting.
func (w *world) erased(last []byte, hole events.Hole) {
	w.t.Helper()
	before, err := events.Decode(last)
	require.NoError(w.t, err)
	seal := *before.Seal()
	data := &events.Erased{ConferenceID: "a", Events: 1, Holes: []events.Hole{hole}, Reason: "asked", Seal: &seal}
	e := events.Event{
		ID: "erased", Source: before.Source, Type: events.PersonErased, Time: before.Time, RecordedTime: before.RecordedTime,
		Previous: events.HashOf(last).String(), Salt: before.Salt, Erased: data,
	}
	data.Seal.Events, data.Seal.Hash, data.Seal.Signature = seal.Events+1, e.Previous, ""
	unsigned, err := events.Encode(e)
	require.NoError(w.t, err)
	signature, err := w.pair.Sign(events.SealText(e.Source, data.Seal, events.HashOf(unsigned)))
	require.NoError(w.t, err)
	data.Seal.Signature = events.FormatSignature(signature)
	payload, err := events.Encode(e)
	require.NoError(w.t, err)
	for _, subject := range []string{string(e.Type), events.ByMeeting("a", e.Type)} {
		_, err := w.js.Publish(w.t.Context(), fmt.Sprint("rollcall.in.", subject), payload)
		require.NoError(w.t, err)
	}
}
