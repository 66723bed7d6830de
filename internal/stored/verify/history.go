package verify

import (
	"fmt"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/report"
)

// sameTime is by how many milliseconds two times may differ that count as one, as in rule 5 of
// docs/semantics.md.
const sameTime = 2000

// stay is one visit as a list tells it. Times are Unix milliseconds.
type stay struct {
	person, nick string
	from, to     int64 // to is 0 when the list does not tell it
	atEnd        bool  // it ended with the meeting
}

// history is what the list of a meeting that is over tells of it.
type history struct {
	stays []stay
	// keeps says that the list also shows people who left before the meeting's end, so that others
	// who did are missing.
	keeps bool
}

// historyOf reads the rows of a meeting that ended at the time end, which is 0 when that is not
// known.
func historyOf(meeting string, rows []diff.Row, from, at, end int64) history {
	seen := diff.Compare(diff.New(meeting), diff.Snapshot{Rows: rows, From: from, At: at, Via: events.ViaPoll, Over: true, EndTime: end})
	var h history
	open := map[string]int{}
	for _, e := range seen.Events {
		m := e.Member
		switch {
		case m == nil:
		case e.Type == events.Joined:
			open[e.Subject] = len(h.stays)
			h.stays = append(h.stays, stay{person: e.Subject, nick: m.UserNick, from: m.JoinTime})
		default:
			s := &h.stays[open[e.Subject]]
			s.atEnd = m.Reason == events.ReasonMeetingEnded
			if !m.Inferred {
				s.to = m.LeaveTime
			}
			h.keeps = h.keeps || !s.atEnd && s.to > 0 && end > 0 && s.to < end-sameTime
		}
	}
	return h
}

// compareHistory compares the visits of a meeting that is over, as far as its list tells them.
func (l list) compareHistory(result *Result, stored report.Report) {
	result.Over = true
	byPerson := map[string]report.Person{}
	for _, p := range stored.People {
		byPerson[p.Person] = p
		result.Visits += len(p.Attendances)
	}
	result.Listed = len(l.history.stays)
	listed, matched, expired := map[string]bool{}, map[*report.Attendance]bool{}, 0
	forgotten := map[string]bool{} // of whom nothing is stored, as many as were erased
	for _, s := range l.history.stays {
		listed[s.person] = true
		kind, a := s.judge(byPerson[s.person].Attendances)
		switch {
		case kind == Unannounced && !stored.Complete && s.from < stored.FirstEvent:
			expired++
			continue
		case len(byPerson[s.person].Attendances) == 0 && (forgotten[s.person] || len(forgotten) < stored.Erased.People):
			forgotten[s.person] = true
			continue
		case a != nil:
			matched[a] = true
		}
		if kind != "" {
			result.Differences = append(result.Differences, Difference{Kind: kind, Person: s.person, UserNick: s.nick, Since: s.from, Left: s.to})
		}
	}
	unlisted := result.Visits - len(matched)
	for _, p := range stored.People {
		if !listed[p.Person] && !p.Present && l.certain && l.history.keeps {
			unlisted -= len(p.Attendances)
			result.Differences = append(result.Differences, Difference{Kind: Unlisted, Person: p.Person, UserNick: p.UserNick, Since: p.FirstJoined})
		}
	}
	if len(l.history.stays) > 0 && unlisted > 0 {
		result.Notes = append(result.Notes, fmt.Sprintf("%d visits that were announced are not listed, or no longer: they were not compared.", unlisted))
	}
	if len(forgotten) > 0 {
		result.Notes = append(result.Notes, fmt.Sprintf("%d people are listed of whom nothing is stored, and %d were erased: they were not compared.", len(forgotten), stored.Erased.People))
	}
	if stored.Expired > 0 {
		result.Notes = append(result.Notes, fmt.Sprintf("The first %d events of members have expired.", stored.Expired))
	}
	if expired > 0 {
		result.Notes = append(result.Notes, fmt.Sprintf("%d visits began before the first event that is still stored: they were not compared.", expired))
	}
}

// judge says in which way a visit differs from the announced attendance that it is or is part of,
// if it does.
func (s stay) judge(announced []report.Attendance) (Kind, *report.Attendance) {
	a := s.find(announced)
	if a == nil {
		return Unannounced, nil
	}
	earlier := !a.JoinInferred && s.from < a.JoinTime-sameTime
	told := s.to > 0 && a.LeaveTime > 0 && !a.LeaveInferred && !s.atEnd && a.Ended != events.ReasonMeetingEnded
	if earlier || told && !together(s.to, a.LeaveTime) {
		return OtherTimes, a
	}
	return "", a
}

// find returns the attendance that began when the visit did, or else one that it overlaps.
func (s stay) find(announced []report.Attendance) (overlapping *report.Attendance) {
	for i := range announced {
		a := &announced[i]
		if together(a.JoinTime, s.from) {
			return a
		}
		if (s.to == 0 || a.JoinTime < s.to) && (a.LeaveTime == 0 || a.LeaveTime > s.from) {
			overlapping = a
		}
	}
	return overlapping
}

// together tells whether two times count as one.
func together(a, b int64) bool { return max(a-b, b-a) <= sameTime }
