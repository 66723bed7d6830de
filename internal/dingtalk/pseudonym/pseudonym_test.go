package pseudonym_test

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/internal/dingtalk/pseudonym"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/poller"
)

func TestMain(m *testing.M) { leak.Main(m) }

// fake answers with what it has.
type fake struct {
	list    poller.List
	info    poller.Info
	ongoing []api.OngoingMeeting
	err     error
}

var _ pseudonym.Upstream = (*fake)(nil)

func (f *fake) Members(context.Context, string) (poller.List, error) {
	list := f.list
	list.Rows = append([]diff.Row(nil), f.list.Rows...)
	return list, f.err
}

func (f *fake) Info(context.Context, string) (poller.Info, error) { return f.info, f.err }

func (f *fake) OngoingMeetings(context.Context) (api.Ongoing, error) {
	return api.Ongoing{Meetings: append([]api.OngoingMeeting(nil), f.ongoing...), Certain: true}, f.err
}

// rows reads what a source with this key makes of rows.
func rows(t *testing.T, key, meeting string, in ...diff.Row) []diff.Row {
	t.Helper()
	list, err := pseudonym.NewSource(&fake{list: poller.List{Rows: in, Certain: true}}, pseudonym.Options{Key: key}).Members(t.Context(), meeting)
	require.NoError(t, err)
	assert.True(t, list.Certain)
	require.Len(t, list.Rows, len(in))
	return list.Rows
}

// id is what tells a person from others: the unionId, or the nickname of a guest with the joinTime.
func id(t *testing.T, key, meeting string, row diff.Row) string {
	t.Helper()
	got := rows(t, key, meeting, row)[0]
	if got.UnionID == "" {
		return got.UserNick + " " + strconv.FormatInt(got.JoinTime, 10)
	}
	return got.UnionID
}

func TestMembersKeepEverythingButWhoTheyAre(t *testing.T) {
	full := diff.Row{
		UnionID: "u1", UserNick: "Ann", Status: diff.StatusActive, JoinTime: 1000, LeaveTime: 2000,
		Host: true, CoHost: true, OuterOrgMember: true, PSTNJoin: true,
	}
	got := rows(t, "key", "a", full)[0]
	assert.Regexp(t, regexp.MustCompile(`^p-[0-9a-f]{32}$`), got.UnionID)
	assert.Empty(t, got.UserNick)
	got.UnionID, got.UserNick = full.UnionID, full.UserNick
	assert.Equal(t, full, got)
}

// The pseudonym is part of what is stored: another one for the same person would make two people of
// one.
func TestPseudonymsNeverChange(t *testing.T) {
	assert.Equal(t, "p-269b1fbeb7759591efe58eb98c3020b8", id(t, "key", "a", diff.Row{UnionID: "u1"}))
	assert.Equal(t, "g-0a3d95155514 1000", id(t, "key", "a", diff.Row{UserNick: "Guest", JoinTime: 1000}))
}

func TestWhoIsTheSame(t *testing.T) {
	ann := diff.Row{UnionID: "u1", UserNick: "Ann", JoinTime: 1000}
	guest := diff.Row{UserNick: "Guest", JoinTime: 1000}
	for name, c := range map[string]struct {
		key, meeting string
		one, other   diff.Row
		same         bool
	}{
		"under another nickname":       {"key", "a", ann, diff.Row{UnionID: "u1", UserNick: "Anna"}, true},
		"in another visit":             {"key", "a", ann, diff.Row{UnionID: "u1", UserNick: "Ann", JoinTime: 9000}, true},
		"in another meeting":           {"key", "b", ann, ann, true},
		"by another key":               {"other", "a", ann, ann, false},
		"another person":               {"key", "a", ann, diff.Row{UnionID: "u2", UserNick: "Ann", JoinTime: 1000}, false},
		"guest again":                  {"key", "a", guest, guest, true},
		"guest in another visit":       {"key", "a", guest, diff.Row{UserNick: "Guest", JoinTime: 2000}, false},
		"guest under another nickname": {"key", "a", guest, diff.Row{UserNick: "Guess", JoinTime: 1000}, false},
		"guest in another meeting":     {"key", "b", guest, guest, false},
		"guest by another key":         {"other", "a", guest, guest, false},
		"guest with a person's name":   {"key", "a", diff.Row{UserNick: "u1"}, diff.Row{UnionID: "u1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			one, other := id(t, "key", "a", c.one), id(t, c.key, c.meeting, c.other)
			assert.Equal(t, c.same, one == other, "%s and %s", one, other)
		})
	}
}

func TestMeetingsDoNotNameWhoCalledThem(t *testing.T) {
	for title, want := range map[string]string{
		"韩梅的视频会议":       "的视频会议",
		"Meeting of 韩梅": "Meeting of",
		"Weekly":        "Weekly",
		"韩梅":            "",
		"":              "",
	} {
		t.Run(title, func(t *testing.T) {
			f := &fake{
				info:    poller.Info{Title: title, CreatorID: "u1", CreatorNick: "韩梅", StartTime: 1, EndTime: 2, Ended: true, ActiveCount: 3},
				ongoing: []api.OngoingMeeting{{ConferenceID: "a", Title: title, CreatorID: "u1", CreatorNick: "韩梅", StartTime: 1}},
			}
			s := pseudonym.NewSource(f, pseudonym.Options{Key: "key", Titles: true})
			creator := id(t, "key", "a", diff.Row{UnionID: "u1"})

			info, err := s.Info(t.Context(), "a")
			require.NoError(t, err)
			assert.Equal(t, poller.Info{Title: want, CreatorID: creator, StartTime: 1, EndTime: 2, Ended: true, ActiveCount: 3}, info)

			ongoing, err := s.OngoingMeetings(t.Context())
			require.NoError(t, err)
			assert.Equal(t, api.Ongoing{
				Meetings: []api.OngoingMeeting{{ConferenceID: "a", Title: want, CreatorID: creator, StartTime: 1}}, Certain: true,
			}, ongoing)
		})
	}
}

