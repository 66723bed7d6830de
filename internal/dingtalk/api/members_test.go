package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

func TestMembersReadsAllPages(t *testing.T) {
	// Tokens as a base64 may be: "+", "/" and "=" mean something else in a URL.
	tokens := []string{"", "a+b/c==", "d&e=f g", "%2B#"}
	u := newUpstream(t)
	u.members(func(w http.ResponseWriter, r *http.Request) {
		given := r.URL.Query().Get("nextToken")
		for i, token := range tokens {
			if token != given {
				continue
			}
			next := ""
			if i+1 < len(tokens) {
				next = tokens[i+1]
			}
			writeJSON(w, http.StatusOK, string(memberPage(i*100, 100, next, 400)))
			return
		}
		writeJSON(w, http.StatusBadRequest, `{"code":"paramError","message":"no such token"}`)
	})
	c := u.client(t, func(o *Options) { o.PageSize = 100; o.UserAgent = "rollcall/1.2" })

	list, err := c.Members(t.Context(), "m")
	require.NoError(t, err)
	assert.True(t, list.Certain)
	require.Len(t, list.Rows, 400)
	for i, row := range list.Rows {
		assert.Equal(t, unionID(i), row.UnionID)
		assert.Equal(t, "Member "+strconv.Itoa(i), row.UserNick)
	}
	calls := u.seen()
	require.Len(t, calls, 4)
	assert.False(t, calls[0].URL.Query().Has("nextToken"), "the first call carries no token")
	for _, r := range calls {
		assert.Equal(t, "100", r.URL.Query().Get("maxResults"))
		assert.Equal(t, "rollcall/1.2", r.Header.Get("User-Agent"))
		assert.Equal(t, "application/json", r.Header.Get("Accept"))
		assert.Equal(t, testToken+"-1", r.Header.Get("x-acs-dingtalk-access-token"))
		assert.Empty(t, r.Header.Get("Content-Type"))
	}
	assert.Equal(t, Stats{Requests: 4, TokenRequests: 1}, c.Stats())
}

// TestMembersTellsWhenTheReadingBegan: not when it was asked for, as calls wait for the rate; and
// when a list is read again, that is when the reading that counts began.
func TestMembersTellsWhenTheReadingBegan(t *testing.T) {
	first, second := answer(200, string(memberPage(0, 2, "next", 4))), answer(200, string(memberPage(2, 2, "", 4)))
	for name, c := range map[string]struct {
		looks []http.HandlerFunc
		began time.Duration
	}{
		"two pages":           {[]http.HandlerFunc{first, second}, 10 * time.Second},
		"the first page late": {[]http.HandlerFunc{answer(500, `{}`), first, second}, 20 * time.Second},
		"read again": {
			[]http.HandlerFunc{first, answer(200, string(memberPage(2, 1, "", 4))), first, second}, 30 * time.Second,
		},
	} {
		t.Run(name, timeless(func(t *testing.T) {
			u := newPipedUpstream(t)
			u.members(script(c.looks...))
			limit := rate.NewLimiter(0.1, 1)
			limit.Allow()
			start := time.Now()
			var began time.Time
			ctx := poller.OnReading(t.Context(), func() { began = time.Now() })
			_, err := u.client(t, func(o *Options) { o.Limiter = limit }).Members(ctx, "m")
			require.NoError(t, err)
			assert.WithinDuration(t, start.Add(c.began), began, 10*time.Millisecond)
		}))
	}
}

// TestMembersGoesOnBeforeOthersBegin where calls wait, so that a long list is not old when its end
// is read.
func TestMembersGoesOnBeforeOthersBegin(t *testing.T) {
	u := newUpstream(t)
	u.members(script(answer(200, string(memberPage(0, 2, "next", 4))), answer(200, string(memberPage(2, 1, "", 4)))))
	var continued []bool
	_, err := u.client(t, func(o *Options) {
		o.Limiter = limiterFunc(func(ctx context.Context) error {
			continued = append(continued, poller.Continued(ctx))
			return nil
		})
	}).Members(t.Context(), "m")
	require.NoError(t, err)
	assert.Equal(t, []bool{false, true, true}, continued)
}

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

