package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/report"
	"github.com/c4342123/rollcall/poller"
)

// look reads both once and compares them.
func (o Options) look(ctx context.Context) (Result, error) {
	// The events first: a change that comes between is then seen in the list at least.
	stored, err := report.Of(ctx, o.JetStream, o.Meeting)
	if err != nil && !errors.Is(err, report.ErrNoEvents) {
		return Result{}, err
	}
	nothing := err != nil
	now, err := o.present(ctx)
	if err != nil {
		return Result{}, err
	}
	switch {
	case nothing && len(now.people) == 0 && len(now.history.stays) == 0:
		return Result{}, ErrNothing
	case nothing && now.over && o.expired(now.history):
		return Result{}, ErrExpired
	}
	result := now.compare(stored)
	if now.over && len(now.history.stays) == 0 && len(result.Differences) == 0 {
		return Result{}, ErrGone
	}
	return result, nil
}

// expired tells whether all that was stored of a meeting with such a history has expired, if it was
// watched.
func (o Options) expired(h history) bool {
	last := int64(0)
	for _, s := range h.stays {
		last = max(last, s.from, s.to)
	}
	return o.Retention > 0 && time.Since(time.UnixMilli(last)) > o.Retention
}

// list is what DingTalk shows.
type list struct {
	rows   []diff.Row
	people []diff.Person
	from   int64 // when reading it began, in Unix milliseconds
	// certain says that absence means something.
	certain bool
	over    bool // the meeting is; then nobody is in it, and history tells who was
	history history
	notes   []string
}

// present reads the member list as the service reads it. A meeting that is over has no one in it,
// whatever its rows say.
func (o Options) present(ctx context.Context) (list, error) {
	from := time.Now().UnixMilli()
	members, err := o.Source.Members(ctx, o.Meeting)
	var failed *poller.SourceError
	switch {
	case errors.As(err, &failed) && failed.Trouble == poller.NotFound:
		return list{certain: true, over: true, notes: []string{"DingTalk knows no such meeting, or no longer: nobody is in it."}}, nil
	case err != nil:
		return list{}, err
	}
	info, err := o.Source.Info(ctx, o.Meeting)
	switch {
	case errors.As(err, &failed) && failed.Trouble == poller.NotFound: // the list is what counts
	case err != nil:
		return list{}, err
	case info.Ended:
		return list{
			certain: members.Certain, over: true, notes: []string{"The meeting is over: nobody is in it."},
			history: historyOf(o.Meeting, members.Rows, from, time.Now().UnixMilli(), info.EndTime),
		}, nil
	}
	out := list{rows: members.Rows, certain: members.Certain, from: from}
	if !members.Certain {
		out.notes = append(out.notes, "The number of rows differs from the total that DingTalk gave: who is not listed may be there.")
	}
	seen := diff.Compare(diff.New(o.Meeting), diff.Snapshot{Rows: members.Rows, From: from, At: time.Now().UnixMilli(), Via: events.ViaPoll})
	out.people = slices.Collect(seen.State.People())
	return out, nil
}

// compare returns the people whom the two show differently.
func (l list) compare(stored report.Report) Result {
	result := Result{Notes: l.notes}
	announced := map[string]report.Person{}
	for _, p := range stored.People {
		if p.Present {
			announced[p.Person] = p
		}
	}
	result.Announced = len(announced)
	listed, notes := l.compareListed(&result, announced, stored)
	for _, p := range announced {
		now, isListed := listed[p.Person]
		gone := isListed && !now.Present && now.AttendStatus != diff.StatusUndefined
		if gone || !isListed && (l.certain || l.over) {
			result.Differences = append(result.Differences, Difference{
				Kind: NotActive, Person: p.Person, UserNick: p.UserNick, Since: p.Attendances[len(p.Attendances)-1].JoinTime, Left: now.LeaveTime,
			})
		}
	}
	if l.over {
		l.compareHistory(&result, stored)
	}
	slices.SortFunc(result.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Since, b.Since), cmp.Compare(a.Person, b.Person))
	})
	result.Notes = append(result.Notes, notes...)
	return result
}

// compareListed compares the people that the list shows. It returns them by the keys under which
// they are announced, and what could not be compared.
func (l list) compareListed(result *Result, announced map[string]report.Person, stored report.Report) (listed map[string]diff.Person, notes []string) {
	listed = make(map[string]diff.Person, len(l.people))
	renamed := l.renamed(announced)
	unclear, expired := 0, 0
	for _, p := range l.people {
		p.Key = cmp.Or(renamed[p.Key], p.Key)
		listed[p.Key] = p
		_, known := announced[p.Key]
		switch {
		case p.AttendStatus == diff.StatusUndefined:
			unclear++
		case !p.Present:
		case known:
			result.Active++
		case !stored.Complete && p.JoinTime < stored.FirstEvent:
			result.Active++
			expired++
		default:
			result.Active++
			d := Difference{Kind: NotAnnounced, Person: p.Key, UserNick: p.UserNick, Since: p.JoinTime}
			if d.Since >= l.from {
				d.Since = 0 // the list does not tell
			}
			result.Differences = append(result.Differences, d)
		}
	}
	if unclear > 0 {
		notes = append(notes, fmt.Sprintf("%d people are listed with a status that is not documented: it tells nothing of them.", unclear))
	}
	if expired > 0 {
		notes = append(notes, fmt.Sprintf("%d people joined before the first event that is still stored: they were not compared.", expired))
	}
	return listed, notes
}

// renamed tells which guests are announced under another key than they are listed by.
func (l list) renamed(announced map[string]report.Person) map[string]string {
	known := make([]diff.Person, 0, len(announced))
	for _, p := range announced {
		known = append(known, diff.Person{Key: p.Person, UnionID: p.UnionID})
	}
	return diff.Recognise(known, l.rows)
}
