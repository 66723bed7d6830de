package diff_test

import (
	"testing"

	"github.com/c4342123/rollcall/diff"
	"github.com/stretchr/testify/require"
)

// The loser of a race compares its snapshot again, with a state that somebody else stored in the
// meantime.

func TestCloseOutComparedAgainGivesNothing(t *testing.T) {
	rows := []string{"ann 3 10-", "bob 3 0-"}
	script(t,
		look{at: 20, rows: rows, want: []string{"joined ann 10", "joined bob 20 inferred"}},
		look{at: 40, rows: rows, over: true, end: 35, want: []string{"left ann 35 (meeting_ended)", "left bob 35 (meeting_ended)"}},
		look{at: 40, rows: rows, over: true, end: 35},
		look{at: 50, rows: rows, over: true, end: 35},
		look{at: 60, rows: rows, over: true},
	)
}

func TestAnOverMeetingThatGoesOnBringsPeopleBack(t *testing.T) {
	s := script(t,
		look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
		look{at: 40, rows: []string{"ann 3 10-"}, over: true, end: 35, want: []string{"left ann 35 (meeting_ended)"}},
	)
	s = replay(t, s.WithPhase(diff.Watched),
		look{at: 60, rows: []string{"ann 3 10-"}, want: []string{"joined ann 35 (rejoined) inferred"}},
	)
	require.Equal(t, uint64(3), s.Sequence)
}

func TestALookCannotUndoWhatWasPushedSinceItBegan(t *testing.T) {
	s := script(t, look{at: 20, rows: []string{"ann 3 10-", "bob 2"}, want: []string{"joined ann 10"}})
	began := s.Mark()
	s = replay(t, s,
		look{at: 31, kind: diff.Partial, rows: []string{"ann 6 10-30.5"}, want: []string{"left ann 30.5"}},
		look{at: 31.2, kind: diff.Partial, rows: []string{"bob 3 30.7-"}, want: []string{"joined bob 30.7"}},
	)
	// However long it took, and whatever its clock says. Somebody else is compared all the same,
	// and absence does not count for those who were pushed.
	for _, from := range []float64{30, 31.2, 32 - 59, 32 - 61, 32 - 3600, 32 + 3600} {
		replay(t, s,
			look{since: began, from: from, at: 32, rows: []string{"ann 3 10-", "bob 2", "cat 3 25-"}, want: []string{"joined cat 25"}, now: true},
			look{at: 33, rows: []string{"ann 6 10-30.5", "bob 3 30.7-", "cat 3 25-"}},
			look{at: 34, rows: []string{"ann 6 10-30.5", "cat 3 25-"}, now: true},
			look{at: 35, rows: []string{"ann 6 10-30.5", "cat 3 25-"}, want: []string{"left bob 35 (vanished) inferred"}},
		)
		replay(t, s,
			look{since: began, from: from, at: 32, rows: nil, now: true},
			look{at: 34, now: true},
			look{at: 35, want: []string{"left bob 35 (vanished) inferred"}},
		)
		back := []string{"joined ann 30.5 (rejoined) inferred"}
		replay(t, s, look{since: s.Mark(), from: from, at: 32, rows: []string{"ann 3 10-", "bob 3 30.7-"}, want: back})
	}
}

// TestALookThatAgreesWithAPushAsksForNoOther is read after the push, though it began before.
func TestALookThatAgreesWithAPushAsksForNoOther(t *testing.T) {
	s := script(t, look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}})
	began := s.Mark()
	s = replay(t, s, look{at: 31, kind: diff.Partial, rows: []string{"bob 3 30-"}, want: []string{"joined bob 30"}})
	replay(t, s,
		look{since: began, at: 32, rows: []string{"ann 3 10-", "bob 3 30-"}},
		look{at: 33, rows: []string{"ann 3 10-", "bob 6 30-32.5"}, want: []string{"left bob 32.5"}},
	)
}

// TestALookForgetsNoDeviceThatWasPushedSinceItBegan has an end pushed of the one device that an
// older list shows.
func TestALookForgetsNoDeviceThatWasPushedSinceItBegan(t *testing.T) {
	s := script(t, look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}})
	began := s.Mark()
	s = replay(t, s, look{at: 31, kind: diff.Partial, rows: []string{"ann 3 30-"}})
	replay(t, s,
		look{since: began, at: 32, rows: []string{"ann 3 10-"}},
		look{at: 33, kind: diff.Partial, rows: []string{"ann 6 10-32.5"}, now: true},
	)
}

// TestALookThatChangesNothingLetsNoOlderOneUndoAPush has two looks under way at once of which the
// newer finds just what was pushed.
func TestALookThatChangesNothingLetsNoOlderOneUndoAPush(t *testing.T) {
	s := script(t, look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}})
	began := s.Mark()
	replay(t, s,
		look{at: 31, kind: diff.Partial, rows: []string{"ann 6 10-30.5"}, want: []string{"left ann 30.5"}},
		look{at: 32, rows: []string{"ann 6 10-30.5"}},
		look{since: began, at: 33, rows: []string{"ann 3 10-"}, now: true},
		look{at: 34, rows: []string{"ann 6 10-30.5"}},
	)
}

