package reading_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/reading"
)

var nine = time.Date(2026, 8, 3, 9, 0, 0, 0, time.UTC)

func encoded(t testing.TB, person string) []byte {
	t.Helper()
	e := events.Event{
		ID: "1", Source: events.Source("", "a"), Type: events.Joined, Subject: person, Time: nine, RecordedTime: nine.Add(time.Hour), Sequence: 1,
		Member: &events.Member{ConferenceID: "a", UnionID: "other", UserNick: `","subject":"u1","time":"2000-01-01T00:00:00Z"`},
	}
	payload, err := events.Encode(e)
	require.NoError(t, err)
	return payload
}

func TestSelection(t *testing.T) {
	t.Parallel()
	e := encoded(t, "u1")
	for name, c := range map[string]struct {
		s    reading.Selection
		want bool
	}{
		"everything":         {reading.Selection{}, true},
		"the person":         {reading.Selection{Person: "u1"}, true},
		"somebody else":      {reading.Selection{Person: "other"}, false},
		"from then on":       {reading.Selection{Since: nine}, true},
		"later":              {reading.Selection{Since: nine.Add(time.Millisecond)}, false},
		"before":             {reading.Selection{Until: nine}, false},
		"until after":        {reading.Selection{Until: nine.Add(time.Millisecond)}, true},
		"the person, later":  {reading.Selection{Person: "u1", Since: nine.Add(time.Second)}, false},
		"the person, in it":  {reading.Selection{Person: "u1", Since: nine, Until: nine.Add(time.Second)}, true},
		"somebody else then": {reading.Selection{Person: "u2", Since: nine}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.s.Picks(e)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
	assert.True(t, reading.Selection{}.StoredSince().IsZero())
	assert.True(t, reading.Selection{Since: nine}.StoredSince().Before(nine))
}

func TestSelectionOfGuestsAndMeetings(t *testing.T) {
	t.Parallel()
	guest := `guest:1:"李" \` + "\u2028"
	got, err := reading.Selection{Person: guest}.Picks(encoded(t, guest))
	require.NoError(t, err)
	assert.True(t, got, "as it is, not as JSON writes it")

	meeting, err := events.Encode(events.Event{
		ID: "1", Source: "s", Type: events.MeetingStarted, Time: nine, RecordedTime: nine, Meeting: &events.Meeting{ConferenceID: "a"},
	})
	require.NoError(t, err)
	got, err = reading.Selection{Person: "u1"}.Picks(meeting)
	require.NoError(t, err)
	assert.False(t, got, "a meeting is nobody")
}

func TestSelectionOfWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "[]", "1", `{"time":"soon"}`, `{"time":7}`, `{"subject"`, `{}`, `{"subject":"u1"}`, `{"a":}`} {
		_, err := reading.Selection{Person: "u1", Since: nine}.Picks([]byte(text))
		assert.ErrorIs(t, err, reading.ErrNoEvent, text)
	}
}

func FuzzSelection(f *testing.F) {
	f.Add(encoded(f, "u1"), "u1")
	f.Fuzz(func(t *testing.T, b []byte, person string) {
		got, err := reading.Selection{Person: person, Since: nine}.Picks(b)
		e, undecoded := events.Decode(b)
		names := strings.ToLower(string(b))
		if undecoded != nil || person == "" || strings.Count(names, "subject") > 1 || strings.Count(names, "time") > 4 || strings.Contains(names, `\u`) {
			return // which of two counts is nobody's promise
		}
		require.NoError(t, err)
		assert.Equal(t, e.Subject == person && !e.Time.Before(nine), got)
	})
}

func BenchmarkPicks(b *testing.B) {
	e := encoded(b, "u1")
	s := reading.Selection{Person: "u1", Since: nine}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := s.Picks(e); !ok || err != nil {
			b.Fatal(err)
		}
	}
}
