package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sheet is a page of a list: rows as "person", "person@join" or "?nick@join" of somebody without a
// unionId, with a "-" after it where they left; its totalCount, -1 for none; and its token.
type sheet struct {
	rows  string
	total int
	next  string
}

func (s sheet) body() string {
	var rows []string
	for text := range strings.FieldsSeq(s.rows) {
		text, left := strings.CutSuffix(text, "-")
		who, join, _ := strings.Cut(text, "@")
		nick, guest := strings.CutPrefix(who, "?")
		id := who
		if guest {
			id = ""
		}
		status := 3
		switch {
		case left:
			status = 6
		case join == "":
			status = 2
		}
		at, _ := strconv.Atoi(join)
		rows = append(rows, fmt.Sprintf(`{"unionId":%q,"userNick":%q,"joinTime":%d,"attendStatus":%d}`, id, nick, at, status))
	}
	total := ""
	if s.total >= 0 {
		total = fmt.Sprintf(`,"totalCount":%d`, s.total)
	}
	return fmt.Sprintf(`{"memberModels":[%s]%s,"nextToken":%q}`, strings.Join(rows, ","), total, s.next)
}

// reading is one reading of a list of two or more pages, all with the same totalCount.
func reading(total int, pages ...string) []sheet {
	var out []sheet
	for i, rows := range pages {
		next := ""
		if i+1 < len(pages) {
			next = fmt.Sprint("t", i+1)
		}
		out = append(out, sheet{rows, total, next})
	}
	return out
}

// readings serves readings one after the other, the last one for ever: a call without a token
// begins the next.
func (u *upstream) readings(list ...[]sheet) {
	at, page := -1, 0
	u.members(func(w http.ResponseWriter, r *http.Request) {
		if page++; !r.URL.Query().Has("nextToken") {
			at, page = min(at+1, len(list)-1), 0
		}
		writeJSON(w, http.StatusOK, list[at][min(page, len(list[at])-1)].body())
	})
}

// seenLook is what a look is to give.
type seenLook struct {
	certain bool
	calls   int
	rows    int
}

func looks(t *testing.T, u *upstream, want ...seenLook) {
	t.Helper()
	c := u.client(t)
	calls := 0
	for i, w := range want {
		list, err := c.Members(t.Context(), "m")
		require.NoError(t, err)
		made := len(u.seen()) - calls
		calls += made
		assert.Equal(t, w, seenLook{list.Certain, made, len(list.Rows)}, "look %d", i+1)
	}
}

func TestAListThatMovedIsReadOnceMore(t *testing.T) {
	still := reading(4, "a@1 b@2", "c@3 d@4")
	moved := reading(4, "a@1 b@2", "b@2 d@4")
	for name, c := range map[string]struct {
		readings [][]sheet
		want     []seenLook
	}{
		"it stood still":              {[][]sheet{still}, []seenLook{{true, 2, 4}}},
		"it moved once":               {[][]sheet{moved, still, still}, []seenLook{{true, 4, 4}, {true, 2, 4}}},
		"it moved twice":              {[][]sheet{moved, moved, still}, []seenLook{{false, 4, 3}, {true, 2, 4}}},
		"otherwise each time":         {[][]sheet{moved, reading(4, "a@1 d@4", "c@3 d@4"), moved, moved}, []seenLook{{false, 4, 3}, {false, 4, 3}}},
		"as before, after a still":    {[][]sheet{moved, still, moved, moved}, []seenLook{{true, 4, 4}, {false, 4, 3}}},
		"a guest":                     {[][]sheet{reading(3, "a@1 ?g@2", "?g@2")}, []seenLook{{false, 4, 2}}},
		"two guests of one name":      {[][]sheet{reading(3, "a@1 ?g@2", "?g@3")}, []seenLook{{true, 2, 3}}},
		"a guest named like a person": {[][]sheet{reading(3, "a@1 g@2", "?g@2")}, []seenLook{{true, 2, 3}}},
		"two visits":                  {[][]sheet{reading(3, "a@1 b@2-", "b@3")}, []seenLook{{true, 2, 3}}},
		"all on one page":             {[][]sheet{reading(3, "a@1 b@2 b@2")}, []seenLook{{true, 1, 3}}},
		"on one page of two":          {[][]sheet{reading(3, "b@2 b@2", "a@1")}, []seenLook{{true, 2, 3}}},
		"totalCount changed":          {[][]sheet{{{"a@1 b@2", 3, "x"}, {"c@3 d@4", 4, ""}}, still}, []seenLook{{true, 4, 4}}},
		"totalCount changed twice":    {[][]sheet{{{"a@1 b@2", 3, "x"}, {"c@3 d@4", 4, ""}}}, []seenLook{{false, 4, 4}, {false, 4, 4}}},
		"no totalCount":               {[][]sheet{reading(-1, "a@1 b@2", "b@2 d@4")}, []seenLook{{false, 4, 3}}},
		"different rows as counted":   {[][]sheet{reading(3, "a@1 b@2", "b@2 d@4")}, []seenLook{{false, 4, 3}}},
		"called, on two pages":        {[][]sheet{reading(4, "a@1 b", "b d@4")}, []seenLook{{false, 2, 3}, {true, 2, 4}}},
		"a guest who is called":       {[][]sheet{reading(4, "a@1 ?", "? d@4")}, []seenLook{{false, 2, 3}, {true, 2, 4}}},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.readings(c.readings...)
			looks(t, u, c.want...)
		})
	}
}

