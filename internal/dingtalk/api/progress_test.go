package api

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAListWithoutAnEnd is left within a handful of calls, and is not read again; what it gave
// counts.
func TestAListWithoutAnEnd(t *testing.T) {
	token := func(n int) string { return fmt.Sprint("t", n) }
	for name, c := range map[string]struct {
		page        func(n int) sheet
		rows, calls int
	}{
		"the cursor is ignored":              {func(n int) sheet { return sheet{"a@1 b@2", 4, token(n)} }, 2, 4},
		"ignored, and no totalCount":         {func(n int) sheet { return sheet{"a@1 b@2", -1, token(n)} }, 2, 4},
		"ignored, people without a joinTime": {func(n int) sheet { return sheet{"a b ?", 9, token(n)} }, -1, 4},
		"the token is always the same":       {func(int) sheet { return sheet{"a@1 b@2", 4, "t"} }, 2, 2},
		"empty pages":                        {func(n int) sheet { return sheet{"", 4, token(n)} }, 0, 3},
		"empty pages, and no totalCount":     {func(n int) sheet { return sheet{"", -1, token(n)} }, 0, 3},
		"ever new people":                    {func(n int) sheet { return sheet{fmt.Sprintf("a%d@1 b%d@2", n, n), 2, token(n)} }, 10, 5},
		"of many, ever new people":           {func(n int) sheet { return sheet{fmt.Sprintf("a%d@1 b%d@2", n, n), 4, token(n)} }, 14, 7},
		"it goes round": {func(n int) sheet {
			return sheet{[]string{"a@1 b@2", "c@3"}[n%2], 4, token(n)}
		}, 3, 5},
		"nobody is counted": {func(n int) sheet { return sheet{fmt.Sprintf("a%d@1", n), 0, token(n)} }, 4, 4},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			n := 0
			u.members(func(w http.ResponseWriter, _ *http.Request) {
				writeJSON(w, http.StatusOK, c.page(n).body())
				n++
			})
			var book logBook
			client := u.client(t, func(o *Options) { o.Logger = book.logger() })
			for range 2 {
				n = 0
				list, err := client.Members(t.Context(), "m")
				require.NoError(t, err)
				assert.False(t, list.Certain)
				assert.Equal(t, c.calls, n)
				assert.Equal(t, c.calls, list.Calls)
				if c.rows >= 0 {
					assert.Len(t, list.Rows, c.rows)
				}
			}
			assert.Contains(t, book.String(), "makes no progress")
		})
	}
}

// TestPagesAfterTheLastOne are no fault, and cost one call at most.
func TestPagesAfterTheLastOne(t *testing.T) {
	const refusal = `{"code":"paramError","message":"no such token"}`
	full := []string{sheet{"a@1 b@2", 4, "t1"}.body(), sheet{"c@3 d@4", 4, "t2"}.body()}
	for name, c := range map[string]struct {
		after   http.HandlerFunc
		certain bool
		rows    int
		calls   int // of the first look, and of another
	}{
		"an empty page":                {answer(200, sheet{"", 4, ""}.body()), true, 4, 3},
		"an empty page with a token":   {answer(200, sheet{"", 4, "t3"}.body()), true, 4, 3},
		"the same token":               {answer(200, sheet{"", 4, "t2"}.body()), true, 4, 3},
		"an empty object":              {answer(200, `{}`), true, 4, 3},
		"a token and no more":          {answer(200, `{"nextToken":"t3"}`), true, 4, 3},
		"nothing but nulls":            {answer(200, `{"memberModels":null,"nextToken":null,"totalCount":null}`), true, 4, 3},
		"the first page again":         {answer(200, full[0]), true, 4, 3},
		"the last page again":          {answer(200, full[1]), true, 4, 3},
		"a refusal of the token":       {answer(400, refusal), true, 4, 3},
		"somebody who has come":        {answer(200, sheet{"e@5", 5, ""}.body()), false, 5, 6},
		"somebody who was not counted": {answer(200, sheet{"e@5", 4, ""}.body()), false, 5, 6},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.members(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Query().Get("nextToken") {
				case "":
					writeJSON(w, 200, full[0])
				case "t1":
					writeJSON(w, 200, full[1])
				default:
					c.after(w, r)
				}
			})
			want := seenLook{c.certain, c.calls, c.rows}
			looks(t, u, want, want)
		})
	}
	for name, after := range map[string]http.HandlerFunc{
		"another refusal":    answer(403, `{"code":"noPermission"}`),
		"a block":            answer(200, `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u"}`),
		"other JSON":         answer(200, `{"success":true}`),
		"a failure":          answer(500, `{"code":"systemError"}`),
		"no JSON":            answer(200, `<html></html>`),
		"the month's end":    answer(403, `{"code":"Forbidden.AccessDenied.ApiCountLimitForOrg"}`),
		"a meeting that was": answer(404, `{"code":"roomNotFound"}`),
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.members(script(answer(200, full[0]), answer(200, full[1]), after))
			_, err := u.client(t).Members(t.Context(), "m")
			trouble(t, err)
		})
	}
}

