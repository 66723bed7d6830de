package verify_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/verify"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
	"github.com/c4342123/rollcall/poller"
)

// shown is a DingTalk that shows what it is told to.
type shown struct {
	members func() (poller.List, error)
	info    func() (poller.Info, error)
}

func (s shown) Members(context.Context, string) (poller.List, error) { return s.members() }

func (s shown) Info(context.Context, string) (poller.Info, error) {
	if s.info == nil {
		return poller.Info{}, nil
	}
	return s.info()
}

func lists(rows ...diff.Row) shown {
	return shown{members: func() (poller.List, error) { return poller.List{Rows: rows, Certain: true}, nil }}
}

func active(person string, join int64) diff.Row {
	return diff.Row{UnionID: person, UserNick: "Nick of " + person, Status: diff.StatusActive, JoinTime: streamtest.Begin + join*1000}
}

func left(row diff.Row, leave int64) diff.Row {
	row.Status, row.LeaveTime = diff.StatusLeft, streamtest.Begin+leave*1000
	return row
}

func guest(nick string, join int64) diff.Row {
	row := active("", join)
	row.UserNick = nick
	return row
}

func notFound() (poller.List, error) {
	return poller.List{}, &poller.SourceError{Trouble: poller.NotFound, Err: errors.New("roomNotFound")}
}

// who names the differences.
func who(r verify.Result) []string {
	out := []string{}
	for _, d := range r.Differences {
		out = append(out, d.Person+" "+string(d.Kind))
	}
	return out
}

func TestVerify(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	here := []diff.Row{active("ann", 1), active("bob", 2), guest("gus", 3), left(active("cho", 4), 9)}
	r.Watch("a", streamtest.Begin, diff.Description{})
	r.Look("a", streamtest.Begin+10_000, here...)
	again := func(rows ...diff.Row) []diff.Row { return rows }
	uncertain := lists(here[1:]...)
	uncertain.members = func() (poller.List, error) { return poller.List{Rows: here[1:]}, nil }
	over := lists(here...)
	over.info = func() (poller.Info, error) { return poller.Info{Ended: true}, nil }
	unknown := active("ann", 1)
	unknown.Status = 9
	called := active("ann", 0)
	called.Status, called.JoinTime = diff.StatusCalling, 0
	timeless := active("eve", 0)
	timeless.JoinTime = 0
	const gone, unannounced = " announced present, not active", " active, not announced"
	for name, c := range map[string]struct {
		source shown
		want   []string
		active int
		notes  int
	}{
		"the same":               {lists(here...), nil, 3, 0},
		"more devices":           {lists(append(again(active("ann", 5), left(active("bob", 0), 1)), here...)...), nil, 3, 0},
		"somebody left":          {lists(again(left(here[0], 8), here[1], here[2])...), []string{"ann" + gone}, 2, 0},
		"somebody is not listed": {lists(here[:2]...), []string{"guest:1700000003000:gus" + gone}, 2, 0},
		"somebody came":          {lists(append(again(active("dan", 7)), here...)...), []string{"dan" + unannounced}, 4, 0},
		"somebody came back":     {lists(append(again(active("cho", 12)), here[:3]...)...), []string{"cho" + unannounced}, 4, 0},
		"a guest of that name":   {lists(append(again(guest("gus", 7)), here...)...), []string{"guest:1700000007000:gus" + unannounced}, 4, 0},
		"a guest is renamed":     {lists(append(again(guest("august", 3)), here[:2]...)...), nil, 3, 0},
		"a guest renamed, unsure": {shown{members: func() (poller.List, error) {
			return poller.List{Rows: append(again(guest("august", 3)), here[:2]...)}, nil
		}}, nil, 3, 1},
		"two guests are new":       {lists(append(again(guest("august", 3), guest("augustus", 3)), here[:2]...)...), []string{"guest:1700000003000:august" + unannounced, "guest:1700000003000:augustus" + unannounced, "guest:1700000003000:gus" + gone}, 4, 0},
		"somebody without a time":  {lists(append(again(timeless), here...)...), []string{"eve" + unannounced}, 4, 0},
		"both ways":                {lists(active("dan", 7)), []string{"dan" + unannounced, "ann" + gone, "bob" + gone, "guest:1700000003000:gus" + gone}, 1, 0},
		"somebody is called again": {lists(again(called, here[1], here[2])...), []string{"ann" + gone}, 2, 0},
		"an unknown status":        {lists(again(unknown, here[1], here[2])...), nil, 2, 1},
		"not all listed":           {uncertain, nil, 2, 1},
		"nobody left":              {lists(), []string{"ann" + gone, "bob" + gone, "guest:1700000003000:gus" + gone}, 0, 0},
		"it is over":               {over, []string{"ann" + gone, "bob" + gone, "guest:1700000003000:gus" + gone}, 0, 1},
		"it is no longer known":    {shown{members: notFound}, []string{"ann" + gone, "bob" + gone, "guest:1700000003000:gus" + gone}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := verify.Run(t.Context(), verify.Options{JetStream: js, Source: c.source, Meeting: "a", Patience: time.Millisecond})
			require.NoError(t, err)
			assert.Equal(t, append([]string{}, c.want...), who(got))
			assert.Equal(t, []int{3, c.active}, []int{got.Announced, got.Active})
			assert.Len(t, got.Notes, c.notes)
			if len(c.want) > 0 {
				assert.GreaterOrEqual(t, got.Looks, 2, "it looked again before it said so")
			} else {
				assert.Equal(t, 1, got.Looks)
			}
		})
	}
}

