package evidence_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/evidence"
)

// forget erases events, by their places, and tells so.
func (m *told) forget(places ...int) *told {
	m.tb.Helper()
	data := &events.Erased{ConferenceID: m.id, Events: len(places), Reason: "asked", By: "office", At: begin.UnixMilli()}
	for _, at := range places {
		e, err := events.Decode(m.payloads[at])
		require.NoError(m.tb, err)
		data.Holes = append(data.Holes, events.Hole{Sequence: e.Sequence, Hash: events.HashOf(m.payloads[at]).String(), Previous: e.Previous})
	}
	for _, at := range places {
		m.payloads[at] = nil
	}
	m.store(events.Event{Type: events.PersonErased, Erased: data}, &data.Seal)
	m.payloads = slices.DeleteFunc(m.payloads, func(p []byte) bool { return p == nil })
	return m
}

func TestErasedEvents(t *testing.T) {
	t.Parallel()
	pair := key(t, 1)
	// The one that names the creator, one that is the last of a row, and an end, whose leaf stays.
	m := tell(t, "a", pair).start().people(3).end()
	before := log(t, pair, m).leaves
	m.forget(0, 2, 3, 7)
	l := log(t, pair, m)
	l.leaves = append(before, l.leaves...)
	got, err := l.check(l.all(), evidence.Options{All: true})
	require.NoError(t, err)
	assert.Contains(t, got.String(), "proven: 1 meeting, 5 events, log of 2 ")
	assert.Contains(t, got.String(), "; 4 events erased")

	whole := lines(l.all())
	for at, line := range whole[:len(whole)-1] {
		dropped := resealed(t, slices.Delete(slices.Clone(whole), at, at+1))
		_, err := l.check(bytes.Join(dropped, nil), evidence.Options{All: true})
		if want := at + 1; !bytes.HasPrefix(whole[at-min(at, 1)], []byte(`{"evidence":"erased"`)) || !bytes.HasPrefix(line, []byte(`{"evidence":"leaf"`)) {
			assert.Equal(t, want, misfit(t, err).Line, "%s: %v", line, err)
		} else { // what was erased need not have been an end: it is missing from the log as a whole
			assert.Equal(t, len(dropped), misfit(t, err).Line, "%s: %v", line, err)
		}
		twice := resealed(t, slices.Insert(slices.Clone(whole), at, line))
		_, err = l.check(bytes.Join(twice, nil), evidence.Options{All: true})
		assert.Equal(t, at+2, misfit(t, err).Line, "%s: %v", line, err)
	}
}

// TestAHoleThatNothingTellsOf is one that somebody has made who cannot sign.
func TestAHoleThatNothingTellsOf(t *testing.T) {
	t.Parallel()
	pair := key(t, 1)
	m := tell(t, "a", pair).start().people(3).end().forget(1)
	l := log(t, pair, tell(t, "b", pair).start().people(1).end(), m)
	file := lines(l.all())
	// The header, four events and a leaf of b, the start of a, its hole, and then the first that stays.
	gone := file[8]
	e, err := events.Decode(bytes.TrimSpace(gone))
	require.NoError(t, err)
	file[8] = fmt.Appendf(nil, "{\"evidence\":\"erased\",\"sequence\":%d,\"hash\":%q,\"previous\":%q}\n",
		e.Sequence, events.HashOf(bytes.TrimSpace(gone)), e.Previous)
	file[0] = bytes.Replace(file[0], []byte(`"conferenceId":"a","events":8`), []byte(`"conferenceId":"a","events":7`), 1)
	_, err = l.check(bytes.Join(resealed(t, file), nil), evidence.Options{Open: true})
	assert.Equal(t, 9, misfit(t, err).Line, err)
	assert.Contains(t, err.Error(), "no event of the meeting tells")
}
