package feed

import "context"

// Reader reads events one after the other. It is for one goroutine.
type Reader struct {
	feed   *Feed
	filter Filter
	after  uint64 // the sequence of the last event that was passed
	epoch  int
}

// Subscribe returns a reader of the events from now on. Its errors are [ErrNotReady] and [ErrTooMany]. The reader has to
// be closed.
func (f *Feed) Subscribe(filter Filter) (*Reader, error) {
	return f.subscribe(filter, func() uint64 { return f.newest() })
}

// Resume is Subscribe for the events after a sequence, be it one that another feed of the stream handed out. See
// [Reader.Begin] for one that the stream has not reached.
func (f *Feed) Resume(filter Filter, after uint64) (*Reader, error) {
	return f.subscribe(filter, func() uint64 { return after })
}

func (f *Feed) subscribe(filter Filter, after func() uint64) (*Reader, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.epoch == 0:
		return nil, ErrNotReady
	case f.readers >= f.maximum:
		return nil, ErrTooMany
	}
	f.readers++
	return &Reader{feed: f, filter: filter, after: after(), epoch: f.epoch}, nil
}

// Begin returns the sequence after which the reader begins; whoever resumes after it misses nothing. It comes before
// CatchUp and Read. A sequence to resume after that is beyond the end of the stream was that of another one, of which
// this one took the place: all events are new then. Only for a sequence that this feed has not come to is the stream
// asked, whose error, or that of ctx, is returned.
func (r *Reader) Begin(ctx context.Context) (uint64, error) {
	if !r.ahead() {
		return r.after, nil
	}
	// The stream ends in what is no event, or another feed is quicker than this one, or the stream is another.
	last, err := r.feed.stream.Last(ctx)
	if err != nil {
		return 0, err
	}
	if r.after > last {
		r.after = 0
	}
	return r.after, nil
}

// ahead tells whether the reader wants to go on after what has not come yet.
func (r *Reader) ahead() bool {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	return r.after > r.feed.newest()
}

// Close lets somebody else read.
func (r *Reader) Close() {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	r.feed.readers--
}

// CatchUp calls each for the events that are no longer kept, which it reads from the stream. Afterwards Read goes on.
// While many catch up, it waits for its turn. It returns the error of each, of the stream, or of ctx.
func (r *Reader) CatchUp(ctx context.Context, each func(Event) error) error {
	if _, behind := r.behind(); !behind {
		return nil
	}
	select {
	case r.feed.catching <- struct{}{}:
		defer func() { <-r.feed.catching }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		until, behind := r.behind()
		if !behind {
			return nil
		}
		if err := r.feed.stream.History(ctx, r.filter, r.after, until, each); err != nil {
			return err
		}
		r.after = until
	}
}

// behind tells whether there are events that the reader has not passed and that are no longer kept, and up to which
// sequence to read then.
func (r *Reader) behind() (until uint64, behind bool) {
	f := r.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.newest(), r.epoch == f.epoch && r.after < f.oldest()
}

// together is how many events Read returns at most.
const together = 64

// Read returns the next events, as soon as there is one. It returns [ErrTooSlow] when that is no longer kept, and the
// error of ctx when that ends first.
func (r *Reader) Read(ctx context.Context) ([]Event, error) {
	for {
		found, news, err := r.take()
		if len(found) > 0 || err != nil {
			return found, err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take returns the next events or, when there are none, what to wait for.
func (r *Reader) take() ([]Event, <-chan struct{}, error) {
	f := r.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.epoch != f.epoch || r.after < f.oldest() {
		return nil, nil, ErrTooSlow
	}
	var found []Event
	for i := f.position(r.after); i < f.count && len(found) < together; i++ {
		e := &f.ring[i%kept]
		r.after = e.Sequence
		if r.filter.picks(e) {
			found = append(found, *e)
		}
	}
	return found, f.news, nil
}

// position is the number of the first event after a sequence, which is kept if it has come. The caller holds mu.
func (f *Feed) position(after uint64) uint64 {
	low, high := f.count-min(f.count, kept), f.count
	for low < high {
		middle := (low + high) / 2
		if f.ring[middle%kept].Sequence <= after {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}