func TestMembersEndsWhereTheListEnds(t *testing.T) {
	row := `{"unionId":"u"}`
	for name, end := range map[string]string{
		"no token":        `{"memberModels":[` + row + `],"totalCount":2}`,
		"empty token":     `{"memberModels":[` + row + `],"totalCount":2,"nextToken":""}`,
		"null token":      `{"memberModels":[` + row + `],"totalCount":2,"nextToken":null}`,
		"token 0":         `{"memberModels":[` + row + `],"totalCount":2,"nextToken":"0"}`,
		"token 0, number": `{"memberModels":[` + row + `],"totalCount":2,"nextToken":0}`,
		"only a total":    `{"totalCount":1}`,
		"no total at all": `{"memberModels":[` + row + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.members(script(answer(200, `{"memberModels":[`+row+`],"nextToken":7}`), answer(200, end)))
			list, err := u.client(t).Members(t.Context(), "m")
			require.NoError(t, err)
			assert.True(t, list.Certain)
			assert.Len(t, list.Rows, strings.Count(end, row)+1)
			require.Len(t, u.seen(), 2)
			assert.Equal(t, "7", u.seen()[1].URL.Query().Get("nextToken"))
		})
	}
}

func TestMembersIsAllOrNothing(t *testing.T) {
	first := string(memberPage(0, 2, "next", 4))
	last := string(memberPage(2, 2, "", 4))
	for name, second := range map[string]http.HandlerFunc{
		"page of another kind": answer(200, `{"status":"ok"}`),
		"page that is a list":  answer(200, `[]`),
		"page that is null":    answer(200, `null`),
		"cut page":             answer(200, last[:len(last)/2]),
		"page and more":        answer(200, last+last),
		"HTML":                 answer(200, `<html>hello</html>`),
		"nothing":              answer(200, ``),
		"no content":           answer(204, ``),
		"refused":              answer(200, `{"memberModels":[],"totalCount":2,"success":false}`),
		"old refusal":          answer(200, `{"memberModels":[],"totalCount":2,"errcode":"90018"}`),
		"members are none":     answer(200, `{"memberModels":{"0":{}},"totalCount":4}`),
		"not allowed":          answer(403, `{"code":"noPermission","message":"no"}`),
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.members(script(answer(200, first), second))
			list, err := u.client(t).Members(t.Context(), "m")
			require.Error(t, err)
			assert.Empty(t, list.Rows)
			trouble(t, err)
			assert.Len(t, u.seen(), 2, "no quick retry")
		})
	}
}

// TestMembersBesideWhatCannotBeRead: the people that are listed count, and no absence does.
func TestMembersBesideWhatCannotBeRead(t *testing.T) {
	good := `{"unionId":"c","joinTime":1684215608570,"attendStatus":3}`
	for name, second := range map[string]string{
		"null":                 `{"memberModels":[null,` + good + `],"totalCount":4}`,
		"number":               `{"memberModels":[` + good + `,7],"totalCount":4}`,
		"text":                 `{"memberModels":["b",` + good + `]}`,
		"list":                 `{"memberModels":[` + good + `,[` + good + `]],"totalCount":"4"}`,
		"time is a word":       `{"memberModels":[` + good + `,{"unionId":"d","joinTime":"soon"}],"totalCount":4}`,
		"endless token":        `{"memberModels":[` + good + `],"nextToken":"` + strings.Repeat("x", 3000) + `"}`,
		"token of an object":   `{"memberModels":[` + good + `],"nextToken":{"a":1}}`,
		"token without a list": `{"memberModels":[` + good + `],"nextToken":[],"totalCount":9}`,
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.members(script(answer(200, string(memberPage(0, 2, "next", -1))), answer(200, second),
				answer(200, string(memberPage(0, 2, "next", -1))), answer(200, second)))
			list, err := u.client(t).Members(t.Context(), "m")
			require.NoError(t, err)
			assert.Len(t, list.Rows, 3)
			assert.Equal(t, "c", list.Rows[2].UnionID)
			assert.False(t, list.Certain)
		})
	}
}

// TestATokenThatCannotBeReadIsNoLossWhereAllIsRead.
func TestATokenThatCannotBeReadIsNoLossWhereAllIsRead(t *testing.T) {
	u := newUpstream(t)
	u.members(answer(200, `{"memberModels":[{"unionId":"c"}],"nextToken":{},"totalCount":1}`))
	list, err := u.client(t).Members(t.Context(), "m")
	require.NoError(t, err)
	assert.True(t, list.Certain)
}

