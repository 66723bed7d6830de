package api

import (
	"context"
	"errors"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/c4342123/rollcall/internal/dingtalk/wire"
	"github.com/c4342123/rollcall/poller"
)

const (
	opMembers = "list the members"
	// Bounds of one list. A meeting of 10,000 people with several rows each stays below them even
	// at 20 a page.
	maxPages         = 2_000
	maxRows          = 100_000
	maxPageTokenSize = 2048 // bytes; it has to fit into a URL
)

// Members implements [poller.Source] with the members API,
// https://open.dingtalk.com/document/orgapp/queries-members-of-a-video-conference.
//
// A list that moved while it was read, or whose number of rows differs from its last totalCount, is
// read once more, but not without end where that never helps. A list that makes no progress is left
// within a few pages: what it gave so far counts, as an uncertain list. The texts of all rows share
// one buffer: who keeps some of them for long copies them ([strings.Clone]). Times that cannot be,
// before 1970 or after 9999, are 0. A unionId comes as [UnionID] gives it, a nickname is cut at 256
// bytes, invalid UTF-8 is U+FFFD, and control characters in a nickname are left for the code that
// prints it to escape.
func (c *Client) Members(ctx context.Context, conferenceID string) (poller.List, error) {
	path, err := meetingPath(opMembers, conferenceID, "/members?maxResults="+strconv.Itoa(c.pageSize))
	if err != nil {
		return poller.List{}, err
	}
	w := walks.Get().(*walk)
	defer w.release()
	was := c.habits.of(conferenceID)
	w.odd, w.devices = c.odd, was.devices
	k := c.newCall(opMembers)
	var before []uint64
	for again := range 2 {
		if err := w.read(ctx, k, path); err != nil {
			return poller.List{}, err
		}
		if again == 1 || w.agrees() || w.stuck {
			break
		}
		if before = w.marks(nil); !was.rereads() {
			before = before[:0] // nothing was found again
			break
		}
		ctx = poller.Continue(ctx)
	}
	c.learn(conferenceID, w, before, was.differed)
	list := poller.List{Certain: w.certain(), Calls: w.pages}
	if w.moved+w.suspects > 0 {
		w.dropStale()
	}
	list.Rows = w.build()
	return list, nil
}

// learn takes note of what the next look at the meeting is to know. Rows that were repeated in both
// readings are of people with several devices; before are the marks of the first one, nil if one
// was enough.
func (c *Client) learn(conferenceID string, w *walk, before []uint64, differed int) {
	c.totals.look(c.log, &c.stats.totalMismatches, conferenceID, w)
	var now habit
	if !w.stuck {
		now.devices = w.marks(before)
		if !w.agrees() {
			now.differed = differed + 1
		}
	}
	c.habits.remember(conferenceID, now)
}

// read reads all pages from the first.
func (w *walk) read(ctx context.Context, k *call, path string) error {
	w.reset()
	address := path
	k.sending = func() { poller.Reading(ctx) }
	for {
		if err := k.get(ctx, address, w.page(k)); err != nil {
			if w.pages > 0 && w.complete(w.different()) && refused(err) {
				w.pages++ // the token of the last page led nowhere
				return nil
			}
			return err
		}
		k.sending = nil
		if !w.turn() {
			return nil
		}
		address = path + "&nextToken=" + url.QueryEscape(w.next)
		ctx = poller.Continue(ctx)
	}
}

// turn takes in the page last read and tells whether there is another one to read.
func (w *walk) turn() bool {
	before, fresh := w.firstRow+w.firstLeftOut-w.moved-w.suspects, len(w.rows)
	if w.pages > 0 {
		fresh = w.index()
	}
	if w.beyondEnd(w.next, before, fresh) {
		w.dropPage()
		w.pages++
		return false
	}
	return w.more(w.next, w.different(), fresh) && !w.stuck
}

// page reads one reply.
func (w *walk) page(k *call) func(reply) error {
	return func(r reply) error {
		w.startPage()
		before, uncertain := w.progress, w.uncertain
		if err := json.Unmarshal(r.body, w, wire.Options); err != nil {
			return err
		}
		switch {
		case !w.isList():
			// The page may be asked for again, with another token.
			w.progress, w.uncertain = before, uncertain
			w.rows, w.leftOut = w.rows[:w.firstRow], w.firstLeftOut
			return k.client.fault(k.op, r)
		case !w.hasMembers && !w.hasTotal: // an empty object after the last page
			w.next = ""
			w.uncertain = w.uncertain || w.total < 0
		}
		return nil
	}
}

// refused tells whether upstream refused a request for what it asks.
func refused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == KindRequest
}
