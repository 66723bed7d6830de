package httpapi

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/stored/ended"
)

const (
	// maxListed is how many meetings may be asked for.
	maxListed = 500
	// maxSearch is the longest text that is searched for, in bytes.
	maxSearch = 256
)

// listing is which meetings are wanted.
type listing struct {
	state  diff.Phase
	search string
	limit  int // 0 where none was given
}

func listingOf(query url.Values) (l listing, err error) {
	l.state, l.search = diff.Watched, query.Get("search")
	switch state := query.Get("state"); state {
	case "", diff.Watched.String():
	case diff.Ended.String():
		l.state = diff.Ended
	default:
		return l, fmt.Errorf("state: %q is neither %s nor %s", state, diff.Watched, diff.Ended)
	}
	if len(l.search) > maxSearch {
		return l, fmt.Errorf("search: is over %d bytes", maxSearch)
	}
	if query.Has("limit") {
		if l.limit, err = strconv.Atoi(query.Get("limit")); err != nil || l.limit < 1 || l.limit > maxListed {
			return l, fmt.Errorf("limit: %q is no number from 1 to %d", query.Get("limit"), maxListed)
		}
	}
	return l, nil
}

// list answers with the meetings that are watched or, with state=ended, with those that are over.
func (a *api) list(w http.ResponseWriter, r *http.Request) {
	wanted, err := listingOf(r.URL.Query())
	switch {
	case err != nil:
		problem.Write(w, http.StatusBadRequest, err.Error())
	case !a.canAnswer(w):
	case wanted.state == diff.Ended:
		a.ended(w, r, wanted)
	default:
		a.watched(w, r, wanted)
	}
}

func (a *api) watched(w http.ResponseWriter, r *http.Request, wanted listing) {
	watched, err := a.opts.Meetings.Meetings(r.Context())
	if err != nil {
		fail(w, "", err)
		return
	}
	limit := cmp.Or(wanted.limit, len(watched))
	body := listBody{State: diff.Watched.String(), Meetings: make([]meetingBody, 0, min(limit, len(watched)))}
	for i := range watched {
		m := &watched[i]
		if len(body.Meetings) < limit && ended.Matches(wanted.search, m.ConferenceID, m.Title, m.CreatorNick, m.CreatorID) {
			body.Meetings = append(body.Meetings, meetingBodyOf(*m))
		}
	}
	problem.Reply(w, http.StatusOK, jsonType, body)
}