func TestMembersKeepsNothingOfAnAttemptThatFailed(t *testing.T) {
	page := string(memberPage(0, 3, "", 3))
	u := newUpstream(t)
	u.members(script(answer(200, page[:len(page)-20]), answer(200, page)))
	c := u.client(t)
	_, err := c.Members(t.Context(), "m")
	require.Error(t, err)
	list, err := c.Members(t.Context(), "m")
	require.NoError(t, err)
	assert.Len(t, list.Rows, 3)
}

func TestMembersBounds(t *testing.T) {
	t.Run("pages", func(t *testing.T) {
		u := newUpstream(t)
		n := 0
		u.members(func(w http.ResponseWriter, _ *http.Request) {
			n++
			writeJSON(w, http.StatusOK, string(memberPage(n, 1, fmt.Sprint("t", n), -1)))
		})
		list, err := u.client(t).Members(t.Context(), "m")
		require.NoError(t, err)
		assert.False(t, list.Certain)
		assert.Len(t, list.Rows, maxPages)
		assert.Equal(t, maxPages, list.Calls)
		assert.Equal(t, maxPages, n)
	})
	t.Run("rows", func(t *testing.T) {
		u := newUpstream(t)
		rows := "[{}" + strings.Repeat(",{}", maxRows) + "]"
		u.members(script(answer(200, `{"memberModels":`+rows+`,"nextToken":"a"}`)))
		list, err := u.client(t).Members(t.Context(), "m")
		require.NoError(t, err)
		assert.False(t, list.Certain)
		assert.Len(t, list.Rows, maxRows)
		assert.Len(t, u.seen(), 1)
	})
	t.Run("body of a known length", func(t *testing.T) {
		u := newUpstream(t)
		u.members(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(maxBody+1))
			writeJSON(w, http.StatusOK, "{")
		})
		_, err := u.client(t).Members(t.Context(), "m")
		require.ErrorIs(t, err, errBodyTooLarge)
		assert.Len(t, u.seen(), 1)
	})
	t.Run("body of an unknown length", func(t *testing.T) {
		u := newUpstream(t)
		u.members(func(w http.ResponseWriter, _ *http.Request) {
			chunk := strings.Repeat(" ", 1<<20)
			for range maxBody>>20 + 1 {
				_, _ = io.WriteString(w, chunk)
			}
		})
		_, err := u.client(t).Members(t.Context(), "m")
		require.ErrorIs(t, err, errBodyTooLarge)
	})
}

func TestMembersWhoseTotalDiffers(t *testing.T) {
	list := func(rows int, total int64) http.HandlerFunc {
		return answer(200, string(memberPage(0, rows, "", total)))
	}
	cases := map[string]struct {
		looks   []http.HandlerFunc
		rows    int
		certain bool
		calls   int
	}{
		"never":              {[]http.HandlerFunc{list(3, 3)}, 3, true, 1},
		"no total":           {[]http.HandlerFunc{list(3, -1)}, 3, true, 1},
		"once":               {[]http.HandlerFunc{list(3, 4), list(4, 4)}, 4, true, 2},
		"twice":              {[]http.HandlerFunc{list(3, 4), list(3, 4)}, 3, false, 2},
		"twice, differently": {[]http.HandlerFunc{list(3, 4), list(5, 4)}, 5, false, 2},
		"then no total":      {[]http.HandlerFunc{list(3, 4), list(3, -1)}, 3, true, 2},
		"nobody, yet three":  {[]http.HandlerFunc{list(0, 3), list(0, 3)}, 0, false, 2},
		"between pages": {[]http.HandlerFunc{
			answer(200, string(memberPage(0, 2, "a", 5))), answer(200, string(memberPage(2, 2, "", 4))),
		}, 2, false, 3},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.members(script(c.looks...))
			client := u.client(t)
			got, err := client.Members(t.Context(), "m")
			require.NoError(t, err)
			assert.Len(t, got.Rows, c.rows)
			assert.Equal(t, c.certain, got.Certain)
			assert.Len(t, u.seen(), c.calls)
			assert.Equal(t, !c.certain, client.Stats().TotalMismatches == 1)
		})
	}
}

