package e2e_test

import (
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

// ending is a meeting that three people are in at its end and one has left. Its rows stay open, as
// the list of a meeting that is over may leave them.
func ending(with string) string {
	return `{meetings: [{id: ending, title: Review, start: -1m, atEnd: leave-open, ` + with + ` people: [
	{id: ann, nick: Ann, host: true, visits: [{from: -50s}]}, {id: bob, nick: Bob, visits: [{from: -40s, to: -20s}]},
	{id: cho, nick: Cho, visits: [{from: -30s}]}, {id: gus, nick: Gus, guest: true, visits: [{from: -25s}]}, {id: dan, nick: Dan}]}]}`
}

// TestEveryEnd ends a meeting in each of the ways in which that can be noticed.
func TestEveryEnd(t *testing.T) {
	t.Parallel()
	lost := []fault.Fault{{Kind: fault.PushLost}}
	discovering := func(s *config.Settings) {
		often(s)
		s.Polling.DiscoveryInterval = 20 * time.Millisecond
	}
	for name, test := range map[string]struct {
		scenario string
		faults   []fault.Fault
		set      func(*config.Settings)
		reason   string
		blind    bool // the list cannot be read any more: when people left is inferred
	}{
		"closed by a push":                         {scenario: ending("unlisted: true,"), set: often, reason: "closed"},
		"closed by a push, and discovery all over": {scenario: ending(""), set: discovering, reason: "closed or ended"},
		"information says so":                      {scenario: ending("unlisted: true, keep: 0s,"), faults: lost, set: often, reason: "ended", blind: true},
		"not found twice":                          {scenario: ending("unlisted: true, keep: 0s, keepInfo: 0s,"), faults: lost, set: often, reason: "not_found", blind: true},
		"vanished from the organisation's list":    {scenario: ending(""), faults: lost, set: discovering, reason: "ended"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := drive(t, plan{scenario: test.scenario, set: test.set})
			d.faults(test.faults...)
			if strings.Contains(test.scenario, "unlisted") {
				d.watch("ending", "3")
			}
			d.answers("/v1/meetings/ending", 200, `"activeCount":3`)
			d.do("ending", history.LiveAction{Do: history.End})
			d.gone("ending")
			list := stored(t, d.js, "ending")
			require.Eventually(t, func() bool { return len(d.live.of("ending")) >= len(list) }, patient, time.Millisecond, d.log)
			assert.Equal(t, brief(list), brief(d.live.of("ending")), "live as stored")
			d.over(short(list), test.reason, test.blind)
		})
	}
}

// gone waits until a meeting is over.
func (d *driven) gone(id string) {
	d.Helper()
	d.answers("/v1/meetings/"+id, 200, `"state":"ended"`)
}

// over holds the events of a meeting that is over to the truth.
func (d *driven) over(list []events.Event, reason string, blind bool) {
	d.Helper()
	require.Len(d, list, 10, "%v", brief(list))
	truth, _ := d.sim.Truth().Meeting("ending")
	assert.Equal(d, events.MeetingStarted, list[0].Type)
	left, minutes := map[string]events.Reason{}, 0.0
	for _, e := range list[1:9] {
		require.NotNil(d, e.Member)
		if e.Type == events.Joined {
			continue
		}
		left[e.Member.UserNick] = e.Member.Reason
		minutes += float64(e.Member.Duration) / 60_000
		if e.Member.Reason == events.ReasonMeetingEnded && !blind {
			assert.Equal(d, truth.EndTime, e.Time.UnixMilli())
		}
	}
	end := events.ReasonMeetingEnded
	assert.Equal(d, map[string]events.Reason{"Ann": end, "Bob": events.ReasonLeft, "Cho": end, "Gus": end}, left)
	assert.Zero(d, list[8].Member.ActiveCount)
	assert.Equal(d, uint64(8), list[8].Sequence)
	d.counted(list[9], truth, reason, minutes)
}

// counted holds the last event of a meeting to the truth.
func (d *driven) counted(e events.Event, truth history.MeetingTruth, reason string, minutes float64) {
	d.Helper()
	require.Equal(d, events.MeetingEnded, e.Type)
	m := e.Meeting
	assert.Contains(d, strings.Split(reason, " or "), m.Reason, "whatever is the first to be known")
	assert.Equal(d, len(truth.People), m.People)
	assert.Equal(d, 4, m.Peak)
	assert.InDelta(d, minutes, m.PersonMinutes, 1e-9)
	if reason != "not_found" {
		assert.Equal(d, truth.EndTime, m.EndTime)
		assert.Equal(d, truth.EndTime, e.Time.UnixMilli())
	}
	known := 0.0
	for _, p := range truth.People {
		for _, a := range p.Attendances {
			known += float64(a.Left-a.Joined) / 60_000
		}
	}
	late := 3 * e.RecordedTime.Sub(time.UnixMilli(truth.EndTime)).Minutes() // those who were there to the end
	assert.GreaterOrEqual(d, m.PersonMinutes, known-1e-9)
	assert.LessOrEqual(d, m.PersonMinutes, known+late+1e-9, "what is inferred is as late as the look that infers it")
	assert.Equal(d, "Review", m.Title)
}

// TestReportedAgainAfterItsEnd: DingTalk says for a while that there is no such meeting, which is
// its end, and then somebody joins it.
func TestReportedAgainAfterItsEnd(t *testing.T) {
	t.Parallel()
	d := drive(t, plan{scenario: ending("unlisted: true,"), set: often})
	d.watch("ending", "3")
	d.faults(fault.Fault{Kind: fault.NotFound, Meeting: "ending"})
	d.gone("ending")
	d.sim.ClearFaults()
	d.do("ending", joins("dan"))
	d.answers("/v1/meetings/ending", 200, `"activeCount":4`)
	list := stored(t, d.js, "ending")
	got := map[events.Type]int{}
	roster := events.NewRoster("ending")
	sequence := uint64(0)
	for _, e := range short(list) {
		got[e.Type]++
		if e.Member == nil {
			continue
		}
		sequence++
		assert.Equal(t, sequence, e.Sequence, "the numbering goes on")
		assert.NoError(t, roster.Apply(e))
	}
	assert.Equal(t, map[events.Type]int{
		events.MeetingStarted: 2, events.MeetingEnded: 1, events.Joined: 4 + 4, events.Left: 4,
	}, got, "%v", brief(list))
}
