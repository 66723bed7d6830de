package release

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator/history"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

var anew = flag.Bool("anew", false, "make the last release's data directory and golden files anew, from what is checked out")

const (
	lastData   = "testdata/last/data.tar.gz"
	lastEvents = "events.jsonl" // in the data directory as it is kept: what it holds, as the last release told it
)

// TestUpgrade starts today's program on the data directory of the last release. What is stored is
// told as it was, the meeting that went on goes on, the one that ended meanwhile ends, and nothing
// is announced a second time.
func TestUpgrade(t *testing.T) {
	data := disk.Fast(t)
	unpack(t, lastData, data)
	before := stored(t, readFile(t, filepath.Join(data, lastEvents)))
	sim, dingtalk := simulate(t, began(t, before))
	s := serve(t, dingtalk, data)

	_, _, err := sim.Do("live", history.LiveAction{Do: history.Join, Person: "u-new", Nick: "Grace Miller"})
	require.NoError(t, err)
	var now []event
	require.Eventually(t, func() bool {
		now = stored(t, output(t, s.env(), "replay"))
		return has(now, "live", events.Joined, "u-new") && has(now, "meanwhile", events.MeetingEnded, "")
	}, patience, 200*time.Millisecond, "the meetings do not go on")
	require.Greater(t, len(now), len(before))
	assert.Equal(t, before, now[:len(before)], "what was stored is not told as it was")

	ids := map[string]bool{}
	rosters := map[string]*events.Roster{}
	for _, e := range now {
		assert.False(t, ids[e.ID], "%s of %s in %s is announced twice", e.Type, e.Subject, e.ConferenceID())
		ids[e.ID] = true
		if rosters[e.ConferenceID()] == nil {
			rosters[e.ConferenceID()] = events.NewRoster(e.ConferenceID())
		}
		require.NoError(t, rosters[e.ConferenceID()].Apply(e.Event))
	}
	for _, meeting := range sim.Truth().Meetings {
		assert.Equal(t, attended(meeting), told(rosters[meeting.ConferenceID]), meeting.ConferenceID)
	}
	assert.Equal(t, []string{"live"}, listed(t, s, ""), "watched")
	assert.Equal(t, []string{"ended", "meanwhile"}, listed(t, s, "?state=ended"), "over")
}

// TestMakeLastRelease makes, with -anew, what TestUpgrade and TestChangelog compare with.
func TestMakeLastRelease(t *testing.T) {
	if !*anew {
		t.Skip("only with -anew")
	}
	data := disk.Fast(t)
	sim, dingtalk := simulate(t, time.Now())
	s := serve(t, dingtalk, data)
	var told []byte
	require.Eventually(t, func() bool {
		told = output(t, s.env(), "replay")
		now, members := stored(t, told), 0
		for _, e := range now {
			if e.Member != nil {
				members++
			}
		}
		expected := 0
		for _, meeting := range sim.Truth().Meetings {
			expected += len(meeting.Events)
		}
		return members == expected && has(now, "ended", events.MeetingEnded, "")
	}, patience, 100*time.Millisecond)
	s.stop()
	pack(t, data, told, lastData)
	for _, kind := range kinds {
		writeFile(t, path(t, "last", kind), readFile(t, path(t, "now", kind)))
	}
}

// event is an event and the bytes it is stored as.
type event struct {
	events.Event
	line string
}

// stored reads what `rollcall replay` prints.
func stored(t *testing.T, told []byte) []event {
	t.Helper()
	var out []event
	for line := range bytes.Lines(told) {
		e, err := events.Decode(line)
		require.NoError(t, err)
		out = append(out, event{e, string(line)})
	}
	return out
}

// began is when the scenario began that the events tell of: meetings begin with it.
func began(t *testing.T, all []event) time.Time {
	t.Helper()
	i := slices.IndexFunc(all, func(e event) bool { return e.Type == events.MeetingStarted && e.Meeting.ConferenceID == "live" })
	require.GreaterOrEqual(t, i, 0)
	return time.UnixMilli(all[i].Meeting.StartTime)
}

func has(all []event, meeting string, kind events.Type, person string) bool {
	return slices.ContainsFunc(all, func(e event) bool {
		return e.ConferenceID() == meeting && e.Type == kind && e.Subject == person
	})
}

// attended is who was there from when until when; without the end of a time that nobody could see
// the end of.
func attended(meeting history.MeetingTruth) []string {
	var out []string
	for _, person := range meeting.People {
		for _, a := range person.Attendances {
			out = append(out, visit(person.Nick, a.Joined, a.Left))
		}
	}
	slices.Sort(out)
	return out
}

func told(r *events.Roster) []string {
	var out []string
	for _, a := range r.Attendances() {
		out = append(out, visit(a.UserNick, a.Join, a.Leave))
	}
	slices.Sort(out)
	return out
}

func visit(nick string, join, leave int64) string {
	at := func(millis int64) string {
		if millis == 0 {
			return "now"
		}
		return time.UnixMilli(millis).UTC().Format(time.RFC3339Nano)
	}
	return nick + " from " + at(join) + " until " + at(leave)
}

// listed are the ids of a list of meetings.
func listed(t *testing.T, s *served, query string) []string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.http+"/v1/meetings"+query, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+apiToken)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var body struct {
		Meetings []struct {
			ConferenceID string `json:"conferenceId"`
		}
	}
	require.NoError(t, json.Unmarshal(text, &body), "%s", text)
	var ids []string
	for _, m := range body.Meetings {
		ids = append(ids, m.ConferenceID)
	}
	slices.SortFunc(ids, strings.Compare)
	return ids
}
