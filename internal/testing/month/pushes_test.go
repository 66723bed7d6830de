package month

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// push is one that DingTalk sends, when it comes, in Unix milliseconds.
type push struct {
	at     int64
	notice poller.Notice
}

// sends returns all pushes that come, in the order in which they do.
func (t tenant) sends(meetings []*meeting) []push {
	r := rand.New(rand.NewPCG(t.seed, 29))
	var out []push
	silence := monthEnds.UnixMilli()
	if t.until > 0 {
		silence = monthBegins.UnixMilli() + int64(t.until*24*float64(time.Hour.Milliseconds()))
	}
	send := func(at int64, n poller.Notice) {
		took := int64(250 + 350*r.ExpFloat64())
		if r.Float64() >= t.lost && at < silence {
			n.Time = at
			out = append(out, push{at + took, n})
		}
	}
	for _, m := range meetings {
		if t.pushes == noPushes {
			break
		}
		described := diff.Description{Title: "A meeting", CreatorID: "creator", StartTime: m.start}
		send(m.start, poller.Notice{ConferenceID: m.id, Scene: poller.Created, Description: described})
		send(m.end, poller.Notice{ConferenceID: m.id, Scene: poller.Closed, Description: described})
		if t.pushes == statusPushes {
			continue
		}
		for _, v := range m.visits {
			send(v.join, v.notice(m.id, v.join))
			send(v.left, v.notice(m.id, v.left))
		}
	}
	slices.SortStableFunc(out, func(a, b push) int { return cmp.Compare(a.at, b.at) })
	if t.quota > 0 {
		out = out[:min(len(out), t.quota)]
	}
	return out
}

// notice is what a push tells of a visit at a time. It cannot name a guest.
func (v visit) notice(id string, now int64) poller.Notice {
	if v.who == "" {
		return poller.Notice{ConferenceID: id, Look: true, Gone: now >= v.left}
	}
	return poller.Notice{ConferenceID: id, Rows: []diff.Row{v.row(now)}}
}
