package bot

import (
	"strings"
	"time"

	"github.com/c4342123/rollcall/events"
)

// item is one event that is to be told, with what a message says of it. It holds no text that
// anything would act on.
type item struct {
	id       string // the event's
	at       time.Time
	meeting  string // the conferenceId
	title    string
	did      events.Type
	person   string // tells the person from others
	name     string
	guest    bool
	again    bool
	inferred bool
	present  int // people in the meeting afterwards
}

// shownID is how much of an id stands for a name that is not known, in characters.
const shownID = 8

func (p phrases) item(e events.Event, title string) item {
	m := e.Member
	it := item{
		id: e.ID, at: e.Time, meeting: m.ConferenceID, title: plain(title, maxTitle), did: e.Type, person: e.Subject,
		name: plain(m.UserNick, maxName), guest: m.OuterOrgMember || m.UnionID == "",
		again: e.Type == events.Joined && m.Visit > 1, inferred: m.Inferred, present: m.ActiveCount,
	}
	if it.title == "" {
		it.title = p.untitled(plain(m.ConferenceID, maxTitle))
	}
	if it.name == "" {
		it.name = p.nameless(plain(m.UnionID, shownID))
	}
	return it
}

// who is the name as it is shown.
func (it item) who(p phrases) string {
	if it.guest {
		return unmarked(it.name) + p.guest
	}
	return it.name
}

// unmarked is a name without the mark of a guest, which some write behind their own names.
func unmarked(name string) string {
	for _, p := range wording {
		if bare, marked := strings.CutSuffix(name, p.guest); marked && bare != "" {
			return bare
		}
	}
	return name
}
