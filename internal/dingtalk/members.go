package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/c4342123/rollcall/poller"
)

const (
	opMembers = "list the members"
	// Bounds of one list. A meeting of 10,000 people with several rows each stays below them even at 20 a page.
	maxPages         = 2_000
	maxRows          = 100_000
	maxPageTokenSize = 2048 // bytes; it has to fit into a URL
)

// Members implements [poller.Source] with the members API,
// https://open.dingtalk.com/document/orgapp/queries-members-of-a-video-conference.
//
// A list whose number of rows differs from the totalCount that came with it is read once more. The texts of all rows
// share one buffer: who keeps some of them for long copies them ([strings.Clone]). Times that cannot be, before 1970
// or after 9999, are 0. A unionId comes as [UnionID] gives it, a nickname is cut at 256 bytes, invalid UTF-8 is
// U+FFFD, and control characters in a nickname are left for whoever prints it to escape.
func (c *Client) Members(ctx context.Context, conferenceID string) (poller.List, error) {
	path, err := meetingPath(opMembers, conferenceID, "/members?maxResults="+strconv.Itoa(c.pageSize))
	if err != nil {
		return poller.List{}, err
	}
	w := walks.Get().(*walk)
	defer w.release()
	k := c.newCall(opMembers)
	for range 2 {
		if err := w.read(ctx, k, path); err != nil {
			return poller.List{}, err
		}
		if w.certain() {
			break
		}
		ctx = poller.Continue(ctx)
	}
	c.totals.look(c.log, &c.stats.totalMismatches, conferenceID, len(w.rows), w.total)
	return poller.List{Rows: w.build(), From: w.from, Certain: w.certain() && !w.uncertain, Calls: len(w.seen) + 1}, nil
}

// read reads all pages from the first.
func (w *walk) read(ctx context.Context, k *call, path string) error {
	w.reset()
	address := path
	for range maxPages {
		if err := k.get(ctx, address, w.page(k)); err != nil {
			return err
		}
		if len(w.seen) == 0 {
			w.from = k.sent.UnixMilli()
		}
		next := w.next
		switch {
		case next == "" || next == "0":
			return nil
		case slices.Contains(w.seen, next):
			return w.endless(k, errors.New("a page token came twice"))
		}
		w.seen = append(w.seen, next)
		address = path + "&nextToken=" + url.QueryEscape(next)
		ctx = poller.Continue(ctx)
	}
	return w.endless(k, fmt.Errorf("the list has more than %d pages", maxPages))
}

// page reads one reply.
func (w *walk) page(k *call) func(reply) error {
	return func(r reply) error {
		w.startPage()
		if err := json.Unmarshal(r.body, w, wireOptions); err != nil {
			return err
		}
		if !w.isList() {
			return k.client.fault(k.op, r)
		}
		return nil
	}
}

func (w *walk) endless(k *call, err error) error {
	e := &Error{Op: k.op, Kind: KindReply, Err: err}
	return e.source()
}
