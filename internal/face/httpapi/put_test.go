package httpapi

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPutWatchesOnce(t *testing.T) {
	opts := Options{Meetings: table()}

	resp := request(t, opts, http.MethodPut, "/v1/meetings/weekly", `{"title":"Weekly 周会"}`)
	body := jsonOf[meetingBody](t, resp, http.StatusCreated)
	assert.Equal(t, "/v1/meetings/weekly", resp.Header.Get("Location"))
	assert.Equal(t, meetingBody{
		ConferenceID: "weekly", Title: "Weekly 周会", State: "watched", Interval: "0s", Owner: "here-1",
	}, body)

	resp = request(t, opts, http.MethodPut, "/v1/meetings/weekly", "")
	assert.Equal(t, "Weekly 周会", jsonOf[meetingBody](t, resp, http.StatusOK).Title)
	assert.Empty(t, resp.Header.Get("Location"))
}

func TestPutBody(t *testing.T) {
	long := strings.Repeat("周", maxTitle)
	for name, c := range map[string]struct {
		body   string
		status int
		title  string
		says   string
	}{
		"none":             {"", 201, "", ""},
		"blank":            {" \r\n\t ", 201, "", ""},
		"no title":         {"{}", 201, "", ""},
		"title":            {`{"title":"Weekly"}`, 201, "Weekly", ""},
		"space around":     {" {\"title\" : \"Weekly\"} \n", 201, "Weekly", ""},
		"longest title":    {`{"title":"` + long + `"}`, 201, long, ""},
		"title too long":   {`{"title":"` + long + `x"}`, 400, "", "over 256 characters"},
		"title no text":    {`{"title":7}`, 400, "", "title"},
		"unknown key":      {`{"title":"a","colour":"red"}`, 400, "", "colour"},
		"other case":       {`{"Title":"a"}`, 400, "", "Title"},
		"twice":            {`{"title":"a","title":"b"}`, 400, "", "title"},
		"null":             {"null", 400, "", "no object"},
		"list":             {`[{"title":"a"}]`, 400, "", "no object"},
		"text":             {`"Weekly"`, 400, "", "no object"},
		"no JSON":          {"title=Weekly", 400, "", "no object"},
		"cut off":          {`{"title":"Wee`, 400, "", "title"},
		"object after it":  {`{"title":"a"}{"title":"b"}`, 400, "", "after"},
		"bracket after it": {`{"title":"a"}]`, 400, "", "after"},
		"brace after it":   {`{"title":"a"}}`, 400, "", "after"},
		"letters after it": {`{"title":"a"} x`, 400, "", "after"},
		"no UTF-8":         {"{\"title\":\"\xff\"}", 400, "", "UTF-8"},
		"as large as can be": {
			`{"title":"a"}` + strings.Repeat(" ", maxBody-len(`{"title":"a"}`)), 201, "a", "",
		},
		"too large":          {`{"title":"a"}` + strings.Repeat(" ", maxBody), 413, "", "65536 bytes"},
		"too large and long": {`{"title":"` + strings.Repeat("a", maxBody) + `"}`, 413, "", "65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			calls, got := 0, ""
			m := table()
			m.watch = func(_ context.Context, _, title string) (bool, error) {
				calls++
				got = title
				return true, nil
			}
			resp := request(t, Options{Meetings: m}, http.MethodPut, "/v1/meetings/a", c.body)
			if c.status >= 400 {
				assert.Contains(t, problemOf(t, resp, c.status), c.says)
				assert.Zero(t, calls, "a refused request changes nothing")
				return
			}
			jsonOf[meetingBody](t, resp, c.status)
			assert.Equal(t, c.title, got)
			assert.Equal(t, 1, calls)
		})
	}
}

func TestPutIgnoresWhatTheBodySaysItIs(t *testing.T) {
	for _, contentType := range []string{"", "application/json", "application/x-www-form-urlencoded", "text/xml", "nonsense"} {
		t.Run(contentType, func(t *testing.T) {
			resp := request(t, Options{Meetings: table()}, http.MethodPut, "/v1/meetings/a", `{"title":"Weekly"}`,
				func(r *http.Request) { r.Header.Set("Content-Type", contentType) })
			assert.Equal(t, "Weekly", jsonOf[meetingBody](t, resp, http.StatusCreated).Title)
		})
	}
}

func TestPutOfAMeetingThatIsOverAtOnce(t *testing.T) {
	m := table()
	m.watch = func(context.Context, string, string) (bool, error) { return true, nil }
	resp := request(t, Options{Meetings: m}, http.MethodPut, "/v1/meetings/a", `{"title":"Weekly"}`)
	body := jsonOf[meetingBody](t, resp, http.StatusCreated)
	assert.Equal(t, "Weekly", body.Title)
	assert.Equal(t, "watched", body.State)
}

// brokenBody fails while it is read.
type brokenBody struct{ io.Reader }

func (brokenBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
func (brokenBody) Close() error             { return nil }

func TestPutWhoseBodyBreaksOff(t *testing.T) {
	m := table()
	m.watch = func(context.Context, string, string) (bool, error) {
		t.Error("half a request was acted on")
		return false, nil
	}
	resp := request(t, Options{Meetings: m}, http.MethodPut, "/v1/meetings/a", "",
		func(r *http.Request) { r.Body = brokenBody{} })
	assert.Contains(t, problemOf(t, resp, http.StatusBadRequest), "cannot be read")
}
