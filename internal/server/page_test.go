package server

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/peers"
	"github.com/c4342123/rollcall/poller"
)

func TestPageShowsMeetingsAndPeople(t *testing.T) {
	opts := Options{
		Meetings: table(
			state(t, "weekly", "Weekly 周会",
				diff.Row{UnionID: "u9", UserNick: "Zoe", Status: diff.StatusLeft, JoinTime: joined, LeaveTime: joined + 61_000},
				diff.Row{UnionID: "u1", UserNick: "Ann", Host: true, Status: diff.StatusActive, JoinTime: joined},
			),
			state(t, "unnamed", ""),
		),
		Checks: func() []Check { return []Check{{Name: "nats"}, {Name: "dingtalk", Err: errors.New("unavailable")}} },
	}
	resp := request(t, opts, http.MethodGet, "/", "")
	page := bodyOf(t, resp)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, "text/html; charset=utf-8", resp.Header.Get("Content-Type"))
	for _, want := range []string{
		"2 watched meetings", "Weekly 周会</bdi>: 1 present", "unnamed</bdi>: 0 present", `href="/v1/meetings/weekly"`,
		">Ann<", ">host<", ">22:13:20<", ">22:14:21<", "dingtalk: unavailable", `http-equiv="refresh"`,
	} {
		assert.Contains(t, page, want)
	}
	assert.NotContains(t, page, "nats:")
	assert.Less(t, strings.Index(page, ">Ann<"), strings.Index(page, ">Zoe<"), "who is there comes first")
}

func TestPageOfNothing(t *testing.T) {
	assert.Contains(t, bodyOf(t, request(t, Options{Meetings: table()}, http.MethodGet, "/", "")), "Nothing is watched")
}

// What people type cannot become part of the page, and the page cannot do anything but show itself.
func TestPageIsHarmless(t *testing.T) {
	opts := Options{Meetings: table(state(t, "a", `<script>alert("title")</script>`,
		present("u1", `<img src=x onerror=alert(1)>`), present(`u2"><b>`, "")))}
	resp := request(t, opts, http.MethodGet, "/", "")
	page := bodyOf(t, resp)
	for _, never := range []string{"<script", "<img", "<b>", "onerror=alert(1)>", " style=", "javascript:"} {
		assert.NotContains(t, page, never)
	}
	assert.Contains(t, page, "&lt;script&gt;")
	policy := resp.Header.Get("Content-Security-Policy")
	assert.Contains(t, policy, "default-src 'none'")
	assert.Contains(t, policy, "frame-ancestors 'none'")
	assert.NotContains(t, policy, "unsafe")
	assert.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
	assert.Equal(t, "no-store", resp.Header.Get("Cache-Control"))

	_, style, _ := strings.Cut(page, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	assert.Contains(t, policy, styleHash(style), "the policy must let the page's own style through")
}

func TestPageIsBounded(t *testing.T) {
	var rows []diff.Row
	for i := range maxPagePeople + 100 {
		rows = append(rows, present(fmt.Sprintf("u%d", i), fmt.Sprintf("Person %d", i)))
	}
	states := []*diff.State{state(t, "m0", "Large", rows...)}
	for i := 1; i < maxPageMeetings+10; i++ {
		states = append(states, state(t, fmt.Sprintf("m%d", i), "Small"))
	}
	page := bodyOf(t, request(t, Options{Meetings: table(states...)}, http.MethodGet, "/", ""))
	assert.Equal(t, maxPageMeetings, strings.Count(page, "<section>"))
	assert.Equal(t, maxPagePeople, strings.Count(page, "<bdi>Person"))
	assert.Contains(t, page, "300 people in all")
	assert.Contains(t, page, "60 meetings in all")
}

func TestPageWhileAMeetingEnds(t *testing.T) {
	m := table(state(t, "a", "Weekly"))
	m.meeting = func(string) (peers.Meeting, *diff.State, error) { return peers.Meeting{}, nil, poller.ErrNotWatched }
	resp := request(t, Options{Meetings: m}, http.MethodGet, "/", "")
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.NotContains(t, bodyOf(t, resp), "Weekly")
}
