package diff

import (
	"cmp"
	"slices"
	"sync"

	"github.com/c4342123/rollcall/events"
)

// Compare compares a snapshot with what has been announced and returns the events that follow. It
// changes neither argument. An unchanged person costs no allocation.
//
// A whole look that began before the one whose outcome prev holds had ended may show what is no
// longer so: of two looks under way at once it is not known which read the list first. It announces
// nothing.
func Compare(prev *State, snap Snapshot) Result {
	if prev.overtaken(&snap) {
		return Result{State: prev, LookNow: true}
	}
	if snap.EndTime > snap.At {
		snap.EndTime, snap.endInferred = snap.At, true
	}
	c := scratch.Get().(*comparison)
	defer c.release()
	c.begin(prev, &snap)
	c.groupRows()
	c.comparePeople()
	return c.finish()
}

var scratch = sync.Pool{New: func() any { return new(comparison) }}

// comparison is the working memory of one [Compare].
type comparison struct {
	prev, next *State
	snap       *Snapshot
	owned      bool   // next is a clone that may be changed
	newerPush  []bool // by person: a push announced something since the look began; empty for none
	initial    bool
	result     Result

	first []int32 // by person: 1 + their first row, 0 for none
	link  []int32 // by row: 1 + the next row of the same person, 0 for none
	index index
	key   []byte

	unknown []int32 // rows of guests under keys not seen before

	intervals   []interval
	attendances []attendance
	changes     []change
}

func (c *comparison) begin(prev *State, snap *Snapshot) {
	c.prev, c.next, c.snap = prev, prev, snap
	c.initial = prev.LookedAt == 0 && snap.Kind != Partial
	c.result = Result{}
	c.first = append(c.first[:0], make([]int32, len(prev.people))...)
	c.link = append(c.link[:0], make([]int32, len(snap.Rows))...)
	c.newerPush = c.newerPush[:0]
	if snap.Kind == Partial || snap.Over {
		return
	}
	if pushedSince := prev.pushedSince(snap.Since); len(pushedSince) > 0 {
		c.newerPush = append(c.newerPush, make([]bool, len(prev.people))...)
		for _, p := range pushedSince {
			c.newerPush[p.person] = true
		}
	}
}

// release keeps the memory for the next comparison, but nothing that is in it.
func (c *comparison) release() {
	clear(c.changes)
	*c = comparison{
		first: c.first, link: c.link, newerPush: c.newerPush, index: index{slots: c.index.slots}, key: c.key, unknown: c.unknown, intervals: c.intervals,
		attendances: c.attendances, changes: c.changes[:0],
	}
	scratch.Put(c)
}

// copyNext makes next a copy that may be changed.
func (c *comparison) copyNext() {
	if !c.owned {
		c.next, c.owned = c.prev.clone(), true
		c.next.edition++
	}
}

// mutable returns a person of next to be changed.
func (c *comparison) mutable(i int32) *person {
	c.copyNext()
	c.result.Changed = true
	return &c.next.people[i]
}

// groupRows finds the person of every row. A list mostly keeps its order, so the person after the
// last one found is tried first.
func (c *comparison) groupRows() {
	hint, newcomers := int32(0), c.unknown[:0]
	for r := range c.snap.Rows {
		row := &c.snap.Rows[r]
		if c.snap.Kind == Partial && row.UnionID == "" {
			c.result.LookNow = true // a push cannot tell two guests apart
			continue
		}
		i := hint
		if !c.next.isAt(hint, row) {
			i = c.find(row, hint)
		}
		if i < 0 && row.UnionID == "" && c.prev.hasGuests() {
			newcomers = append(newcomers, int32(r))
			continue
		}
		if i < 0 {
			i = c.add(row)
		}
		if i >= hint {
			hint = i + 1
		}
		c.assign(int32(r), i)
	}
	if c.unknown = newcomers; len(newcomers) > 0 {
		c.matchNewcomers(newcomers)
	}
}

// assign notes which person a row belongs to.
func (c *comparison) assign(r, i int32) {
	c.link[r] = c.first[i]
	c.first[i] = r + 1
}

// find returns the position of the person of a row, or -1, and leaves the key in c.key.
func (c *comparison) find(row *Row, hint int32) int32 {
	c.key = identify(c.key[:0], row)
	if int(hint) < len(c.next.people) && c.next.is(&c.next.people[hint], c.key) {
		return hint
	}
	return c.index.find(c.next, c.key)
}

// add adds the person of a row, whom find has just not found.
func (c *comparison) add(row *Row) int32 {
	c.copyNext()
	c.result.Changed = true
	i := c.next.add(c.key, row)
	c.index.add(c.next, i)
	c.first = append(c.first, 0)
	return i
}

func (c *comparison) findOrAdd(row *Row) int32 {
	if i := c.find(row, int32(len(c.next.people))); i >= 0 {
		return i
	}
	return c.add(row)
}

// comparePeople compares person by person. Most are as they were, which is recognised first.
func (c *comparison) comparePeople() {
	quick := c.snap.Kind != Partial && !c.snap.Over
	for i, r := range c.first {
		if quick && r > 0 && c.link[r-1] == 0 && c.next.asAnnounced(&c.next.people[i], &c.snap.Rows[r-1]) {
			continue
		}
		c.comparePerson(int32(i))
	}
}

// finish applies the changes in order and turns them into events.
func (c *comparison) finish() Result {
	res := c.result
	if len(c.changes) > 0 {
		c.copyNext()
		res.Changed = true
	}
	c.advance(&res)
	if len(c.changes) > 0 {
		slices.SortFunc(c.changes, c.before)
		res.own = cause{base: c.prev, changes: slices.Clone(c.changes), at: c.snap.At}
		res.Events = make([]events.Event, 0, len(c.changes))
		for i := range c.changes {
			c.next.apply(&c.changes[i])
			res.Events = append(res.Events, c.event(&c.changes[i]))
		}
	}
	res.State = c.next
	return res
}

// advance notes in the state what the look says of the meeting as a whole.
func (c *comparison) advance(res *Result) {
	if c.snap.Kind == Partial && !c.snap.Over {
		return
	}
	if !c.owned {
		next := *c.prev // shares the people: none of them changed
		c.next = &next
	}
	if c.snap.Kind != Partial {
		res.Changed = res.Changed || c.initial
		c.next.LookedAt = c.snap.began()
	}
	if c.snap.Over {
		res.Changed = res.Changed || c.prev.Phase != Ended
		c.next.Phase = Ended
		c.next.EndTime = cmp.Or(c.snap.EndTime, c.prev.EndTime)
	}
	if res.Changed {
		c.next.edition = c.prev.edition + 1
		c.next.looked, c.next.unfinished = c.next.edition, 0
		// A look that changes nothing overtakes no other: what was pushed before it has to be known
		// as long as it is.
		if c.snap.Kind != Partial {
			c.next.pushes = slices.Clone(c.prev.pushedSince(c.snap.Since))
		}
	}
}
