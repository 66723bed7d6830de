package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/stored/forget"
)

// fakePeople notes what it is asked for.
type fakePeople struct {
	who Someone
	req forget.Request
}

func (f *fakePeople) Person(_ context.Context, who Someone) (forget.Person, error) {
	f.who = who
	return forget.Person{UnionID: who.ID, Events: []json.RawMessage{}, Meetings: []forget.Meeting{}}, nil
}

func (f *fakePeople) Erase(_ context.Context, who Someone, req forget.Request) (forget.Answer, error) {
	f.who, f.req = who, req
	return forget.Answer{Meetings: 1, Events: 2, Waiting: []string{"live"}, Unreachable: []string{}}, nil
}

func TestPeople(t *testing.T) {
	t.Parallel()
	people := &fakePeople{}
	opts := Options{Meetings: table(), People: people}
	resp := request(t, opts, http.MethodGet, "/v1/people/union%2Fann", "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	assert.JSONEq(t, `{"unionId":"union/ann","events":[],"meetings":[]}`, bodyOf(t, resp))
	resp = request(t, opts, http.MethodGet, "/v1/people/ann?format=csv", "")
	assert.Contains(t, bodyOf(t, resp), "conferenceId,title,")

	resp = request(t, opts, http.MethodDelete, "/v1/people/ann?reason=asked&by=office&notice=5m", "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	assert.JSONEq(t, `{"meetings":1,"events":2,"waiting":["live"],"unreachable":[]}`, bodyOf(t, resp))
	assert.Equal(t, forget.Request{Reason: "asked", By: "office", Notice: 5 * time.Minute}, people.req)
	resp = request(t, opts, http.MethodDelete, "/v1/people/Vera?meeting=office&dryRun=true", "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, Someone{ID: "Vera", Meeting: "office"}, people.who)
	assert.True(t, people.req.DryRun)
	assert.Equal(t, time.Hour, people.req.Notice)

	for _, query := range []string{"", "?reason=%20", "?reason=x&notice=soon", "?reason=x&notice=-1s", "?dryRun=perhaps", "?reason=x&meeting=a.b", "?reason=x&who=y", "?reason=x&format=csv", "?reason=ann%20asked", "?reason=x&by=ann"} {
		resp := request(t, opts, http.MethodDelete, "/v1/people/ann"+query, "")
		assert.Equal(t, http.StatusBadRequest, resp.StatusCode, query)
	}
	// What belongs to the other method is unknown, too: a GET with a reason erases nobody.
	for _, query := range []string{"?reason=x", "?by=x", "?notice=1h", "?dryRun=true", "?format=xlsx", "?meeting=office&reason=x"} {
		resp := request(t, opts, http.MethodGet, "/v1/people/ann"+query, "")
		assert.Equal(t, http.StatusBadRequest, resp.StatusCode, query)
	}
}
