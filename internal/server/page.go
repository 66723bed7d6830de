package server

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/peers"
)

// What a page shows at most: it is for a person to look at, and the API has the rest.
const (
	maxPageMeetings = 50
	maxPagePeople   = 200
	// pageSeconds is how often a browser asks for the page again.
	pageSeconds = 3
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string

	pageTemplate = template.Must(template.New("page").Parse(pageHTML))
	// pagePolicy lets the page show itself and its own style, and nothing else happen: no script, no frame, no form.
	pagePolicy = "default-src 'none'; style-src '" + styleHash(pageCSS) + "'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

// pageData is what the page shows.
type pageData struct {
	Style    template.CSS
	Seconds  int
	At       string
	Watched  int
	Checks   []Check
	Meetings []pageMeeting
}

type pageMeeting struct {
	ID, Title, LastLook, LastError string
	Active, People                 int
	Roster                         []pagePerson
}

type pagePerson struct {
	Name, Note, Joined, Left string
	Present                  bool
	Visits                   int
}

// page shows the watched meetings and who is in them, from the same source as the API. It needs no script: the browser
// asks for it again and again.
func (a *api) page(w http.ResponseWriter, r *http.Request) {
	watched, err := a.opts.Meetings.Meetings(r.Context())
	if err != nil {
		fail(w, "", err)
		return
	}
	data := pageData{
		Style: template.CSS(pageCSS), Seconds: pageSeconds, At: clock(time.Now()), Watched: len(watched),
		Checks: a.failing(),
	}
	for _, s := range watched[:min(len(watched), maxPageMeetings)] {
		if _, state, err := a.opts.Meetings.Meeting(r.Context(), s.ConferenceID); err == nil { // it may have ended just now
			data.Meetings = append(data.Meetings, newPageMeeting(s, state))
		}
	}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, data); err != nil {
		panic(err) // the template is part of the program and tested
	}
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	head(w, http.StatusOK, "text/html; charset=utf-8")
	_, _ = out.WriteTo(w) // who went away sees nothing more
}

// failing returns the checks that fail.
func (a *api) failing() []Check {
	if a.opts.Checks == nil {
		return nil
	}
	return slices.DeleteFunc(a.opts.Checks(), func(c Check) bool { return c.Err == nil })
}

func newPageMeeting(s peers.Meeting, state *diff.State) pageMeeting {
	m := pageMeeting{
		ID: s.ConferenceID, Title: s.Title, LastError: s.LastError, Active: state.Active, People: state.Size(),
	}
	if !s.LastLook.IsZero() {
		m.LastLook = clock(s.LastLook)
	}
	for p := range state.People() {
		m.Roster = append(m.Roster, newPagePerson(p))
	}
	slices.SortStableFunc(m.Roster, func(x, y pagePerson) int { return rank(x) - rank(y) })
	m.Roster = m.Roster[:min(len(m.Roster), maxPagePeople)]
	return m
}

// rank puts those who are there first.
func rank(p pagePerson) int {
	if p.Present {
		return 0
	}
	return 1
}

func newPagePerson(p diff.Person) pagePerson {
	out := pagePerson{Name: p.UserNick, Present: p.Present, Visits: p.Visits}
	if out.Name == "" {
		out.Name = p.Key
	}
	if p.JoinTime > 0 {
		out.Joined = clock(time.UnixMilli(p.JoinTime))
	}
	if p.LeaveTime > 0 {
		out.Left = clock(time.UnixMilli(p.LeaveTime))
	}
	var notes []string
	for _, n := range []struct {
		is   bool
		note string
	}{
		{p.Host, "host"},
		{p.CoHost, "co-host"},
		{p.OuterOrgMember, "from outside"},
		{p.PSTNJoin, "by phone"},
	} {
		if n.is {
			notes = append(notes, n.note)
		}
	}
	out.Note = strings.Join(notes, ", ")
	return out
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05") }

func styleHash(css string) string {
	sum := sha256.Sum256([]byte(css))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
