package report

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// nine is when the meetings of these tests begin, in Unix milliseconds.
var nine = time.Date(2026, 8, 3, 9, 0, 0, 0, time.UTC).UnixMilli()

// story is a meeting as lists showed it: what the service would make of it, without the service.
type story struct {
	t     testing.TB
	state *diff.State
	list  []events.Event
}

func tell(t testing.TB, id string) *story { return &story{t: t, state: diff.New(id)} }

func (s *story) take(res diff.Result) {
	s.state = res.State
	s.list = append(s.list, res.Events...)
}

// at is that many minutes after nine.
func at(minutes float64) int64 { return nine + int64(minutes*60_000) }

func (s *story) watch(minutes float64, title string, start float64) {
	s.take(diff.Start{At: at(minutes)}.Apply(s.state.Watch(diff.Description{Title: title, CreatorNick: "Ann", StartTime: at(start)})))
}

func (s *story) look(minutes float64, rows ...diff.Row) {
	s.take(diff.Compare(s.state, diff.Snapshot{Rows: rows, From: at(minutes), At: at(minutes), Via: events.ViaPoll}))
}

func (s *story) end(minutes float64, rows ...diff.Row) {
	res := diff.Compare(s.state, diff.Snapshot{Rows: rows, From: at(minutes), At: at(minutes), Via: events.ViaPoll, Over: true, EndTime: at(minutes)})
	s.take(res.Then(diff.End{At: at(minutes), Reason: "ended"}.Apply(res.State)))
}

func (s *story) blind(from, to float64, reason string) {
	s.take(diff.Gap{From: at(from), At: at(to), Reason: reason}.Apply(s.state))
	if to > 0 {
		s.take(diff.CloseGap(s.state, at(to)))
	}
}

// payloads are the events as they are stored.
func (s *story) payloads() [][]byte {
	s.t.Helper()
	var out [][]byte
	for _, e := range s.list {
		e.Source, e.RecordedTime = events.Source("", e.ConferenceID()), e.Time
		payload, err := events.Encode(e)
		require.NoError(s.t, err)
		out = append(out, payload)
	}
	return out
}

// report is what Of would make of the events, asked at that minute.
func (s *story) report(minutes float64) Report {
	s.t.Helper()
	f := newFold(s.state.ConferenceID)
	for _, payload := range s.payloads() {
		f.add(payload)
	}
	return f.report(at(minutes))
}

// is a row of somebody who joined, and left unless the second minute is 0.
func is(person, nick string, join, leave float64) diff.Row {
	row := diff.Row{UnionID: person, UserNick: nick, Status: diff.StatusActive, JoinTime: at(join)}
	if leave > 0 {
		row.Status, row.LeaveTime = diff.StatusLeft, at(leave)
	}
	return row
}

func with(row diff.Row, change func(*diff.Row)) diff.Row {
	change(&row)
	return row
}

// The names that somebody may choose to do harm.
const (
	markup    = `<img src=x onerror=alert(1)>`
	hyperlink = `=HYPERLINK("http://evil.example";"click")`
)

// messy is a meeting in which everything happens that can happen.
func messy(t testing.TB) *story {
	s := tell(t, "standup")
	host := func(r *diff.Row) { r.Host = true }
	kicked := func(r *diff.Row) { r.Status = diff.StatusKicked }
	guest := func(r *diff.Row) { r.UnionID, r.OuterOrgMember, r.PSTNJoin = "", true, true }
	failed := func(r *diff.Row) { r.Status = diff.StatusFailed }
	s.watch(0.5, "Weekly 周会 & <b>more</b>", 0)
	s.look(5, with(is("ann", "Ann", 0, 0), host), is("bob", "Bob Baker", 0.25, 4), is("han", "韩梅", 2, 0), is("eve", markup, 3, 0))
	s.look(10, with(is("ann", "Ann", 0, 0), host), is("bob", "Bob Baker", 0.25, 4), is("bob", "Bob Baker", 8, 0), is("han", "韩梅", 2, 0),
		is("eve", markup, 3, 0), with(is("mal", hyperlink, 6, 9.5), kicked), with(is("", "李雷", 7, 0), guest))
	s.blind(10, 16, "throttled")
	list := []diff.Row{
		with(is("ann", "Ann", 0, 0), host), is("bob", "Bob Baker", 0.25, 4), is("bob", "Bob Baker", 8, 12), is("bob", "Bob Baker", 13, 18),
		is("han", "韩梅", 2, 0), is("han", "韩梅", 14, 0), with(is("mal", hyperlink, 6, 9.5), kicked), with(is("", "李雷", 7, 0), guest),
		is("gus", "Gustav Wilhelm Maximilian von Hohenstaufen", 17, 17.05),
	}
	s.look(20, append(list, with(is("eve", markup, 3, 0), failed))...)
	s.end(30, append(slices.Clip(list), with(is("eve", markup, 3, 0), failed))...)
	return s
}

// crowd is a list of many people, who came and went as people do.
func crowd(people int, now float64) []diff.Row {
	var rows []diff.Row
	for i := range people {
		name := fmt.Sprintf("Person %03d", i)
		join := float64(i%37) * 0.9
		switch leave := 30 + float64(i%23)*1.3; {
		case join > now:
		case i%7 == 3 && join+8 < now:
			rows = append(rows, is(name, name, join, join+6))
			if join+9 < now {
				rows = append(rows, is(name, name, join+9, 0))
			}
		case leave < now && i%3 == 0:
			rows = append(rows, is(name, name, join, leave))
		default:
			rows = append(rows, is(name, name, join, 0))
		}
	}
	return rows
}
