package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// brief is a report in few lines: minutes after nine for times.
func brief(r Report) string {
	var out strings.Builder
	minutes := func(ms int64) string {
		if ms == 0 {
			return "…"
		}
		return fmt.Sprint(float64(ms-nine) / 60_000)
	}
	for _, p := range r.Periods {
		fmt.Fprintf(&out, "period %s-%s\n", minutes(p.StartTime), minutes(p.EndTime))
	}
	for _, g := range r.Gaps {
		fmt.Fprintf(&out, "gap %s-%s %s\n", minutes(g.From), minutes(g.To), g.Reason)
	}
	for _, p := range r.People {
		fmt.Fprintf(&out, "%s %v min %.2f:", p.Person, float64(p.Total)/60_000, p.Share)
		for _, a := range p.Attendances {
			mark := func(inferred bool) string {
				if inferred {
					return "~"
				}
				return ""
			}
			fmt.Fprintf(&out, " %s%s-%s%s %s", mark(a.JoinInferred), minutes(a.JoinTime), mark(a.LeaveInferred), minutes(a.LeaveTime), a.Ended)
		}
		out.WriteString("\n")
	}
	return out.String()
}

func expect(t *testing.T, want string, r Report) {
	t.Helper()
	assert.Equal(t, strings.TrimPrefix(want, "\n"), brief(r))
}

func TestMessyMeeting(t *testing.T) {
	r := messy(t).report(31)
	expect(t, `
period 0-30
gap 10-16 throttled
ann 30 min 1.00: 0-30 meeting_ended
bob 12.75 min 0.42: 0.25-4 left 8-12 left 13-18 left
han 28 min 0.93: 2-30 meeting_ended
eve 17 min 0.57: 3-~20 disconnected
mal 3.5 min 0.12: 6-9.5 kicked
guest:1785748020000:李雷 23 min 0.77: 7-30 meeting_ended
gus 0.05 min 0.00: 17-17.05 left
`, r)
	assert.Equal(t, []int64{at(0), at(30), 30 * 60_000, 6}, []int64{r.StartTime, r.EndTime, r.Duration, int64(r.Peak)})
	assert.True(t, r.Complete)
	assert.False(t, r.Running())
	assert.Equal(t, "Weekly 周会 & <b>more</b>", r.Title)
	ann, guest := r.People[0], r.People[5]
	assert.True(t, ann.Host)
	assert.True(t, guest.OuterOrgMember && guest.PSTNJoin && guest.UnionID == "" && !guest.Host)
	assert.Equal(t, []bool{false, true}, []bool{ann.Inferred, r.People[3].Inferred})
}

func TestMeetingThatGoesOn(t *testing.T) {
	s := tell(t, "m")
	s.watch(0, "", 0)
	s.look(5, is("ann", "Ann", 1, 0), is("bob", "Bob", 2, 4))
	s.blind(5, 0, "unavailable")
	r := s.report(11)
	expect(t, `
period 0-11
gap 5-… unavailable
ann 10 min 0.91: 1-… 
bob 2 min 0.18: 2-4 left
`, r)
	assert.True(t, r.Running())
	assert.Zero(t, r.EndTime)
	assert.True(t, r.People[0].Present)
	assert.Zero(t, r.People[0].LastLeft)
	assert.Equal(t, at(4), r.People[1].LastLeft)
}

func TestMeetingWithSeveralLives(t *testing.T) {
	s := tell(t, "m")
	s.watch(0.5, "One", 0)
	s.look(5, is("ann", "Ann", 1, 0))
	s.end(10, is("ann", "Ann", 1, 10))
	s.watch(100, "", 0)                                                                     // upstream still tells the first start
	s.look(101, is("ann", "Ann", 1, 10), is("bob", "Bob", 50, 55), is("cho", "Cho", 99, 0)) // and nobody had looked at 50
	s.end(110, is("ann", "Ann", 1, 10), is("bob", "Bob", 50, 55), is("cho", "Cho", 99, 110))
	r := s.report(200)
	expect(t, `
period 0-10
period 50-55
period 99-110
ann 9 min 0.35: 1-10 left
bob 5 min 0.19: 50-55 left
cho 11 min 0.42: 99-110 left
`, r)
	assert.Equal(t, at(110), r.EndTime)
	assert.Equal(t, "One", r.Title)

	again := tell(t, "m") // given up and taken up again: that is one life
	again.watch(0, "", 0)
	again.look(2, is("ann", "Ann", 1, 0))
	again.state = again.state.WithPhase(diff.Unwatched)
	again.watch(20, "", 0)
	again.end(30, is("ann", "Ann", 1, 30))
	expect(t, "period 0-30\nann 29 min 0.97: 1-30 left\n", again.report(40))
}