// Titles name people, too: whom a meeting is about, or with.
func TestTitlesAreDroppedUnlessAskedFor(t *testing.T) {
	f := &fake{
		info:    poller.Info{Title: "Ann's salary", StartTime: 1},
		ongoing: []api.OngoingMeeting{{ConferenceID: "a", Title: "Ann's salary", StartTime: 1}},
	}
	s := pseudonym.NewSource(f, pseudonym.Options{Key: "key"})
	info, err := s.Info(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, poller.Info{StartTime: 1}, info)
	ongoing, err := s.OngoingMeetings(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []api.OngoingMeeting{{ConferenceID: "a", StartTime: 1}}, ongoing.Meetings)
	id, nick, title := "u1", "Bob", "Ann's salary"
	s.HideCreator(&id, &nick, &title)
	assert.Empty(t, title)
}

func TestAGuestStaysAGuest(t *testing.T) {
	guest := diff.Row{UserNick: "Guest", JoinTime: 1000, Status: diff.StatusActive}
	got := rows(t, "key", "a", guest)[0]
	assert.Regexp(t, `^g-[0-9a-f]{12}$`, got.UserNick)
	got.UserNick = guest.UserNick
	assert.Equal(t, guest, got)
}

func TestFingerprintsTellKeysApart(t *testing.T) {
	seen := map[string]string{}
	for _, key := range []string{strings.Repeat("k", 31), strings.Repeat("k", 32), strings.Repeat("k", 33)} {
		sum, err := pseudonym.Fingerprint(key)
		require.NoError(t, err)
		again, err := pseudonym.Fingerprint(key)
		require.NoError(t, err)
		assert.Equal(t, sum, again)
		assert.Regexp(t, `^[0-9a-f]{16}$`, sum)
		assert.Empty(t, seen[sum], "that of %q, too", seen[sum])
		seen[sum] = key
	}
	fixed, err := pseudonym.Fingerprint(strings.Repeat("k", 32))
	require.NoError(t, err)
	assert.Equal(t, "2edbe70591ee0ee2", fixed, "it stands in streams")
}

func TestMeetingWhoseCreatorIsUnknown(t *testing.T) {
	info, err := pseudonym.NewSource(&fake{info: poller.Info{Title: "Weekly"}}, pseudonym.Options{Key: "key", Titles: true}).Info(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, poller.Info{Title: "Weekly"}, info)
}

func TestErrorsPassThrough(t *testing.T) {
	away := &poller.SourceError{Trouble: poller.Throttled, Err: errors.New("QPS")}
	s := pseudonym.NewSource(&fake{
		err: away, info: poller.Info{CreatorNick: "Ann"}, list: poller.List{Rows: []diff.Row{{UserNick: "Ann"}}},
		ongoing: []api.OngoingMeeting{{CreatorNick: "Ann"}},
	}, pseudonym.Options{Key: "key"})
	list, err := s.Members(t.Context(), "a")
	assert.Equal(t, away, err)
	assert.Empty(t, list)
	info, err := s.Info(t.Context(), "a")
	assert.Equal(t, away, err)
	assert.Empty(t, info)
	ongoing, err := s.OngoingMeetings(t.Context())
	assert.Equal(t, away, err)
	assert.Empty(t, ongoing)
}

// A reply that cannot be read is quoted in the error, and it may be a member list.
func TestErrorsQuoteNobody(t *testing.T) {
	reply := &api.Error{
		Op: "list the members", Kind: api.KindReply, Status: 200, Code: "c", Message: `{"userNick":"Ann"`, RequestID: "r",
		Wait: time.Second, Err: errors.New("userNick: Ann is no number"),
	}
	network := &api.Error{Op: "list the members", Kind: api.KindNetwork, Err: errors.New("connection refused")}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"from the poller's side": {
			&poller.SourceError{Trouble: poller.Throttled, Wait: time.Minute, Err: reply},
			"throttled: dingtalk: list the members: HTTP 200: a reply that makes no sense: c (request id r)",
		},
		"as it is": {reply, "dingtalk: list the members: HTTP 200: a reply that makes no sense: c (request id r)"},
		"no reply": {
			&poller.SourceError{Err: network},
			"unavailable: dingtalk: list the members: connection failed: connection refused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := pseudonym.NewSource(&fake{err: c.err}, pseudonym.Options{Key: "key"})
			_, fromList := s.Members(t.Context(), "a")
			_, fromInfo := s.Info(t.Context(), "a")
			_, fromOngoing := s.OngoingMeetings(t.Context())
			for _, err := range []error{fromList, fromInfo, fromOngoing} {
				assert.EqualError(t, err, c.want)
				var before, after *poller.SourceError
				if errors.As(c.err, &before) && assert.ErrorAs(t, err, &after) {
					assert.Equal(t, before.Trouble, after.Trouble)
					assert.Equal(t, before.Wait, after.Wait)
				}
			}
		})
	}
	assert.NotEmpty(t, reply.Message, "the error that was given stays as it is")
}