// TestTheNewestRowOfWhoeverMovedCounts: somebody who left while the list was read is on it twice.
func TestTheNewestRowOfWhoeverMovedCounts(t *testing.T) {
	u := newUpstream(t)
	u.readings(reading(3, "a@1 b@2", "c@3 a@1-"))
	list, err := u.client(t).Members(t.Context(), "m")
	require.NoError(t, err)
	assert.False(t, list.Certain)
	require.Len(t, list.Rows, 3)
	assert.Equal(t, 6, list.Rows[2].Status)
	assert.Equal(t, "b", list.Rows[0].UnionID)
}

// TestASecondDeviceIsNoMovedList: what is repeated in the same way at the next look is there to
// stay, wherever the pages end, and is read twice no more.
func TestASecondDeviceIsNoMovedList(t *testing.T) {
	u := newUpstream(t)
	two := reading(4, "a@1 b@2", "b@2 d@4")
	u.readings(two, two, two, two, reading(4, "b@2 b@2", "a@1 d@4"), two,
		reading(5, "a@1 b@2", "b@2 d@4", "e@5"), reading(3, "a@1 b@2", "d@4"), two, two, two)
	looks(t, u,
		seenLook{false, 4, 3}, seenLook{true, 2, 4}, seenLook{true, 2, 4},
		seenLook{true, 2, 4}, seenLook{true, 2, 4}, // on one page, and not
		seenLook{true, 3, 5},
		seenLook{true, 2, 3}, // it has gone
		seenLook{false, 4, 3}, seenLook{true, 2, 4})
}

// TestAMovedListWithASecondDevice: the one is told from the other.
func TestAMovedListWithASecondDevice(t *testing.T) {
	u := newUpstream(t)
	two := reading(4, "a@1 b@2", "b@2 d@4")
	u.readings(two, two, two, reading(5, "a@1 b@2 d@4", "b@2 d@4"), reading(5, "a@1 b@2 d@4", "b@2 e@5"))
	looks(t, u, seenLook{false, 4, 3}, seenLook{true, 2, 4}, seenLook{true, 4, 5}, seenLook{true, 2, 5})
}

// TestAListThatNeverAgreesIsNotReadTwiceForEver: what totalCount counts is nowhere documented, and
// the month's calls are few.
func TestAListThatNeverAgreesIsNotReadTwiceForEver(t *testing.T) {
	for name, list := range map[string][]sheet{
		"only those present are counted": {{"a@1 b@2 c@3-", 2, ""}},
		"only the page's are counted":    {{"a@1 b@2", 2, "x"}, {"c@3", 1, ""}},
		"the pages overlap":              reading(4, "a@1 b@2 c@3", "b@2 c@3 d@4"),
	} {
		t.Run(name, func(t *testing.T) {
			still := reading(4, "a@1 b@2", "c@3 d@4")
			moved := reading(4, "a@1 b@2", "b@2 d@4")
			n, u := len(list), newUpstream(t)
			u.readings(append(slices.Repeat([][]sheet{list}, 25), still, moved, still)...)
			c := u.client(t)
			look := func() (certain bool, calls int) {
				before := len(u.seen())
				l, err := c.Members(t.Context(), "m")
				require.NoError(t, err)
				return l.Certain, len(u.seen()) - before
			}
			var made []int
			for len(u.seen()) < 25*n {
				certain, calls := look()
				require.False(t, certain)
				made = append(made, calls)
			}
			assert.Equal(t, []int{2 * n, 2 * n, 2 * n, n, n, n, n, n, 2 * n, n}, made[:10])
			for _, want := range []int{2, 4} {
				certain, calls := look()
				assert.True(t, certain, "as soon as it agrees once all is as before")
				assert.Equal(t, want, calls)
			}
		})
	}
}

// TestADeviceIsFoundOutWhileTheListNeverAgrees: otherwise the list would not agree when it could.
func TestADeviceIsFoundOutWhileTheListNeverAgrees(t *testing.T) {
	u := newUpstream(t)
	u.readings(append(append(slices.Repeat([][]sheet{reading(2, "a@1 b@2", "d@4")}, 9),
		slices.Repeat([][]sheet{reading(2, "a@1 b@2", "b@2 d@4")}, 11)...), reading(4, "a@1 b@2", "b@2 d@4"))...)
	c := u.client(t)
	for len(u.seen()) < 40 {
		l, err := c.Members(t.Context(), "m")
		require.NoError(t, err)
		require.False(t, l.Certain)
	}
	l, err := c.Members(t.Context(), "m")
	require.NoError(t, err)
	assert.True(t, l.Certain)
	assert.Equal(t, 2, l.Calls)
}

func TestWhatIsRememberedOfListsIsBounded(t *testing.T) {
	var d habits
	for i := range 3 * maxHabits {
		d.remember(strconv.Itoa(i), habit{devices: []uint64{1}})
		require.LessOrEqual(t, len(d.byMeeting), maxHabits)
	}
	d.remember("m", habit{devices: []uint64{1, 2}, differed: 3})
	assert.Equal(t, habit{devices: []uint64{1, 2}, differed: 3}, d.of("m"))
	d.remember("m", habit{devices: make([]uint64, maxDevices+1), differed: 4})
	assert.Equal(t, habit{differed: 4}, d.of("m"))
	d.remember("m", habit{devices: []uint64{1}})
	d.remember("m", habit{})
	assert.Zero(t, d.of("m"))
	assert.NotContains(t, d.byMeeting, "m")
}
