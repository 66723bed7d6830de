package reading_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/reading"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

const patience = 20 * time.Second

// brief is an event in few words.
func brief(t *testing.T, m reading.Message) string {
	t.Helper()
	e, err := events.Decode(m.Data)
	require.NoError(t, err)
	if e.Member == nil {
		return e.ConferenceID() + " " + string(e.Type)
	}
	return e.ConferenceID() + " " + e.Member.UserNick
}

// all reads everything there is to be read.
func all(t *testing.T, js jetstream.JetStream, opts reading.Options) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := reading.Open(ctx, js, opts)
	require.NoError(t, err)
	var out []string
	require.NoError(t, r.Run(ctx, func(m reading.Message) error {
		out = append(out, brief(t, m))
		return nil
	}))
	require.NoError(t, ctx.Err(), "the reading does not end")
	return out
}

func TestWhatIsRead(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	assert.Empty(t, all(t, js, reading.Options{}), "an empty stream")
	r.Watch("a", streamtest.Begin, diff.Description{})
	r.Join("a")
	r.Join("b")
	r.Join("a")
	r.Watch("b", streamtest.Begin, diff.Description{})
	everything := []string{"a conference.meeting.started", "a p1", "b p2", "a p3", "b conference.meeting.started"}
	assert.Equal(t, everything, all(t, js, reading.Options{}))
	assert.Equal(t, everything, all(t, js, reading.Options{Since: time.UnixMilli(1)}))
	assert.Empty(t, all(t, js, reading.Options{Since: time.Now().Add(time.Hour)}))
	assert.Empty(t, all(t, js, reading.Options{New: true}))
	for name, c := range map[string]struct {
		meeting string
		types   []events.Type
		want    []string
	}{
		"a meeting":              {"a", nil, []string{everything[0], "a p1", "a p3"}},
		"no such meeting":        {"c", nil, nil},
		"a type":                 {"", []events.Type{events.Joined}, []string{"a p1", "b p2", "a p3"}},
		"types":                  {"", []events.Type{events.MeetingStarted, events.Kicked}, []string{everything[0], everything[4]}},
		"a type of a meeting":    {"a", []events.Type{events.Joined}, []string{"a p1", "a p3"}},
		"what does not occur":    {"a", []events.Type{events.Left}, nil},
		"all types of a meeting": {"b", []events.Type{events.MeetingStarted, events.Joined}, []string{"b p2", everything[4]}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, all(t, js, reading.Options{Subjects: reading.Subjects(c.meeting, c.types...)}))
		})
	}
}

// Reading in parts, each behind the last message of the one before, gives everything once.
func TestReadingInParts(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	want := []string{}
	for range 7 {
		want = append(want, "a "+r.Join("a"))
	}
	enough := errors.New("enough")
	var got []string
	for after, parts := uint64(0), 0; len(got) < len(want) && parts < len(want); parts++ {
		part, err := reading.Open(t.Context(), js, reading.Options{After: diff.Position{Sequence: after}})
		require.NoError(t, err)
		n := 0
		err = part.Run(t.Context(), func(m reading.Message) error {
			if n++; n > 2 {
				return enough
			}
			got, after = append(got, brief(t, m)), m.Sequence
			return nil
		})
		if err != nil {
			require.Equal(t, enough, err)
		}
	}
	assert.Equal(t, want, got)

	_, err := reading.Open(t.Context(), js, reading.Options{After: diff.Position{Sequence: 1_000_000}})
	require.ErrorIs(t, err, reading.ErrBeyondEnd)
	assert.ErrorContains(t, err, "before 1000000")
}

// What is stored while stored events are read is not read, or the reading might never end.
func TestReadingEndsWhereItWasOpened(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	first, second := r.Join("a"), r.Join("a")
	reader, err := reading.Open(t.Context(), js, reading.Options{})
	require.NoError(t, err)
	var got []string
	require.NoError(t, reader.Run(t.Context(), func(m reading.Message) error {
		r.Join("a")
		assert.LessOrEqual(t, m.Sequence, reader.End().Sequence)
		got = append(got, brief(t, m))
		return nil
	}))
	assert.Equal(t, []string{"a " + first, "a " + second}, got)
}

// blocked reads more than is ever on its way, and stands still at the first event until the server
// has sent all that it sends by then: the rest is up to whatever happens meanwhile. It returns how
// many were read.
func blocked(t *testing.T, s *streamtest.Server, people int, meanwhile func(stream jetstream.Stream)) int {
	t.Helper()
	js := s.JetStream()
	stream, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	reader, err := reading.Open(t.Context(), js, reading.Options{Subjects: reading.Subjects("a")})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	n := 0
	require.NoError(t, reader.Run(ctx, func(reading.Message) error {
		if n++; n > 1 {
			return nil
		}
		sent := uint64(0)
		require.Eventually(t, func() bool {
			for info := range stream.ListConsumers(t.Context()).Info() {
				before := sent
				if sent = info.Delivered.Consumer; sent > 0 && sent == before {
					return true
				}
			}
			return false
		}, patience, 50*time.Millisecond)
		require.Less(t, sent, uint64(people), "or this proves nothing")
		meanwhile(stream)
		return nil
	}))
	require.NoError(t, ctx.Err(), "the reading does not end")
	return n
}

