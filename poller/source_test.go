package poller_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

type (
	listFunc = func(ctx context.Context, id string) (poller.List, error)
	infoFunc = func(ctx context.Context, id string) (poller.Info, error)
)

// fakeSource is a source of function fields. It keeps when it was called and notices two calls for
// one meeting at once.
type fakeSource struct {
	mu       sync.Mutex
	members  listFunc
	info     infoFunc
	start    time.Time
	lists    []call
	infos    []call
	inside   map[string]int
	overlaps int
}

type call struct {
	id string
	at time.Duration // since the start
}

var _ poller.Source = (*fakeSource)(nil)

func (f *fakeSource) Members(ctx context.Context, id string) (poller.List, error) {
	defer f.leave(id)
	return enter(f, &f.members, &f.lists, id)(ctx, id)
}

func (f *fakeSource) Info(ctx context.Context, id string) (poller.Info, error) {
	defer f.leave(id)
	return enter(f, &f.info, &f.infos, id)(ctx, id)
}

func enter[F any](f *fakeSource, fn *F, log *[]call, id string) F {
	f.mu.Lock()
	defer f.mu.Unlock()
	*log = append(*log, call{id, time.Since(f.start)})
	if f.inside[id]++; f.inside[id] > 1 {
		f.overlaps++
	}
	return *fn
}

func (f *fakeSource) leave(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inside[id]--
}

// onList and onInfo say how the source answers from now on.
func (f *fakeSource) onList(fn listFunc) { set(f, &f.members, fn) }
func (f *fakeSource) onInfo(fn infoFunc) { set(f, &f.info, fn) }

func set[F any](f *fakeSource, field *F, fn F) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*field = fn
}

// listCalls and infoCalls tell when a meeting was asked about.
func (f *fakeSource) listCalls(id string) []time.Duration { return f.times(&f.lists, id) }
func (f *fakeSource) infoCalls(id string) []time.Duration { return f.times(&f.infos, id) }

func (f *fakeSource) times(log *[]call, id string) []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []time.Duration
	for _, c := range *log {
		if c.id == id {
			out = append(out, c.at)
		}
	}
	return out
}

// reads counts the lists that were read, by meeting.
func (f *fakeSource) reads() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]int{}
	for _, c := range f.lists {
		out[c.id]++
	}
	return out
}

func (f *fakeSource) infoCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.infos)
}

func (f *fakeSource) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.lists) + len(f.infos)
}

// newSource is a source of meetings that go on and where nobody is.
func newSource() *fakeSource {
	return &fakeSource{
		start: time.Now(), inside: map[string]int{},
		members: func(context.Context, string) (poller.List, error) { return poller.List{Certain: true}, nil },
		info:    func(context.Context, string) (poller.Info, error) { return poller.Info{}, nil },
	}
}

// trouble is a failure of upstream.
func trouble(kind poller.Trouble) error {
	return &poller.SourceError{Trouble: kind, Err: errors.New("as the test says")}
}

func troubleFor(kind poller.Trouble, wait time.Duration) error {
	return &poller.SourceError{Trouble: kind, Wait: wait, Err: errors.New("as the test says")}
}

// list answers every request with rows.
func list(rows ...diff.Row) listFunc {
	return func(context.Context, string) (poller.List, error) {
		return poller.List{Rows: slices.Clone(rows), Certain: true}, nil
	}
}

func failList(err error) listFunc {
	return func(context.Context, string) (poller.List, error) { return poller.List{}, err }
}

func failInfo(err error) infoFunc {
	return func(context.Context, string) (poller.Info, error) { return poller.Info{}, err }
}

// present and gone are rows. Times are seconds after the year 2000, when the bubbles' clocks begin.
func present(who string, joined int64) diff.Row {
	return diff.Row{UnionID: who, UserNick: who, JoinTime: second(joined), Status: diff.StatusActive}
}

func gone(who string, joined, left int64) diff.Row {
	return diff.Row{UnionID: who, UserNick: who, JoinTime: second(joined), LeaveTime: second(left), Status: diff.StatusLeft}
}

func second(s int64) int64 { return 946684800_000 + 1000*s }

// twin answers as f does, and keeps for itself when it was called.
func (f *fakeSource) twin() *fakeSource {
	t := newSource()
	t.members, t.info = f.Members, f.Info
	return t
}
