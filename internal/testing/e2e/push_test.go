package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// office is a meeting under way that no list of the organisation names, unless a test puts it
// differently.
const office = `{meetings: [{id: office, title: Office hours, start: -1m, unlisted: true, people: [
	{id: ann, nick: Ann, host: true, visits: [{from: -50s}]}, {id: bob, nick: Bob}, {id: gus, nick: Gus, guest: true}]}]}`

// brief tells events in few words: "started", "1 joined ann push".
func brief(list []events.Event) []string {
	out := []string{}
	for _, e := range list {
		verb := e.Type[strings.LastIndex(string(e.Type), ".")+1:]
		if e.Member == nil {
			out = append(out, string(verb))
			continue
		}
		who := e.Member.UnionID
		if who == "" {
			who = e.Member.UserNick
		}
		out = append(out, fmt.Sprintf("%d %s %s %s", e.Sequence, verb, who, e.Member.Via))
	}
	return out
}

// short leaves out what became known of a meeting after its start: when that is depends on what
// else is asked.
func short(list []events.Event) []events.Event {
	return slices.DeleteFunc(slices.Clone(list), func(e events.Event) bool { return e.Type == events.MeetingUpdated })
}

// tells waits until a core subscriber has heard this of a meeting, and nothing else but what it is
// about.
func (d *driven) tells(id string, want ...string) []events.Event {
	d.Helper()
	var got []events.Event
	if !assert.Eventually(d, func() bool {
		got = short(d.live.of(id))
		return len(got) >= len(want)
	}, patient, time.Millisecond) {
		d.Log(d.log.String())
	}
	require.Equal(d, want, brief(got))
	return got
}

func TestAPushIsToldLongBeforeTheNextLook(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]fault.Class{"webhook": fault.ClassWebhook, "stream": fault.ClassStream} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := plan{scenario: office}
			if way == fault.ClassStream {
				p.push.Token = "no webhook"
				p.set = func(s *config.Settings) { s.Pushes = config.Pushes{StreamMode: config.StreamOn} }
			}
			d := drive(t, p)
			if way == fault.ClassStream {
				d.connected(1)
			}
			d.watch("office", "1")
			looks := d.sim.Stats().Members["office"]
			d.do("office", joins("bob"))
			heard := d.tells("office", "started", "1 joined ann poll", "2 joined bob push")
			joined := heard[2]
			assert.Equal(t, events.ReasonJoined, joined.Member.Reason)
			assert.False(t, joined.Member.Initial)
			assert.Equal(t, 2, joined.Member.ActiveCount)
			d.acknowledged(way, 1)
			assert.Equal(t, looks, d.sim.Stats().Members["office"], "the push did it alone")

			d.do("office", joins("gus")) // whom a push cannot name: a look follows, and proves the other push
			d.tells("office", "started", "1 joined ann poll", "2 joined bob push", "3 joined Gus poll")
			assert.Equal(t, looks+1, d.sim.Stats().Members["office"])
			assert.Len(t, stored(t, d.js, "office"), 4)
		})
	}
}

func TestFaultyPushesChangeNothingButTheMoment(t *testing.T) {
	t.Parallel()
	for _, kind := range []fault.Kind{
		fault.PushDoubled, fault.PushForged, fault.PushWrongOwner,
		fault.PushNoUser, fault.PushNoTimes,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			d := drive(t, plan{scenario: office, set: often})
			d.watch("office", "1")
			d.faults(fault.Fault{Kind: kind})
			d.do("office", joins("bob"))
			d.answers("/v1/meetings/office", http.StatusOK, `"activeCount":2`)
			d.do("office", joins("gus"))
			d.answers("/v1/meetings/office", http.StatusOK, `"activeCount":3`)
			got := brief(short(stored(t, d.js, "office")))
			require.Len(t, got, 4)
			for i, want := range []string{"started", "1 joined ann", "2 joined bob", "3 joined Gus"} {
				assert.Contains(t, got[i], want)
			}
		})
	}
}

func TestPushesBeginToWatch(t *testing.T) {
	t.Parallel()
	t.Run("created", func(t *testing.T) {
		t.Parallel()
		d := drive(t, plan{scenario: `{meetings: []}`})
		require.NoError(t, d.sim.AddMeeting(history.Plan{ID: "new", Title: "Weekly", Unlisted: true, People: []history.Person{
			{ID: "ann", Nick: "Ann", Host: true}, {ID: "bob", Nick: "Bob"},
		}}))
		began := d.tells("new", "started")[0]
		truth, _ := d.sim.Truth().Meeting("new")
		assert.Equal(t, "Weekly", began.Meeting.Title)
		assert.Equal(t, "ann", began.Meeting.CreatorID)
		assert.Equal(t, "Ann", began.Meeting.CreatorNick)
		assert.Equal(t, truth.StartTime, began.Meeting.StartTime)
		d.looked("new")
		d.do("new", joins("bob"))
		d.tells("new", "started", "1 joined bob push")
	})
	t.Run("somebody joins", func(t *testing.T) {
		t.Parallel()
		d := drive(t, plan{scenario: office})
		d.unlisted()
		d.do("office", joins("bob"))
		d.tells("office", "started", "1 joined bob push")
		d.sim.ClearFaults()
		d.tells("office", "started", "1 joined bob push", "2 joined ann poll") // the first look finds who was there before
	})
}

// TestAJoinNeverComesBeforeTheStart: nothing is known yet of what the meeting is about when
// somebody joins.
func TestAJoinNeverComesBeforeTheStart(t *testing.T) {
	t.Parallel()
	d := drive(t, plan{scenario: office})
	d.unlisted()
	d.faults(fault.Fault{
		Kind: fault.Delay, Delay: history.Duration(time.Second), Calls: []fault.Class{fault.ClassInfo},
	})
	status, _ := d.request(http.MethodPut, "/v1/meetings/office", http.NoBody)
	require.Equal(t, http.StatusCreated, status)
	require.Eventually(t, func() bool { return d.sim.Stats().Classes[fault.ClassInfo].Calls > 0 }, patient, time.Millisecond)
	d.do("office", joins("bob"))
	d.tells("office", "started", "1 joined bob push")
	d.sim.ClearFaults()
	d.tells("office", "started", "1 joined bob push", "2 joined ann poll")
	want := []string{"started", "1 joined bob push", "updated", "2 joined ann poll"}
	all := stored(t, d.js, "office")
	assert.Equal(t, want, brief(all), "told as soon as it is known")
	assert.Equal(t, want, brief(d.live.of("office")), "by type as by meeting")
	about := all[2].Meeting
	assert.Equal(t, []string{"Office hours", "ann", events.UpdateKnown}, []string{about.Title, about.CreatorID, about.Reason})
	assert.Equal(t, []string{"", "Office hours"}, []string{all[1].Member.Title, all[3].Member.Title})
}

// unlisted lets no list be read until the faults are cleared: only pushes tell who comes.
func (d *driven) unlisted() {
	d.Helper()
	d.faults(fault.Fault{Kind: fault.SystemError, Calls: []fault.Class{fault.ClassMembers}})
}

// looked waits until a meeting has been looked at: after this only pushes tell who comes.
func (d *driven) looked(id string) {
	d.Helper()
	d.answers("/v1/meetings/"+id, http.StatusOK, `"lastLook"`)
}

// connected waits until so many stream connections have been opened in all, and one is open.
func (d *driven) connected(n uint64) {
	d.Helper()
	require.Eventually(d, func() bool {
		p := d.sim.Stats().Pushes
		return p.Connections > 0 && p.Connected >= n
	}, patient, time.Millisecond)
}
