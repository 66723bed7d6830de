package diff_test

import (
	"slices"
	"testing"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// player polls an oracle and keeps what a consumer would have.
type player struct {
	t      *rapid.T
	state  *diff.State
	events []events.Event
	marks  []mark // what was known after each snapshot
}

// mark is what was known at some time.
type mark struct {
	at    int64
	known diff.Mark
}

func newPlayer(t *rapid.T) *player { return &player{t: t, state: diff.New("m1")} }

func (p *player) take(snap diff.Snapshot) diff.Result {
	res := diff.Compare(p.state, snap)
	p.events = append(p.events, res.Events...)
	p.state = res.State
	p.marks = append(p.marks, mark{snap.At, p.state.Mark()})
	return res
}

// known is what was known at the time at.
func (p *player) known(at int64) diff.Mark {
	known := diff.New("m1").Mark()
	for _, m := range p.marks {
		if m.at <= at {
			known = m.known
		}
	}
	return known
}

func (p *player) poll(o *oracle, at int64) diff.Result {
	return p.take(diff.Snapshot{Rows: o.list(at), From: at, At: at, Via: events.ViaPoll})
}

func (p *player) finish(o *oracle) {
	at := o.end + 5000
	p.take(diff.Snapshot{Rows: o.list(at), From: at, At: at, Via: events.ViaPoll, Over: true, EndTime: o.end})
}

func (p *player) facts() []fact {
	out := []fact{}
	for _, e := range p.events {
		out = append(out, fact{e.Subject, e.Type != events.Joined, e.Time.UnixMilli()})
	}
	return sorted(out)
}

func (p *player) present() []string {
	out := []string{}
	for who := range p.state.People() {
		if who.Present {
			out = append(out, who.Key)
		}
	}
	slices.Sort(out)
	return out
}

// alternates holds the events so far to law 4 and to the numbering, with nothing but the events.
func (p *player) alternates() {
	in := map[string]bool{}
	visits := map[string]int{}
	active := 0
	ids := map[string]bool{}
	for i, e := range p.events {
		m := e.Member
		require.Equal(p.t, uint64(i+1), e.Sequence)
		require.False(p.t, ids[e.ID], "id %s twice", e.ID)
		ids[e.ID] = true
		require.Equal(p.t, e.Type != events.Joined, in[e.Subject], "event %d: %s of %s", i, e.Type, e.Subject)
		in[e.Subject] = e.Type == events.Joined
		if e.Type == events.Joined {
			active++
			visits[e.Subject]++
			require.Equal(p.t, m.JoinTime, e.Time.UnixMilli())
			require.Zero(p.t, m.LeaveTime)
		} else {
			active--
			require.Equal(p.t, m.LeaveTime, e.Time.UnixMilli())
			require.Equal(p.t, m.LeaveTime-m.JoinTime, m.Duration)
			require.GreaterOrEqual(p.t, m.Duration, int64(0))
		}
		require.Equal(p.t, active, m.ActiveCount)
		require.GreaterOrEqual(p.t, active, 0)
		require.Equal(p.t, visits[e.Subject], m.Visit)
	}
	require.Equal(p.t, active, p.state.Active)
}

func pollTimes(t *rapid.T, o *oracle) []int64 {
	times := rapid.SliceOfN(rapid.Int64Range(epoch, o.end-1), 0, 12).Draw(t, "polls")
	slices.Sort(times)
	return times
}

func TestLaw1ReplayGivesThePresent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := history(t, rapid.Bool().Draw(t, "reset"))
		if o.reset {
			o.people = slices.DeleteFunc(o.people, func(p guestOrMember) bool { return p.unionID == "" })
		}
		p := newPlayer(t)
		for _, at := range pollTimes(t, o) {
			p.poll(o, at)
			require.Equal(t, o.present(at), p.present(), "at +%d ms", at-epoch)
			roster := events.NewRoster("m1")
			for _, e := range p.events {
				require.NoError(t, roster.Apply(e))
			}
			require.Len(t, roster.Present(), len(o.present(at)))
		}
	})
}

func TestLaw2SameSnapshotTwiceGivesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := history(t, rapid.Bool().Draw(t, "reset"))
		if o.reset {
			o.people = slices.DeleteFunc(o.people, func(p guestOrMember) bool { return p.unionID == "" })
		}
		p := newPlayer(t)
		for _, at := range pollTimes(t, o) {
			p.poll(o, at)
			res := p.poll(o, at)
			require.Empty(t, res.Events)
			require.False(t, res.Changed)
		}
	})
}

func TestLaw3OrderOfRowsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := history(t, rapid.Bool().Draw(t, "reset"))
		p, q := newPlayer(t), newPlayer(t)
		for _, at := range pollTimes(t, o) {
			rows := o.list(at)
			a := p.take(diff.Snapshot{Rows: rows, From: at, At: at})
			b := q.take(diff.Snapshot{Rows: rapid.Permutation(rows).Draw(t, "order"), From: at, At: at})
			require.Equal(t, a.Events, b.Events)
		}
	})
}