func TestMeetingOfWhichNothingIsKnown(t *testing.T) {
	s := tell(t, "m")
	s.look(5, is("ann", "Ann", 1, 0), is("bob", "Bob", 2, 4))
	expect(t, "period 1-6\nann 5 min 1.00: 1-… \nbob 2 min 0.40: 2-4 left\n", s.report(6))
	s = tell(t, "m")
	s.watch(3, "", 0)
	s.list = s.list[:1]
	r := s.report(4)
	expect(t, "period 0-4\n", r)
	assert.NotNil(t, r.People)
}

// Events that have expired, from the beginning or between others, are missing. What is left still
// tells the truth.
func TestMissingEvents(t *testing.T) {
	s := tell(t, "m")
	s.watch(0, "", 0)
	s.look(2, is("ann", "Ann", 1, 0), is("bob", "Bob", 1.5, 0))
	s.look(6, is("ann", "Ann", 1, 0), is("bob", "Bob", 1.5, 5), is("cho", "Cho", 4, 0), is("dan", "Dan", 4.5, 0))
	s.look(12, is("ann", "Ann", 1, 10), is("bob", "Bob", 1.5, 5), is("cho", "Cho", 4, 0), is("dan", "Dan", 4.5, 11), is("eve", "Eve", 11, 0))
	s.end(20, is("ann", "Ann", 1, 10), is("bob", "Bob", 1.5, 5), is("cho", "Cho", 4, 20), is("dan", "Dan", 4.5, 11), is("eve", "Eve", 11, 20))
	whole := s.report(30)
	require.True(t, whole.Complete)
	without := func(missing ...int) Report {
		t.Helper()
		f := newFold("m")
		for i, payload := range s.payloads() {
			if !slices.Contains(missing, i) {
				f.add(payload)
			}
		}
		r := f.report(at(30))
		assert.False(t, r.Complete)
		assert.Zero(t, r.Unreadable)
		return r
	}
	// 0 started, 1 ann, 2 bob, 3 cho, 4 dan joined, 5 bob left, 6 ann left, 7 dan left, 8 eve
	// joined, 9 cho, 10 eve left, 11 ended
	require.Len(t, s.list, 12)
	assert.Equal(t, brief(whole), brief(without(1)), "the event of an end tells the beginning")
	assert.Zero(t, whole.Expired)
	for _, n := range []int{1, 2} {
		head := without([]int{0, 1, 2}[:n+1]...)
		assert.Equal(t, uint64(n), head.Expired)
		assert.Contains(t, strings.Join(head.notes(), "\n"), fmt.Sprintf("The first %d events of members have expired", n))
	}
	between := without(3)
	assert.Zero(t, between.Expired)
	assert.Contains(t, strings.Join(between.notes(), "\n"), "Events are missing")
	assert.Equal(t, brief(whole), brief(without(3)), "wherever it is missing")
	expect(t, `
period 0-20
bob 3.5 min 0.17: 1.5-5 left
cho 16 min 0.80: 4-20 left
dan 6.5 min 0.33: 4.5-11 left
eve 9 min 0.45: 11-20 left
`, without(1, 6))
	// The event of Ann's end is missing: she was there at 5 for certain, when Bob left.
	expect(t, `
period 0-20
ann 4 min 0.20: 1-~5 unknown
bob 3.5 min 0.17: 1.5-5 left
cho 16 min 0.80: 4-20 left
dan 6.5 min 0.33: 4.5-11 left
eve 9 min 0.45: 11-20 left
`, without(6))
	// The last end is missing: the meeting's has to do.
	expect(t, `
period 0-20
ann 9 min 0.45: 1-10 left
bob 3.5 min 0.17: 1.5-5 left
cho 16 min 0.80: 4-20 left
dan 6.5 min 0.33: 4.5-11 left
eve 9 min 0.45: 11-~20 unknown
`, without(10))
	assert.Equal(t, brief(whole), brief(without(0, 1)), "the event of the meeting's end tells its beginning")
}

