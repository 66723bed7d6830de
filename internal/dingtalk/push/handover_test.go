package push_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/dingtalk/pseudonym"
	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/poller"
)

// notifier keeps what it is told, and fails for some meetings. What it is told it changes, as its
// owner may.
type notifier struct {
	told  []poller.Notice
	ctx   []context.Context
	fails map[string]error
}

func (n *notifier) Notice(ctx context.Context, notice poller.Notice) error {
	kept := notice
	kept.Rows = slices.Clone(notice.Rows)
	n.told, n.ctx = append(n.told, kept), append(n.ctx, ctx)
	for i := range notice.Rows {
		notice.Rows[i] = diff.Row{}
	}
	return n.fails[notice.ConferenceID]
}

func (n *notifier) meetings() []string {
	var out []string
	for _, notice := range n.told {
		out = append(out, notice.ConferenceID)
	}
	return out
}

func TestEverySceneIsHandedOn(t *testing.T) {
	row := diff.Row{UnionID: "ann", UserNick: "Ann", JoinTime: 5, LeaveTime: 7, Status: diff.StatusLeft, Host: true}
	weekly := push.Meeting{Title: "Weekly", CreatorID: "ann", CreatorNick: "Ann", StartTime: 3}
	described := diff.Description{Title: "Weekly", CreatorID: "ann", CreatorNick: "Ann", StartTime: 3}
	for name, test := range map[string]struct {
		push push.Notice
		want poller.Notice
	}{
		"created": {
			push.Notice{Scene: push.MeetingCreated, Time: 4, Meeting: weekly},
			poller.Notice{Scene: poller.Created, Time: 4, Description: described},
		},
		"closed": {
			push.Notice{Scene: push.MeetingClosed, Time: 9, Meeting: weekly},
			poller.Notice{Scene: poller.Closed, Time: 9, Description: described},
		},
		"joined": {
			push.Notice{Scene: push.MemberJoined, Rows: []diff.Row{row}},
			poller.Notice{Scene: poller.Members, Rows: []diff.Row{row}},
		},
		"left": {
			push.Notice{Scene: push.MemberLeft, Rows: []diff.Row{row}},
			poller.Notice{Scene: poller.Members, Rows: []diff.Row{row}},
		},
		"kicked": {
			push.Notice{Scene: push.MemberKicked, Rows: []diff.Row{row, row}},
			poller.Notice{Scene: poller.Members, Rows: []diff.Row{row, row}},
		},
		"invited":           {push.Notice{Scene: push.MemberInvited}, poller.Notice{Scene: poller.Members}},
		"a guest leaves":    {push.Notice{Scene: push.MemberLeft, Look: true}, poller.Notice{Scene: poller.Members, Look: true, Gone: true}},
		"a guest is kicked": {push.Notice{Scene: push.MemberKicked, Look: true}, poller.Notice{Scene: poller.Members, Look: true, Gone: true}},
		"a guest":           {push.Notice{Scene: push.MemberJoined, Look: true}, poller.Notice{Scene: poller.Members, Look: true}},
		"unknown scene":     {push.Notice{Scene: "user_sneezed", Look: true}, poller.Notice{Scene: poller.Members, Look: true}},
	} {
		t.Run(name, func(t *testing.T) {
			test.push.ConferenceID, test.want.ConferenceID = "m", "m"
			n := &notifier{}
			given := slices.Clone(test.push.Rows)
			require.NoError(t, push.HandOver(n, nil).Receive(t.Context(), push.Push{Notices: []push.Notice{test.push}}))
			require.Len(t, n.told, 1)
			assert.Equal(t, test.want, n.told[0])
			assert.Equal(t, given, test.push.Rows, "the rows of the push are its own: it may be handed on again")
			assert.Equal(t, t.Context(), n.ctx[0])
		})
	}
}

func TestAPushWithoutNotices(t *testing.T) {
	n := &notifier{}
	require.NoError(t, push.HandOver(n, nil).Receive(t.Context(), push.Push{Type: "meeting_status_change"}))
	assert.Empty(t, n.told)
}

func TestWhatFailsForOneMeetingIsStoredForTheOthers(t *testing.T) {
	p := push.Push{Notices: []push.Notice{{ConferenceID: "a"}, {ConferenceID: "b"}, {ConferenceID: "c"}}}
	busy, away := errors.New("busy"), errors.New("away")
	for name, fails := range map[string]map[string]error{
		"all stored": nil, "the first fails": {"a": busy}, "the last fails": {"c": away}, "two fail": {"a": busy, "b": away},
	} {
		t.Run(name, func(t *testing.T) {
			n := &notifier{fails: fails}
			err := push.HandOver(n, nil).Receive(t.Context(), p)
			assert.Equal(t, []string{"a", "b", "c"}, n.meetings(), "what fails for one is stored for the others")
			if len(fails) == 0 {
				assert.NoError(t, err)
			}
			for _, cause := range fails {
				require.ErrorIs(t, err, cause, "it is to be sent again")
			}
		})
	}
}

func TestAPollerThatStartsOrStops(t *testing.T) {
	p := push.Push{Notices: []push.Notice{{ConferenceID: "a"}, {ConferenceID: "b"}}}
	for cause, away := range map[error]bool{poller.ErrStopping: true, poller.ErrNotReady: true, poller.ErrNotWatched: false} {
		n := &notifier{fails: map[string]error{"a": fmt.Errorf("meeting a: %w", cause)}}
		err := push.HandOver(n, nil).Receive(t.Context(), p)
		require.ErrorIs(t, err, cause)
		require.Equal(t, away, errors.Is(err, push.ErrAway))
	}
}

func TestPseudonyms(t *testing.T) {
	n := &notifier{}
	row := diff.Row{UnionID: "ann", UserNick: "Ann", JoinTime: 5, Status: diff.StatusActive, Host: true}
	p := push.Push{Notices: []push.Notice{{
		ConferenceID: "m", Scene: push.MeetingCreated, Rows: []diff.Row{row},
		Meeting: push.Meeting{Title: "Ann's weekly", CreatorID: "ann", CreatorNick: "Ann", StartTime: 3},
	}}}
	hider := pseudonym.NewSource(nil, pseudonym.Options{Key: "key", Titles: true})
	r := push.HandOver(n, hider)
	require.NoError(t, r.Receive(t.Context(), p))
	require.NoError(t, r.Receive(t.Context(), p)) // as after a failure
	require.Len(t, n.told, 2)
	assert.Equal(t, n.told[0], n.told[1], "nobody's pseudonym has one of its own")
	assert.Equal(t, row, p.Notices[0].Rows[0])

	listed := row
	hider.HideRow("m", &listed)
	assert.Equal(t, []diff.Row{listed}, n.told[0].Rows, "the same pseudonym as in the list")
	assert.Empty(t, listed.UserNick)
	assert.NotContains(t, listed.UnionID, "ann")
	d := n.told[0].Description
	assert.Equal(t, diff.Description{Title: "'s weekly", CreatorID: listed.UnionID, StartTime: 3}, d)
}