func TestPushesThatComeInAnyOrderAreKnown(t *testing.T) {
	s := script(t, look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}})
	began := s.Mark()
	replay(t, s,
		look{at: 31, kind: diff.Partial, rows: []string{"ann 6 10-30.5"}, want: []string{"left ann 30.5"}},
		look{at: 29, kind: diff.Partial, rows: []string{"bob 3 28-"}, want: []string{"joined bob 28"}},
		look{since: began, at: 32, rows: []string{"ann 3 10-", "bob 3 28-"}, now: true},
		look{at: 33, rows: []string{"ann 6 10-30.5", "bob 3 28-"}},
	)
}

func TestAnOlderLookAnnouncesNothing(t *testing.T) {
	s := script(t, look{at: 20, rows: []string{"ann 3 10-", "bob 2"}, want: []string{"joined ann 10"}})
	began := s.Mark()
	s = replay(t, s,
		look{at: 31.5, rows: []string{"ann 6 10-30.5", "bob 3 30.7-"}, want: []string{"left ann 30.5", "joined bob 30.7"}},
	)
	for _, took := range []float64{1, 59, 61, 3600} {
		res := diff.Compare(s, look{since: began, from: 32 - took, at: 32, rows: []string{"ann 3 10-", "bob 2"}}.snapshot())
		require.Empty(t, res.Events)
		require.False(t, res.Changed)
		require.True(t, res.LookNow)
		require.Same(t, s, res.State)
	}
}

// Which of two looks under way at once read the list first cannot be told: the one that is stored
// second decides nothing, and neither does one from before the meeting was closed out and watched
// again.
func TestALookUnderWayAtOnceWithAnotherAnnouncesNothing(t *testing.T) {
	s := script(t, look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}})
	began := s.Mark()
	s = replay(t, s,
		look{since: began, from: 30, at: 32, rows: []string{"ann 6 10-31"}, want: []string{"left ann 31"}},
		look{since: began, from: 30.5, at: 30.8, rows: []string{"ann 3 10-"}, now: true},
	)
	later := look{since: s.Mark(), at: 33, rows: []string{"ann 6 10-31", "bob 3 32-"}, want: []string{"joined bob 32"}}
	replay(t, s, later)
	replay(t, roundTrip(t, s), look{since: began, from: 30.5, at: 30.8, rows: []string{"ann 3 10-"}, now: true}, later)

	s = replay(t, s, later)
	began = s.Mark()
	s = replay(t, s, look{at: 50, kind: diff.Partial, over: true, end: 49, want: []string{"left bob 49 (meeting_ended)"}})
	replay(t, s.Watch(diff.Description{}), look{since: began, from: 45, at: 52, rows: []string{"bob 3 32-"}, now: true})
}

// TestALookThatIsStoredInPartHasEnded has a crowd stored in two steps, and between them the outcome
// of a look that was under way all the while.
func TestALookThatIsStoredInPartHasEnded(t *testing.T) {
	s := script(t, look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}})
	began := s.Mark()
	whole := look{since: began, at: 32, rows: []string{"ann 6 10-31", "bob 3 31.5-", "cat 3 31.6-"}}
	first := diff.Compare(s, whole.snapshot()).Steps(2)[0].State
	replay(t, first, look{since: began, at: 33, rows: []string{"ann 3 10-"}, now: true})
	whole.want = []string{"joined cat 31.6"}
	replay(t, roundTrip(t, first), whole)
}

func TestALateVisitIsNotCutInTwo(t *testing.T) {
	s := script(t, look{at: 60, rows: []string{"ann 6 50-55"}, want: []string{"joined ann 50", "left ann 55"}})
	res := diff.Compare(s, look{at: 70, rows: []string{"ann 6 50-55", "ann 6 10-20", "bob 6 12-15", "cat 6 13-14"}}.snapshot())
	require.Len(t, res.Events, 6)
	for limit := 2; limit <= 6; limit++ {
		for _, step := range res.Steps(limit) {
			require.Equal(t, activeIn(step.State), step.State.Active, "limit %d", limit)
			require.NotEmpty(t, step.Events)
			require.LessOrEqual(t, len(step.Events), limit)
		}
	}
}

func TestPresenceInsideAPastAttendanceIsNotAnnouncedAgain(t *testing.T) {
	script(t,
		look{at: 200, rows: []string{"ann 6 10-50", "ann 6 40-70", "ann 6 60-100", "ann 6 150-160"}, want: []string{
			"joined ann 10", "left ann 100", "joined ann 150 (rejoined)", "left ann 160",
		}},
		look{at: 210, rows: []string{"ann 6 10-50", "ann 6 60-100", "ann 6 150-160"}},
	)
}
