package poller

import (
	"context"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller/guarded"
)

type readingKey struct{}

// Reading tells that the first page of the list that a [Source] is asked for under ctx is about to be asked for, be it
// again: what is announced from now on the list may not show. Without it that goes for all since the Source was asked,
// which then had to wait for its turn.
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

// reading returns a context under which the look's list is read, and when that began.
func (p *Poller) reading(ctx context.Context, m *look) (context.Context, *start) {
	s := &start{}
	note := func() { *s = start{p.wall().UnixMilli(), p.known(m)} }
	note()
	return OnReading(ctx, note), s
}

// known is what is known of a meeting now, by pushes too that came since the look began.
func (p *Poller) known(m *look) diff.Mark {
	newest := guarded.Get(p.table, func(*locked) diff.Record { return m.m.record })
	if newest.State != nil && newest.Revision > m.record.Revision {
		return newest.State.Mark()
	}
	return m.record.State.Mark()
}
