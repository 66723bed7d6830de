package poller

import (
	"context"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller/guarded"
)

type readingKey struct{}

// Reading says that the first page of the list that a [Source] was asked for under ctx is about to
// be requested, also when it is requested again. The list may not show what is announced from now
// on. Without Reading, that goes for everything announced since the Source was asked, although it
// may have had to wait for its turn.
func Reading(ctx context.Context) {
	if f, ok := ctx.Value(readingKey{}).(func()); ok {
		f()
	}
}

// OnReading returns a context under which f is called by [Reading].
func OnReading(ctx context.Context, f func()) context.Context {
	return context.WithValue(ctx, readingKey{}, f)
}

// start is when a list began to be read, and what was known of the meeting then.
type start struct {
	at    int64 // Unix milliseconds
	known diff.Mark
}

// reading returns a context to read the look's list under, and when that began.
func (p *Poller) reading(ctx context.Context, m *look) (context.Context, *start) {
	s := &start{}
	note := func() { *s = start{p.wall().UnixMilli(), p.known(m)} }
	note()
	return OnReading(ctx, note), s
}

// known is what is known of a meeting now, including pushes that came since the look began.
func (p *Poller) known(m *look) diff.Mark {
	newest := guarded.Get(p.table, func(*locked) diff.Record { return m.m.record })
	if newest.State != nil && newest.Revision > m.record.Revision {
		return newest.State.Mark()
	}
	return m.record.State.Mark()
}
