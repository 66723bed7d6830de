package month

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/c4342123/rollcall/events"
)

// sameTime is how far apart two times of one event may be, in milliseconds.
const sameTime = 2000

// outcome is how a month went.
type outcome struct {
	calls            map[string]int
	total            int
	meetingHours     float64
	meetings, unseen int
	unended          int
	blind            string // when those began
	truth            int    // events there were to tell
	missing, wrong   int
	untrue           int     // ends that were taken back
	gaps             int     // in which a meeting was out of sight
	notice, end      []int64 // from an event until it was stored, and from a meeting's end, in milliseconds
	outOn            int     // the day of the month on which calls were refused first; 0 for none
	pushes           int
}

// fact is an event that there is to tell.
type fact struct {
	who   string
	joins bool
	at    int64
}

// judge compares what is stored of a meeting with what happened.
func (o *outcome) judge(m *meeting, stored []told) {
	o.meetings++
	o.meetingHours += float64(m.end-m.start) / 3_600_000
	if len(stored) == 0 {
		o.unseen++
		o.blind += " " + time.UnixMilli(m.start).In(china).Format("2T15:04") + fmt.Sprintf("+%dmin", (m.end-m.start)/60000)
	}
	type side struct {
		who   string
		joins bool
	}
	left := map[side][]told{}
	ended := false
	for _, t := range stored {
		switch t.what {
		case events.Joined, events.Left, events.Kicked:
			k := side{t.who, t.what == events.Joined}
			left[k] = append(left[k], t)
		case events.MeetingEnded:
			ended = true
			o.end = append(o.end, t.recorded-m.end)
		}
	}
	if !ended {
		o.unended++
	}
	lacking := map[side]int{}
	for _, f := range m.facts() {
		o.truth++
		k := side{f.who, f.joins}
		i := slices.IndexFunc(left[k], func(t told) bool { return max(t.at-f.at, f.at-t.at) < sameTime })
		if i < 0 {
			lacking[k]++
			continue
		}
		o.notice = append(o.notice, left[k][i].recorded-f.at)
		left[k] = slices.Delete(left[k], i, i+1)
	}
	for k, rest := range left {
		o.wrong += len(rest)
		for _, t := range rest {
			if t.what == events.Joined && t.reason == events.ReasonRejoined && t.inferred {
				o.untrue++
			}
		}
		lacking[k] = max(lacking[k]-len(rest), 0)
	}
	for _, n := range lacking {
		o.missing += n
	}
}

// facts are the events there are to tell of a meeting.
func (m *meeting) facts() []fact {
	var out []fact
	for who, all := range m.attendances() {
		for _, a := range all {
			out = append(out, fact{who, true, a.join}, fact{who, false, a.left})
		}
	}
	slices.SortFunc(out, func(a, b fact) int { return cmp.Compare(a.at, b.at) })
	return out
}

// quantile returns in seconds what a part of the delays does not exceed.
func quantile(delays []int64, q float64) float64 {
	if len(delays) == 0 {
		return 0
	}
	slices.Sort(delays)
	return float64(delays[int(q*float64(len(delays)-1))]) / 1000
}