func TestLaw4JoinedAndLeftAlternate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := history(t, rapid.Bool().Draw(t, "reset"))
		p := newPlayer(t)
		for _, at := range pollTimes(t, o) {
			// A list that lost some rows must not break the law either.
			rows := slices.DeleteFunc(o.list(at), func(diff.Row) bool { return rapid.IntRange(0, 9).Draw(t, "lost") == 0 })
			kind := diff.Kind(rapid.IntRange(0, 1).Draw(t, "kind"))
			p.take(diff.Snapshot{Kind: kind, Rows: rows, From: at, At: at})
			p.alternates()
		}
		p.finish(o)
		p.alternates()
		require.Zero(t, p.state.Active)
		require.Equal(t, diff.Ended, p.state.Phase)
	})
}

func TestLaw5SamplingDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := history(t, false)
		p := newPlayer(t)
		for _, at := range pollTimes(t, o) {
			p.poll(o, at)
		}
		p.finish(o)
		p.alternates()
		require.Equal(t, o.truth(), p.facts())

		once := newPlayer(t)
		once.finish(o)
		require.ElementsMatch(t, idsOf(once.events), idsOf(p.events))
	})
}

func idsOf(list []events.Event) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.ID)
	}
	return out
}

// TestLaw6PushesChangeOnlyWhen plays the pushes of a history lost, doubled, late and out of order
// between the polls. Everybody has one device: of a person with two, the push of the first lost,
// the join is announced at the time of the second, which no later look can take back.
func TestLaw6PushesChangeOnlyWhen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := history(t, false)
		for i := range o.people {
			o.people[i].devices = o.people[i].devices[:min(len(o.people[i].devices), 1)]
		}
		p := newPlayer(t)
		p.pushes(o)
		p.finish(o)
		p.alternates()
		require.Equal(t, o.truth(), sorted(corrected(p.events)))
	})
}

// TestPushesOfSeveralDevices holds what is left of law 6 for people with several devices: after
// every look the people present are those of the list, and joined and left alternate.
func TestPushesOfSeveralDevices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := history(t, false)
		p := newPlayer(t)
		p.pushes(o)
		p.finish(o)
		p.alternates()
		require.Zero(t, p.state.Active)
	})
}

// pushes plays the pushes and polls of a meeting. Between a look and the push of what happened
// before it, the state may lag behind; after a look it must not, unless that began before another
// one was over.
func (p *player) pushes(o *oracle) {
	looked := int64(0)
	for _, s := range schedule(p.t, o) {
		if s.row == nil {
			p.take(diff.Snapshot{Rows: o.list(s.from), From: s.from, At: s.at, Since: p.known(s.from), Via: events.ViaPoll})
			p.alternates()
			if s.from == s.at && s.from > looked {
				require.Equal(p.t, o.present(s.at), p.present(), "at +%d ms", s.at-epoch)
			}
			looked = max(looked, s.at)
			continue
		}
		p.take(diff.Snapshot{Kind: diff.Partial, Rows: []diff.Row{*s.row}, From: s.at, At: s.at, Via: events.ViaPush})
		p.alternates()
	}
}

// corrected takes out the pairs of an end that was announced too early and its correction by rule
// 9.
func corrected(list []events.Event) []fact {
	byPerson := map[string][]fact{}
	for _, e := range list {
		facts := byPerson[e.Subject]
		if m := e.Member; e.Type == events.Joined && m.Inferred && m.Reason == events.ReasonRejoined {
			byPerson[e.Subject] = facts[:len(facts)-1]
			continue
		}
		byPerson[e.Subject] = append(facts, fact{e.Subject, e.Type != events.Joined, e.Time.UnixMilli()})
	}
	out := []fact{}
	for _, facts := range byPerson {
		out = append(out, facts...)
	}
	return out
}

// sighting is a poll, or the push of one row. A poll may have read the list some time before it is
// compared.
type sighting struct {
	from, at int64
	row      *diff.Row
}

func schedule(t *rapid.T, o *oracle) []sighting {
	var out []sighting
	for _, at := range pollTimes(t, o) {
		took := rapid.SampledFrom([]int64{0, 0, 500, 5000, 300_000}).Draw(t, "took")
		out = append(out, sighting{from: at, at: at + took})
	}
	push := func(at int64, row diff.Row) {
		for range []int{0, 1, 1, 1, 2}[rapid.IntRange(0, 4).Draw(t, "copies")] {
			delay := []int64{0, 0, 50, 10_000, 100_000}[rapid.IntRange(0, 4).Draw(t, "delay")]
			if at+delay < o.end {
				out = append(out, sighting{at: at + delay, row: &row})
			}
		}
	}
	for _, p := range o.people {
		for _, device := range p.devices {
			for _, v := range device {
				row := diff.Row{UnionID: p.unionID, UserNick: p.nick, JoinTime: v.joined, Status: diff.StatusActive}
				push(v.joined, row)
				if v.left > 0 {
					row.LeaveTime, row.Status = v.left, diff.StatusLeft
					if v.kicked {
						row.Status = diff.StatusKicked
					}
					push(v.left, row)
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b sighting) int { return int(a.at - b.at) })
	return out
}