// many stores that so many people join, and returns the sequence of the last event by meeting.
func many(t *testing.T, s *streamtest.Server, people int) uint64 {
	t.Helper()
	rows := make([]diff.Row, people)
	for i := range rows {
		rows[i] = diff.Row{UnionID: fmt.Sprint("p", i), Status: diff.StatusActive, JoinTime: streamtest.Begin + int64(i)}
	}
	s.Record().Look("a", streamtest.Begin+10_000, rows...)
	stream, err := s.JetStream().Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	last, err := stream.GetLastMsgForSubject(t.Context(), events.OfMeeting("a"))
	require.NoError(t, err)
	return last.Sequence
}

const enough = 1500 // events: more than are on their way at a time

// What expires or is removed while it is waited for does not keep the reading from ending.
func TestReadingEndsWhenTheRestIsGone(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	last := many(t, s, enough)
	n := blocked(t, s, enough, func(stream jetstream.Stream) {
		require.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSequence(last+1)))
	})
	assert.Positive(t, n)
	assert.Less(t, n, enough)
}

// Nor does what comes meanwhile: it is not read.
func TestReadingEndsThoughMoreComes(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	many(t, s, enough)
	n := blocked(t, s, enough, func(jetstream.Stream) {
		s.Record().Watch("a", streamtest.Begin, diff.Description{})
	})
	assert.Equal(t, enough, n)
}

func TestHistoryAndThenWhatIsNew(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	want := []string{"a " + r.Join("a"), "a " + r.Join("a")}
	reader, err := reading.Open(t.Context(), js, reading.Options{Live: true})
	require.NoError(t, err)
	want = append(want, "a "+r.Join("a"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var got []string
	require.NoError(t, reader.Run(ctx, func(m reading.Message) error {
		switch got = append(got, brief(t, m)); len(got) {
		case 3:
			want = append(want, "a "+r.Join("a"))
		case 4:
			cancel()
		}
		return nil
	}))
	assert.Equal(t, want, got)
}

// An interruption in the middle of reading neither loses nor repeats anything.
func TestReadingOverAnInterruption(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r := s.Record()
	var want []string
	for range 20 {
		want = append(want, "a "+r.Join("a"))
	}
	proxy := faultproxy.Start(t, s.Address)
	js, err := jetstream.New(streamtest.Connect(t, proxy.Addr()))
	require.NoError(t, err)
	reader, err := reading.Open(t.Context(), js, reading.Options{Patience: patience})
	require.NoError(t, err)
	var got []string
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	require.NoError(t, reader.Run(ctx, func(m reading.Message) error {
		if got = append(got, brief(t, m)); len(got)%7 == 0 {
			proxy.Cut()
		}
		return nil
	}))
	assert.Equal(t, want, got)
}

func TestReadingGivesUp(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r := s.Record()
	r.Join("a")
	r.Join("a")
	proxy := faultproxy.Start(t, s.Address)
	js, err := jetstream.New(streamtest.Connect(t, proxy.Addr()))
	require.NoError(t, err)
	reader, err := reading.Open(t.Context(), js, reading.Options{Patience: time.Millisecond})
	require.NoError(t, err)
	proxy.Refuse(true)
	proxy.Cut()
	require.Error(t, reader.Run(t.Context(), func(reading.Message) error { return nil }))
}

func TestReadingOfAStreamThatWasReplaced(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r := s.Record()
	r.Join("a")
	js := s.JetStream()
	reader, err := reading.Open(t.Context(), js, reading.Options{})
	require.NoError(t, err)
	r.Stop()
	s.Stop()
	require.NoError(t, os.RemoveAll(s.Dir))
	s.Start()
	r = s.Record()
	r.Join("a")
	require.ErrorIs(t, reader.Run(t.Context(), func(reading.Message) error { return nil }), reading.ErrReplaced)
}

// A reading leaves nothing behind, however many there are.
func TestReadingLeavesNothing(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	r.Join("a")
	all(t, js, reading.Options{})
	all(t, js, reading.Options{Subjects: reading.Subjects("nobody's")})
	stream, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	for info := range stream.ListConsumers(t.Context()).Info() {
		assert.Fail(t, "a consumer is left", info.Name)
	}
}

func TestOpenWithoutAStream(t *testing.T) {
	t.Parallel()
	_, err := reading.Open(t.Context(), streamtest.Start(t).JetStream(), reading.Options{})
	assert.ErrorIs(t, err, reading.ErrNoStream)
}