// What is under way is no difference: the events may come a moment later than the list, and the
// other way round.
func TestVerifyWhileThingsHappen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(r *streamtest.Recorder, look int) []diff.Row
		looks   int
		want    []string
	}{
		"announced a moment later": {func(r *streamtest.Recorder, look int) []diff.Row {
			rows := []diff.Row{active("ann", 1), active("bob", 2)}
			if look == 2 {
				r.Look("a", streamtest.Begin+20_000, rows...)
			}
			return rows
		}, 3, nil},
		"somebody else every time": {func(_ *streamtest.Recorder, look int) []diff.Row {
			return []diff.Row{active("ann", 1), active(string(rune('b'+look)), 5)}
		}, 2, nil},
		"back and forth": {func(_ *streamtest.Recorder, look int) []diff.Row {
			return []diff.Row{active("ann", 1), active("bob", int64(5+look))}
		}, 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := streamtest.Start(t)
			r := s.Record()
			r.Look("a", streamtest.Begin+10_000, active("ann", 1))
			looks := 0
			source := shown{members: func() (poller.List, error) {
				looks++
				return poller.List{Rows: c.happens(r, looks), Certain: true}, nil
			}}
			got, err := verify.Run(t.Context(), verify.Options{JetStream: s.JetStream(), Source: source, Meeting: "a", Patience: time.Minute, Pause: time.Millisecond})
			require.NoError(t, err)
			assert.Empty(t, got.Differences)
			assert.Equal(t, c.looks, got.Looks)
		})
	}
}

func TestVerifyWithoutTheBeginning(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	r.Look("a", streamtest.Begin+10_000, active("ann", 1))
	r.Look("a", streamtest.Begin+40_000, active("ann", 1), active("bob", 30))
	stream, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	first, err := stream.GetMsg(t.Context(), 2) // the first by meeting; before it stands the same by type
	require.NoError(t, err)
	require.Equal(t, events.ByMeeting("a", events.Joined), first.Subject)
	require.NoError(t, stream.DeleteMsg(t.Context(), first.Sequence))
	got, err := verify.Run(t.Context(), verify.Options{
		JetStream: js, Source: lists(active("ann", 1), active("bob", 30), active("cho", 35)), Meeting: "a", Patience: time.Millisecond,
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"cho active, not announced"}, who(got), "of Ann nothing is known any more")
	assert.Len(t, got.Notes, 1)
}

func TestVerifyThatCannot(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	s.Record()
	js := s.JetStream()
	denied := &poller.SourceError{Trouble: poller.Denied, Err: errors.New("noPermission")}
	for name, c := range map[string]struct {
		source shown
		want   error
	}{
		"nothing anywhere":        {lists(), verify.ErrNothing},
		"no such meeting":         {shown{members: notFound}, verify.ErrNothing},
		"over for too long":       {ended(true, left(active("ann", 1), 9)), verify.ErrExpired},
		"no list":                 {shown{members: func() (poller.List, error) { return poller.List{}, denied }}, denied},
		"no information about it": {shown{members: lists().members, info: func() (poller.Info, error) { return poller.Info{}, denied }}, denied},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verify.Run(t.Context(), verify.Options{JetStream: js, Source: c.source, Meeting: "a", Retention: time.Hour})
			assert.ErrorIs(t, err, c.want)
		})
	}
	t.Run("it was missed, and nothing expires", func(t *testing.T) {
		got, err := verify.Run(t.Context(), verify.Options{JetStream: js, Source: ended(true, left(active("ann", 1), 9)), Meeting: "a"})
		require.NoError(t, err)
		assert.Equal(t, []string{"ann attended, not announced"}, who(got))
	})
	t.Run("nobody has announced anybody", func(t *testing.T) {
		got, err := verify.Run(t.Context(), verify.Options{JetStream: js, Source: lists(active("ann", 1)), Meeting: "a"})
		require.NoError(t, err)
		assert.Equal(t, []string{"ann active, not announced"}, who(got))
	})
	t.Run("it is stopped", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		source := shown{members: func() (poller.List, error) {
			cancel()
			return lists(active("ann", 1)).members()
		}}
		_, err := verify.Run(ctx, verify.Options{JetStream: js, Source: source, Meeting: "a", Patience: time.Hour})
		assert.ErrorIs(t, err, context.Canceled)
	})
}