func TestWhatIsNoEventOfTheMeeting(t *testing.T) {
	s := tell(t, "m")
	s.look(5, is("ann", "Ann", 1, 4))
	want := brief(s.report(6))
	other := tell(t, "other")
	other.look(5, is("bob", "Bob", 1, 4))
	f := newFold("m")
	f.add([]byte("rubbish"))
	for _, payload := range append(s.payloads(), other.payloads()...) {
		f.add(payload)
	}
	for _, payload := range s.payloads() { // once more
		f.add(payload)
	}
	r := f.report(at(6))
	assert.Equal(t, want, brief(r))
	assert.Equal(t, 3, r.Unreadable)
	assert.False(t, r.Complete)
}

// Whatever the intervals, the computed times are those that counting each millisecond gives.
func TestUnionByCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const end = 50
		spans := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Period {
			from := rapid.Int64Range(0, end).Draw(t, "from")
			return Period{from, rapid.Int64Range(from, end).Draw(t, "to")}
		}), 0, 8).Draw(t, "spans")
		covered := int64(0)
		for ms := range int64(end) {
			if slices.ContainsFunc(spans, func(s Period) bool { return s.StartTime <= ms && ms < s.EndTime }) {
				covered++
			}
		}
		united := unite(spans)
		assert.Equal(t, covered, length(united))
		for i := 1; i < len(united); i++ {
			assert.Less(t, united[i-1].EndTime, united[i].StartTime)
		}
	})
}

func FuzzFold(f *testing.F) {
	for _, payload := range messy(f).payloads() {
		f.Add(payload, payload)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		fold := newFold("standup")
		for _, payload := range [][]byte{a, b, a} {
			fold.add(payload)
		}
		r := fold.report(at(30))
		for _, p := range r.People {
			assert.GreaterOrEqual(t, p.Total, int64(0))
			assert.LessOrEqual(t, p.Total, r.Duration)
			assert.NotEmpty(t, p.Attendances)
		}
		for _, format := range formats {
			assert.NoError(t, r.Write(new(strings.Builder), format))
		}
	})
}

// A nickname that is gone is not forgotten.
func TestTheNicknameIsTheLatest(t *testing.T) {
	s := tell(t, "m")
	s.look(2, is("ann", "Ann", 1, 0))
	s.look(4, is("ann", "Annie", 1, 3))
	r := s.report(5)
	require.Len(t, r.People, 1)
	assert.Equal(t, "Annie", r.People[0].UserNick)
	assert.Equal(t, events.ReasonLeft, r.People[0].Attendances[0].Ended)
}

// A person who was host at any time counts as host, whatever they are when they leave.
func TestRolesEverHeld(t *testing.T) {
	host, coHost := func(r *diff.Row) { r.Host = true }, func(r *diff.Row) { r.CoHost = true }
	phone := func(r *diff.Row) { r.PSTNJoin = true }
	s := tell(t, "m")
	s.look(2, with(is("ann", "Ann", 1, 0), host), is("bob", "Bob", 1, 0), is("cho", "Cho", 1, 0), with(is("dan", "Dan", 1, 1.5), phone))
	s.look(3, is("ann", "Ann", 1, 0), with(is("bob", "Bob", 1, 0), host), with(is("cho", "Cho", 1, 0), coHost), is("dan", "Dan", 2, 0))
	s.look(4, is("ann", "Ann", 1, 3.5), is("bob", "Bob", 1, 0), is("cho", "Cho", 1, 0), is("dan", "Dan", 2, 0))
	s.end(5, is("ann", "Ann", 1, 3.5), is("bob", "Bob", 1, 5), with(is("cho", "Cho", 1, 5), host), is("dan", "Dan", 2, 5))
	r := s.report(6)
	var got []string
	for i := range r.People {
		got = append(got, r.People[i].Person+": "+strings.Join(r.People[i].roles(), " "))
	}
	assert.Equal(t, []string{"ann: host", "bob: host", "cho: host co-host", "dan: phone"}, got, "bob was host between two events")
	for _, format := range []Format{Table, CSV, HTML, SVG, JSON} {
		var out strings.Builder
		require.NoError(t, r.Write(&out, format))
		assert.GreaterOrEqual(t, strings.Count(out.String(), "host"), 3, format)
	}
}