func TestMembersVoidsTheLookWhenTheSecondReadingFails(t *testing.T) {
	u := newUpstream(t)
	u.members(script(answer(200, string(memberPage(0, 3, "", 4))), answer(404, `{"code":"roomNotFound"}`)))
	_, err := u.client(t).Members(t.Context(), "m")
	assert.Equal(t, poller.NotFound, trouble(t, err).Trouble)
}

func TestADifferingTotalIsSaidOnce(t *testing.T) {
	var book logBook
	rows, total := 3, int64(5)
	u := newUpstream(t)
	u.members(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, string(memberPage(0, rows, "", total)))
	})
	c := u.client(t, func(o *Options) { o.Logger = book.logger() })
	look := func() (differs, agrees int) {
		_, err := c.Members(t.Context(), "m")
		require.NoError(t, err)
		return strings.Count(book.String(), "differ:"), strings.Count(book.String(), "agree again")
	}
	steps := []struct {
		name            string
		rows            int
		total           int64
		differs, agrees int
	}{
		{"fewer rows", 3, 5, 1, 0},
		{"still", 3, 5, 1, 0},
		{"still, by more", 4, 9, 1, 0},
		{"now too many", 9, 4, 2, 0},
		{"agrees", 9, 9, 2, 1},
		{"still agrees", 9, 9, 2, 1},
		{"and again", 8, 9, 3, 1},
	}
	for _, s := range steps {
		rows, total = s.rows, s.total
		differs, agrees := look()
		assert.Equal(t, s.differs, differs, s.name)
		assert.Equal(t, s.agrees, agrees, s.name)
	}
	assert.Equal(t, uint64(5), c.Stats().TotalMismatches)
}

func TestTheMemoryOfDifferingTotalsIsBounded(t *testing.T) {
	var seen totals
	for i := range 10 * maxTotals {
		assert.True(t, seen.note(strconv.Itoa(i), tooFew))
		require.LessOrEqual(t, len(seen.said), maxTotals)
	}
}

func TestMembersEscapesTheID(t *testing.T) {
	for _, id := range []string{"a/b", "../token", "a b?c#d", "ä%2F", "a;b=c"} {
		t.Run(id, func(t *testing.T) {
			u := newUpstream(t)
			var got string
			u.mux.HandleFunc("GET /v1.0/conference/videoConferences/{id}/members", func(w http.ResponseWriter, r *http.Request) {
				got = r.PathValue("id")
				writeJSON(w, http.StatusOK, string(memberPage(0, 1, "", 1)))
			})
			_, err := u.client(t).Members(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, id, got)
		})
	}
}

func TestAnUnusableIDIsRefusedWithoutACall(t *testing.T) {
	u := newUpstream(t)
	c := u.client(t)
	for _, id := range []string{"", ".", "..", strings.Repeat("x", 513), "a\x00b"} {
		_, err := c.Members(t.Context(), id)
		assert.Equal(t, poller.Denied, trouble(t, err).Trouble)
		_, err = c.Info(t.Context(), id)
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, KindRequest, e.Kind)
		assert.False(t, e.Retryable())
	}
	assert.Empty(t, u.seen())
}

func TestRowsOfOneListDoNotLeakIntoTheNext(t *testing.T) {
	u := newUpstream(t)
	u.members(script(
		answer(200, `{"memberModels":[{"unionId":"a","userNick":"A","joinTime":1684215608570,"leaveTime":1684215608571,"attendStatus":6,`+
			`"host":true,"coHost":true,"outerOrgMember":true,"pstnJoin":true}],"totalCount":1}`),
		answer(200, `{"memberModels":[{"unionId":"b"}],"totalCount":1}`)))
	c := u.client(t)
	first, err := c.Members(t.Context(), "m")
	require.NoError(t, err)
	second, err := c.Members(t.Context(), "m")
	require.NoError(t, err)
	assert.Equal(t, []diff.Row{{
		UnionID: "a", UserNick: "A", JoinTime: 1684215608570, LeaveTime: 1684215608571, Status: 6,
		Host: true, CoHost: true, OuterOrgMember: true, PSTNJoin: true,
	}}, first.Rows)
	assert.Equal(t, []diff.Row{{UnionID: "b"}}, second.Rows)
}
