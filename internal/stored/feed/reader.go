package feed

import "context"

// Reader reads events one after the other. It is for one goroutine.
type Reader struct {
	feed   *Feed
	filter Filter
	began  place  // where it began
	epoch  int    // of what it reads
	after  uint64 // the sequence of the last event that was passed
	taking bool   // it takes events from those that are kept
	joined uint64 // then: the sequence after which it began to
	next   uint64 // and how many events came before the one that it takes next
}

// Subscribe returns a reader of the events from now on. Its errors are [ErrNotReady] and
// [ErrTooMany]. The reader has to be closed.
func (f *Feed) Subscribe(filter Filter) (*Reader, error) {
	return f.subscribe(filter, func() uint64 { return f.newest() })
}

// Resume is Subscribe for the events after a place, be it one that another feed of the stream
// handed out. See [Reader.Begin] for one that the stream has not reached.
func (f *Feed) Resume(filter Filter, after ID) (*Reader, error) {
	return f.subscribe(filter, func() uint64 { return f.meant(after) })
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
	r := &Reader{feed: f, filter: filter, after: after(), epoch: f.epoch}
	r.began = place{r.epoch, r.after}
	r.join()
	return r, nil
}

// join has the reader take events from those that are kept, if the next is among them. The caller
// holds mu.
func (r *Reader) join() bool {
	if f := r.feed; !r.taking && r.epoch == f.epoch && r.after >= f.oldest() {
		r.next, r.joined, r.taking = f.position(r.after), r.after, true
	}
	return r.taking
}

// Begin returns the place after which the reader begins; a reader that resumes after it misses
// nothing. It comes before CatchUp and Read. A sequence to resume after that is beyond the end of
// the stream was that of another one, of which this one took the place: all events are new then.
// Only for a sequence that this feed has not come to is the stream asked, whose error, or that of
// ctx, is returned.
func (r *Reader) Begin(ctx context.Context) (ID, error) {
	if !r.ahead() {
		return r.Place(), nil
	}
	// The stream ends in what is no event, or another feed is quicker than this one, or the stream
	// is another.
	last, err := r.feed.stream.Last(ctx)
	if err != nil {
		return ID{}, err
	}
	if r.after > last {
		r.after = 0
		r.began, r.taking = place{r.epoch, 0}, false
	}
	return r.Place(), nil
}

// Place is where the reader is: another that resumes after it goes on as this one would.
func (r *Reader) Place() ID {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	if r.epoch != r.feed.epoch {
		return ID{Sequence: r.after}
	}
	return r.feed.idOf(r.after)
}

// ahead tells whether the reader wants to go on after what has not come yet.
func (r *Reader) ahead() bool {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	return r.after > r.feed.newest()
}

// Close makes room for another reader.
func (r *Reader) Close() {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	r.feed.readers--
}

// CatchUp calls each for the events that are no longer kept, which it reads from the stream.
// Afterwards Read goes on. While many catch up, it waits for its turn. It returns the error of
// each, of the stream, or of ctx.
func (r *Reader) CatchUp(ctx context.Context, each func(Placed) error) error {
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
		if err := r.feed.stream.History(ctx, r.filter, r.after, until, r.placing(each)); err != nil {
			return err
		}
		r.after = until
	}
}

// placing has each told an event with where it is.
func (r *Reader) placing(each func(Placed) error) func(Event) error {
	return func(e Event) error {
		r.feed.mu.Lock()
		place := ID{Sequence: e.Sequence}
		if r.epoch == r.feed.epoch {
			place = r.feed.idOf(e.Sequence)
		}
		r.feed.mu.Unlock()
		return each(Placed{e, place})
	}
}

// behind tells whether there are events that the reader has not passed and that are no longer kept,
// and up to which sequence to read then.
func (r *Reader) behind() (until uint64, behind bool) {
	f := r.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.newest(), r.epoch == f.epoch && !r.join()
}

// together is how many events Read returns at most.
const together = 64

// Read returns the next events, as soon as there is one, with the place to resume after each. It
// also returns, perhaps without an event, when the events go on in another stream of the name: then
// places mean something else, and [Reader.Place] is to be told. What was read before is not
// returned again where it is announced anew. Read returns [ErrTooSlow] when the next event is no
// longer kept, and the error of ctx when that ends first.
func (r *Reader) Read(ctx context.Context) (found []Placed, moved bool, err error) {
	for {
		found, moved, news, err := r.take()
		if len(found) > 0 || moved || err != nil {
			return found, moved, err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

// Placed is an event, and where it is.
type Placed struct {
	Event
	Place ID
}

// take returns the next events or, when there are none, what to wait for.
func (r *Reader) take() (found []Placed, moved bool, news <-chan struct{}, err error) {
	f := r.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if !r.join() || f.count-r.next > kept {
		return nil, false, nil, ErrTooSlow
	}
	for ; r.next < f.count && len(found) < together; r.next++ {
		e := &f.ring[r.next%kept]
		if e.epoch != r.epoch {
			r.epoch, r.after, moved = e.epoch, 0, true
		}
		if e.Sequence <= r.after { // the reader was ahead of the feed
			continue
		}
		r.after = e.Sequence
		if r.filter.picks(&e.Event) && !r.told(e) {
			found = append(found, Placed{e.Event, f.placeOf(e)})
		}
	}
	return found, moved, f.news, nil
}

// told tells whether the reader had the event where it came first: before it began, or since it
// takes what is kept.
func (r *Reader) told(e *entry) bool {
	if !e.again || e.first.epoch != r.began.epoch {
		return e.again && e.first.epoch > r.began.epoch
	}
	return e.first.sequence <= r.began.sequence || e.first.sequence > r.joined
}

// position is how many events came before the first after a sequence of the epoch, which is kept if
// it has come. The caller holds mu.
func (f *Feed) position(after uint64) uint64 {
	low, high := f.count-min(f.count-f.base, kept), f.count
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
