package chaos_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// report is what came of a run.
type report struct {
	*findings
	effects
	world    *world
	faults   map[string]int
	meetings int
	events   int
	took     time.Duration
	calls    []call
	peak     int           // most calls in any window
	longest  time.Duration // that a meeting went without a look
	blind    time.Duration // the same, while somebody could have looked
	where    string        // that was
	outage   time.Duration // the longest of NATS
	outages  time.Duration // all of them
	latest   time.Duration // from when something happened to when it was recorded
	deaths   []string      // processes that have ended by themselves
}

// window is what the rate of calls is judged by.
const window = 5 * time.Second

// The limits: calls per second in any window, and the time without a look at a meeting while
// somebody can look.
const (
	mostCalls  = rate * 1.25
	longestGap = 10 * time.Second
	// longestRetry is how long a meeting may be left alone after an outage, as its looks failed
	// again and again: the poller's longest pause, 15 s, and what it takes to have a turn.
	longestRetry = 20 * time.Second
)

// report compares what is stored with what happened, and measures.
func (w *world) report(truth []history.MeetingTruth) *report {
	ctx, cancel := context.WithTimeout(w.all, patience)
	defer cancel()
	byType := stored(ctx, w.t, w.js, events.AllMembers)
	r := &report{
		findings: compare(truth, byType, stored(ctx, w.t, w.js, everyMeeting)), world: w, faults: w.tally.count,
		meetings: len(truth), events: len(byType), took: time.Since(w.began), calls: w.dingtalk.called(),
	}
	r.measure(truth)
	r.observe()
	r.keep()
	for _, e := range byType {
		if !e.Member.Initial {
			r.latest = max(r.latest, e.RecordedTime.Sub(e.Time))
		}
	}
	for _, p := range w.processes() {
		if n := p.deaths.Load(); n > 0 {
			r.deaths = append(r.deaths, fmt.Sprintf("%s, %d times", p.name, n))
		}
	}
	return r
}

// measure finds the extremes.
func (r *report) measure(truth []history.MeetingTruth) {
	r.peak = peak(r.calls, window)
	for _, o := range r.world.tally.outages {
		r.outage = max(r.outage, o.to.Sub(o.from))
		r.outages += o.to.Sub(o.from)
	}
	looks := map[string][]time.Time{}
	for _, c := range r.calls {
		if c.look != "" {
			looks[c.look] = append(looks[c.look], c.at)
		}
	}
	for _, m := range truth {
		end := time.UnixMilli(m.EndTime)
		list := looks[m.ConferenceID]
		for i := 1; i < len(list) && list[i-1].Before(end); i++ {
			without := span{list[i-1], list[i]}
			took := without.to.Sub(without.from)
			r.longest = max(r.longest, took)
			if took <= r.blind {
				continue
			}
			if spared := r.world.tally.spared(without, r.world.setup.replicas); spared > r.blind {
				r.blind = spared
				r.where = fmt.Sprintf("%s, %s after the start of the run", m.ConferenceID, without.from.Sub(r.world.began).Round(time.Millisecond))
			}
		}
	}
}

// peak is the most calls in any window of that length.
func peak(calls []call, length time.Duration) int {
	most, first := 0, 0
	for i, c := range calls {
		for c.at.Sub(calls[first].at) >= length {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// check holds the service to what must hold whatever is done to it and however slow the machine is
// and, if that is wanted, to the time limits.
func (r *report) check(t *testing.T) {
	for _, note := range r.notes.text {
		t.Error(note)
	}
	assert.True(t, r.faultless())
	assert.NotZero(t, r.events)
	assert.Empty(t, r.deaths, "processes that have ended by themselves")
	assert.Empty(t, r.world.tally.unclean, "stops that were not clean")
	assert.LessOrEqual(t, len(r.calls), r.allowed(), "calls in all")
	if *strict {
		assert.LessOrEqual(t, float64(r.peak), mostCalls*window.Seconds(), "calls in any %s", window)
		limit := longestGap
		if len(r.world.tally.down) > 0 {
			limit = longestRetry
		}
		assert.LessOrEqual(t, r.blind, limit, "time without a look")
		assert.LessOrEqual(t, r.world.tally.slowest, 10*time.Second, "a clean stop")
	}
}

// allowed is how many calls there may be in all: those of the time, and a burst at its beginning.
func (r *report) allowed() int { return int(rate*r.took.Seconds() + mostCalls) }

// print shows the table.
func (r *report) print() {
	var out bytes.Buffer
	tw := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	row := func(what string, value any) { _, _ = fmt.Fprintf(tw, "%s\t%v\n", what, value) }
	s := r.world.setup
	row("replicas, NATS servers", fmt.Sprintf("%d, %d", s.replicas, s.brokers))
	row("seed", r.world.seed)
	row("took", r.took.Round(time.Second))
	for _, k := range s.kinds {
		row("faults: "+k.name, r.faults[k.name])
	}
	row("processes killed", fmt.Sprintf("%d replicas, %d NATS servers", r.faults[kill], r.world.tally.killed))
	row("meetings, events", fmt.Sprintf("%d, %d", r.meetings, r.events))
	row("lost", r.lost)
	row("doubled", r.doubled)
	row("invented", r.invented)
	row("gaps in sequence", r.gaps)
	row("alternation errors", r.alternation)
	row("wrong head-counts", r.counts)
	row("views that differ", r.views)
	row("longest time without a look", r.longest.Round(time.Millisecond))
	row("NATS outages, all, longest", fmt.Sprintf("%d, %s, %s", len(r.world.tally.outages), r.outages.Round(time.Second), r.outage.Round(time.Millisecond)))
	row("longest without a look, NATS, DingTalk and a replica being well", r.blind.Round(time.Millisecond))
	row("that was in", r.where)
	row("latest event", r.latest.Round(time.Millisecond))
	row("most calls in 5 s, allowed", fmt.Sprintf("%d, %d", r.peak, int(mostCalls*window.Seconds())))
	row("calls in all, allowed", fmt.Sprintf("%d, %d", len(r.calls), r.allowed()))
	row("slowest clean stop", r.world.tally.slowest.Round(time.Millisecond))
	row("reconnects to NATS", r.reconnects)
	row("commits sent again, by answer", r.resent)
	row("pushes sent again", r.pushes)
	row("requests that DingTalk failed in outages", r.failed)
	row("most people at a time", r.largest)
	row("hand-overs of a meeting", r.handovers)
	row("faults that silenced a replica", r.silenced)
	_ = tw.Flush()
	r.world.t.Logf("\n%s", &out)
}