// TestWhatIsNoListBeforeTheEndVoidsIt, as do refusals.
func TestWhatIsNoListBeforeTheEndVoidsIt(t *testing.T) {
	first := answer(200, sheet{"a@1 b@2", 4, "t1"}.body())
	for name, second := range map[string]http.HandlerFunc{
		"an empty object":        answer(200, `{}`),
		"a refusal of the token": answer(400, `{"code":"paramError"}`),
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.members(script(first, second))
			_, err := u.client(t).Members(t.Context(), "m")
			trouble(t, err)
		})
	}
	t.Run("an empty object where nothing is counted", func(t *testing.T) {
		u := newUpstream(t)
		u.members(script(answer(200, sheet{"a@1 b@2", -1, "t1"}.body()), answer(200, `{}`)))
		looks(t, u, seenLook{false, 2, 2})
	})
}

func TestTheOrganisationsListWithoutAnEnd(t *testing.T) {
	const more = `,"hasMore":true`
	token := func(n int) string { return fmt.Sprintf(`,"nextToken":"t%d"`, n) }
	page := func(total int, more, next string, ids ...string) string {
		body := ongoingPage(more, next, ids...)
		return body[:len(body)-len(`,"totalCount":9}`)] + fmt.Sprintf(`,"totalCount":%d}`, total)
	}
	for name, c := range map[string]struct {
		page    func(n int) string
		ids     []string
		calls   int
		certain bool
	}{
		"the cursor is ignored":        {func(n int) string { return page(4, more, token(n), "a", "b") }, []string{"a", "b"}, 4, false},
		"the token is always the same": {func(int) string { return page(4, more, token(0), "a", "b") }, []string{"a", "b"}, 2, false},
		"empty pages":                  {func(n int) string { return page(4, "", token(n)) }, nil, 3, false},
		"ever new meetings":            {func(n int) string { return page(1, more, token(n), fmt.Sprint(n)) }, []string{"0", "1", "2", "3", "4"}, 5, false},
		"more, but no way":             {func(int) string { return page(4, more, "", "a", "b") }, []string{"a", "b"}, 1, false},
		"more, but token 0":            {func(int) string { return page(4, more, `,"nextToken":"0"`, "a", "b") }, []string{"a", "b"}, 1, false},
		"a token on the last page":     {func(n int) string { return page(2, "", token(n), []string{"a", "b"}[:max(2-2*n, 0)]...) }, []string{"a", "b"}, 2, true},
		"the last page again":          {func(n int) string { return page(2, more, token(n), "a", "b") }, []string{"a", "b"}, 2, true},
		"an empty object": {func(n int) string {
			return []string{page(2, more, token(n), "a", "b"), `{}`}[n]
		}, []string{"a", "b"}, 2, true},
		"a meeting on two pages": {func(n int) string {
			return []string{page(4, more, token(n), "a", "b"), page(4, "", "", "b", "d")}[n]
		}, []string{"a", "b", "d"}, 2, false},
		"totalCount changed": {func(n int) string {
			return []string{page(4, more, token(n), "a", "b"), page(3, "", "", "c", "d")}[n]
		}, []string{"a", "b", "c", "d"}, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			n := 0
			u.mux.HandleFunc("GET /v1.0/conference/orgConferences", func(w http.ResponseWriter, _ *http.Request) {
				writeJSON(w, http.StatusOK, c.page(n))
				n++
			})
			list, err := u.client(t).OngoingMeetings(t.Context())
			require.NoError(t, err)
			var ids []string
			for _, m := range list.Meetings {
				ids = append(ids, m.ConferenceID)
			}
			assert.Equal(t, c.ids, ids)
			assert.Equal(t, c.calls, n)
			assert.Equal(t, c.certain, list.Certain)
		})
	}
}
