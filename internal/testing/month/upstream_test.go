package month

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/internal/dingtalk/discovery"
	"github.com/c4342123/rollcall/internal/fleet/budget"
	"github.com/c4342123/rollcall/poller"
)

// answer is how long DingTalk takes to answer a call.
const answer = 150 * time.Millisecond

// upstream is DingTalk, where the truth happens.
type upstream struct {
	tenant
	meetings []*meeting // by their start
	byID     map[string]*meeting

	mu    sync.Mutex
	calls map[string]int // by kind
	total int
	out   time.Time // when the month's calls were used up, for DingTalk or for us; zero while they are not
}

func newUpstream(t tenant, meetings []*meeting) *upstream {
	u := &upstream{tenant: t, meetings: meetings, byID: map[string]*meeting{}, calls: map[string]int{}}
	for _, m := range meetings {
		u.byID[m.id] = m
	}
	return u
}

// client is what one replica calls DingTalk by.
type client struct {
	*upstream
	limiter *budget.Limiter
}

var (
	_ poller.Source    = client{}
	_ discovery.Lister = client{}
)

// call makes one call, when it may be made.
func (c client) call(ctx context.Context, kind string) error {
	if err := c.limiter.Wait(ctx); err != nil {
		c.refused(err)
		return err
	}
	time.Sleep(answer) // synthetic
	err := c.count(kind)
	c.limiter.Observe(err)
	return err
}

func (u *upstream) refused(err error) {
	if !errors.Is(err, budget.ErrSpent) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls["refused"]++
	if u.limit > 0 && u.total > u.limit*9/10 && u.out.IsZero() {
		u.out = time.Now()
	}
}

func (u *upstream) count(kind string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if time.Now().Before(monthBegins) {
		return nil
	}
	u.calls[kind]++
	u.total++
	if u.grants == 0 || u.total <= u.grants {
		return nil
	}
	if u.out.IsZero() {
		u.out = time.Now()
	}
	return &poller.SourceError{Trouble: poller.Exhausted, Err: errors.New("ApiCountLimitForOrg")}
}

func notFound() error {
	return &poller.SourceError{Trouble: poller.NotFound, Err: errors.New("roomNotFound")}
}

// Members implements [poller.Source].
func (c client) Members(ctx context.Context, id string) (poller.List, error) {
	poller.Reading(ctx)
	kind := "lists"
	if poller.LastLook(ctx) {
		kind = "last"
	} else if poller.Asked(ctx) {
		kind = "asked"
	}
	if err := c.call(ctx, kind); err != nil {
		return poller.List{}, err
	}
	m, now := c.byID[id], time.Now().UnixMilli()
	if m == nil || now < m.start || now > m.end+c.closes.Milliseconds() {
		return poller.List{}, notFound()
	}
	return poller.List{Rows: m.rows(now, c.reset), Certain: true, Calls: 1}, nil
}

// Info implements [poller.Source].
func (c client) Info(ctx context.Context, id string) (poller.Info, error) {
	if err := c.call(ctx, "infos"); err != nil {
		return poller.Info{}, err
	}
	m, now := c.byID[id], time.Now().UnixMilli()
	if m == nil || now < m.start {
		return poller.Info{}, notFound()
	}
	info := poller.Info{Title: "A meeting", CreatorID: "creator", StartTime: m.start}
	if now >= m.end {
		info.Ended, info.EndTime = true, m.end
		return info, nil
	}
	seen := map[string]bool{}
	for _, v := range m.visits {
		if v.join > now {
			break
		}
		if !seen[v.who+v.nick] {
			seen[v.who+v.nick] = true
			info.AttendedCount++
		}
		if v.left > now {
			info.ActiveCount++
		}
	}
	return info, nil
}

// OngoingMeetings implements [discovery.Lister].
func (c client) OngoingMeetings(ctx context.Context) (api.Ongoing, error) {
	if err := c.call(budget.With(ctx, budget.Discovery), "org"); err != nil {
		return api.Ongoing{}, err
	}
	now := time.Now().UnixMilli()
	list := api.Ongoing{Certain: true}
	for _, m := range c.meetings {
		if m.start <= now && now < m.end {
			list.Meetings = append(list.Meetings, api.OngoingMeeting{
				ConferenceID: m.id, Title: "A meeting", CreatorID: "creator", StartTime: m.start,
			})
		}
	}
	return list, nil
}
