package simulator

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

const members = "/v1.0/conference/videoConferences/m/members"

// faulty serves a meeting of ten people, after its first second, with faults.
func faulty(t *testing.T, faults ...fault.Fault) *remote {
	t.Helper()
	s, clock := play(t, crowded(9)+"      - {nick: Gil, guest: true, visits: [{from: 1s}]}\n")
	r := serve(t, s)
	clock.at(time.Second)
	_, err := s.AddFaults(faults...)
	require.NoError(t, err)
	return r
}

func TestErrorReplies(t *testing.T) {
	tests := []struct {
		kind   fault.Kind
		status int
		code   string
	}{
		{fault.QPSApp, 403, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"},
		{fault.QPMApp, 403, "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi"},
		{fault.QPSAPI, 403, "Forbidden.AccessDenied.QpsLimitForApi"},
		{fault.QPSSuite, 403, "Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi"},
		{fault.Quota, 403, "Forbidden.AccessDenied.ApiCountLimitForOrg"},
		{fault.Busy, 429, "system.busy"},
		{fault.SystemError, 500, "systemError"},
		{fault.NotFound, 404, "roomNotFound"},
		{fault.Denied, 403, "noPermission"},
		{fault.ParamError, 400, "paramError"},
		{fault.MissingRoom, 400, "missingRoomId"},
		{fault.BadToken, 400, "InvalidAuthentication"},
	}
	paths := map[fault.Class]string{
		fault.ClassMembers: members, fault.ClassInfo: "/v1.0/conference/videoConferences/m", fault.ClassOrg: "/v1.0/conference/orgConferences",
	}
	for _, test := range tests {
		t.Run(string(test.kind), func(t *testing.T) {
			r := faulty(t, fault.Fault{Kind: test.kind})
			for _, path := range paths {
				r.get(path).fails(test.status, test.code)
			}
			r.post("/v1.0/oauth2/accessToken", nil).fails(test.status, test.code)
			r.post("/v1.0/conference/videoConferences/query", nil).fails(test.status, test.code)

			r.sim.ClearFaults()
			_, err := r.sim.AddFaults(fault.Fault{Kind: test.kind, Status: 418, RetryAfter: 7})
			require.NoError(t, err)
			res := r.get(members)
			res.fails(418, test.code)
			assert.Equal(t, "7", res.header.Get("Retry-After"))
		})
	}
}

func TestRepliesThatAreNoErrors(t *testing.T) {
	tests := map[string]struct {
		fault       fault.Fault
		status      int
		contentType string
		contains    string
	}{
		"html":                  {fault.Fault{Kind: fault.HTML}, 200, "text/html;charset=utf-8", "<html>"},
		"html with 403":         {fault.Fault{Kind: fault.HTML, Status: 403}, 403, "text/html;charset=utf-8", "<html>"},
		"address block":         {fault.Fault{Kind: fault.Block}, 200, jsonType, `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"`},
		"address block, 403":    {fault.Fault{Kind: fault.Block, Status: 403}, 403, jsonType, `"status":1111`},
		"something else":        {fault.Fault{Kind: fault.OtherJSON}, 200, jsonType, `"success":true`},
		"of another type":       {fault.Fault{Kind: fault.ContentType}, 200, "text/html;charset=utf-8", `"totalCount":10`},
		"huge":                  {fault.Fault{Kind: fault.Huge, Bytes: 200_000}, 200, jsonType, "xxxx"},
		"of an unknown gateway": {fault.Fault{Kind: fault.HTML, Status: 502}, 502, "text/html;charset=utf-8", "blocked"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			res := faulty(t, test.fault).get(members)
			assert.Equal(t, test.status, res.status)
			assert.Equal(t, test.contentType, res.header.Get("Content-Type"))
			assert.Contains(t, string(res.body), test.contains)
			if test.fault.Kind == fault.Huge {
				assert.Len(t, res.body, 200_000)
				assert.True(t, json.Valid(res.body))
			}
		})
	}
}

func TestDamagedBodies(t *testing.T) {
	whole := faulty(t).get(members).body
	t.Run("empty", func(t *testing.T) {
		res := faulty(t, fault.Fault{Kind: fault.Empty}).get(members)
		assert.Equal(t, 200, res.status)
		assert.Empty(t, res.body)
	})
	t.Run("truncated", func(t *testing.T) {
		res := faulty(t, fault.Fault{Kind: fault.Truncated}).get(members)
		assert.Equal(t, whole[:len(whole)/2], res.body)
	})
	t.Run("cut", func(t *testing.T) {
		res, err := faulty(t, fault.Fault{Kind: fault.Cut}).try("GET", members, nil)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Equal(t, 200, res.status)
	})
	t.Run("gzip", func(t *testing.T) {
		r := faulty(t, fault.Fault{Kind: fault.Gzip})
		r.client.Transport.(*http.Transport).DisableCompression = true // it would unpack by itself
		res := r.get(members)
		assert.Equal(t, "gzip", res.header.Get("Content-Encoding"))
		zr, err := gzip.NewReader(bytes.NewReader(res.body))
		require.NoError(t, err)
		got, err := io.ReadAll(zr)
		require.NoError(t, err)
		assert.Equal(t, whole, got)
	})
	t.Run("reset", func(t *testing.T) {
		_, err := faulty(t, fault.Fault{Kind: fault.Reset}).try("GET", members, nil)
		assert.True(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF), "%v", err)
	})
	t.Run("reset over TLS", func(t *testing.T) {
		r := faulty(t, fault.Fault{Kind: fault.Reset})
		server := httptest.NewTLSServer(r.sim.Handler())
		t.Cleanup(server.Close)
		r.url, r.client = server.URL, server.Client()
		_, err := r.try("GET", members, nil)
		assert.Error(t, err)
	})
	t.Run("reset over HTTP/2", func(t *testing.T) {
		r := faulty(t, fault.Fault{Kind: fault.Reset})
		server := httptest.NewUnstartedServer(r.sim.Handler())
		server.EnableHTTP2 = true
		server.StartTLS()
		t.Cleanup(server.Close)
		r.url, r.client = server.URL, server.Client()
		_, err := r.try("GET", members, nil)
		assert.ErrorContains(t, err, "INTERNAL_ERROR")
	})
}

func TestHangAndDelay(t *testing.T) {
	for name, f := range map[string]fault.Fault{
		"hang":       {Kind: fault.Hang, Next: 1},
		"long delay": {Kind: fault.Delay, Delay: history.Duration(time.Hour), Next: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := faulty(t, f)
			ctx, cancel := context.WithCancel(t.Context())
			req, err := http.NewRequestWithContext(ctx, "GET", r.url+members, nil)
			require.NoError(t, err)
			failed := make(chan error, 1)
			go func() {
				resp, err := r.client.Do(req)
				if err == nil {
					resp.Body.Close()
				}
				failed <- err
			}()
			require.Eventually(t, func() bool { return r.sim.Stats().Faults[f.Kind] == 1 }, patience, time.Millisecond)
			cancel()
			require.ErrorIs(t, <-failed, context.Canceled)
			require.Eventually(t, func() bool { return r.sim.Stats().Classes[fault.ClassMembers].Statuses[0] == 1 }, patience, time.Millisecond,
				"the call ends when the client gives up")
			r.get(members).into(new(memberPage))
		})
	}
	t.Run("short delay", func(t *testing.T) {
		r := faulty(t, fault.Fault{Kind: fault.Delay, Delay: history.Duration(30 * time.Millisecond)}, fault.Fault{Kind: fault.SystemError})
		begun := time.Now()
		r.get(members).fails(500, "systemError")
		assert.GreaterOrEqual(t, time.Since(begun), 30*time.Millisecond, "a delay goes with another fault")
	})
}

// loose is a page in which anything may be anything.
type loose struct {
	MemberModels []map[string]any `json:"memberModels"`
	NextToken    any              `json:"nextToken"`
	TotalCount   int              `json:"totalCount"`
	ServerHint   any              `json:"serverHint"`
}

func TestChangedPages(t *testing.T) {
	const firstOfTwo = members + "?maxResults=6"
	tests := map[string]struct {
		fault fault.Fault
		path  string
		check func(t *testing.T, honest, got loose)
	}{
		"repeated token": {fault.Fault{Kind: fault.RepeatToken}, firstOfTwo, func(t *testing.T, honest, got loose) {
			from, ok := parsePageToken(got.NextToken.(string), "m")
			assert.True(t, ok)
			assert.Zero(t, from, "it leads to the first page again")
			assert.NotEqual(t, honest.NextToken, got.NextToken)
		}},
		"token 0":              {fault.Fault{Kind: fault.ZeroToken}, firstOfTwo, func(t *testing.T, _, got loose) { assert.Equal(t, "0", got.NextToken) }},
		"token 0 on the last":  {fault.Fault{Kind: fault.ZeroToken}, members, func(t *testing.T, _, got loose) { assert.Equal(t, "0", got.NextToken) }},
		"missing token":        {fault.Fault{Kind: fault.MissingToken}, firstOfTwo, func(t *testing.T, _, got loose) { assert.Nil(t, got.NextToken) }},
		"wrong total":          {fault.Fault{Kind: fault.WrongTotal}, members, func(t *testing.T, _, got loose) { assert.Equal(t, 11, got.TotalCount) }},
		"missing rows":         {fault.Fault{Kind: fault.MissingRows, Share: 0.3}, members, func(t *testing.T, _, got loose) { assert.Less(t, len(got.MemberModels), 10) }},
		"at least one missing": {fault.Fault{Kind: fault.MissingRows, Share: 1e-12}, members, func(t *testing.T, _, got loose) { assert.Len(t, got.MemberModels, 9) }},
		"all rows missing":     {fault.Fault{Kind: fault.MissingRows, Share: 1}, members, func(t *testing.T, _, got loose) { assert.Equal(t, []map[string]any{}, got.MemberModels) }},
		"another order": {fault.Fault{Kind: fault.Shuffle}, members, func(t *testing.T, honest, got loose) {
			assert.ElementsMatch(t, honest.MemberModels, got.MemberModels)
			assert.NotEqual(t, honest.MemberModels, got.MemberModels)
		}},
		"unknown status": {fault.Fault{Kind: fault.UnknownStatus, Share: 1}, members, func(t *testing.T, _, got loose) {
			for i, row := range got.MemberModels {
				assert.Equal(t, []float64{0, 7, 99}[i%3], row["attendStatus"])
			}
		}},
		"unknown fields": {fault.Fault{Kind: fault.UnknownFields}, members, func(t *testing.T, _, got loose) {
			assert.NotNil(t, got.ServerHint)
			assert.Equal(t, "0042", got.MemberModels[0]["jobNumber"])
		}},
		"missing fields": {fault.Fault{Kind: fault.MissingFields}, members, func(t *testing.T, _, got loose) {
			assert.NotContains(t, got.MemberModels[0], "host")
			assert.Contains(t, got.MemberModels[0], "joinTime")
		}},
		"chosen fields missing": {fault.Fault{Kind: fault.MissingFields, Fields: []string{"joinTime"}}, members, func(t *testing.T, _, got loose) {
			assert.NotContains(t, got.MemberModels[0], "joinTime")
			assert.Contains(t, got.MemberModels[0], "host")
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := faulty(t)
			var honest, got loose
			r.get(test.path).into(&honest)
			_, err := r.sim.AddFaults(test.fault)
			require.NoError(t, err)
			r.get(test.path).into(&got)
			test.check(t, honest, got)
		})
	}
	t.Run("repeated token of a later page", func(t *testing.T) {
		r := faulty(t)
		var first, second loose
		r.get(firstOfTwo).into(&first)
		_, err := r.sim.AddFaults(fault.Fault{Kind: fault.RepeatToken})
		require.NoError(t, err)
		r.get(firstOfTwo + "&nextToken=" + queryEscaped(first.NextToken.(string))).into(&second)
		assert.Equal(t, first.NextToken, second.NextToken)
	})
	t.Run("cursors that lead nowhere", func(t *testing.T) {
		for kind, want := range map[fault.Kind][]int{
			fault.IgnoredCursor: {6, 6, 6, 6, 6},
			fault.EndlessCursor: {6, 4, 0, 0, 0},
			fault.LastToken:     {6, 4, 0},
			fault.LastObject:    {6, 4, -1},
		} {
			r := faulty(t, fault.Fault{Kind: kind})
			address, tokens := firstOfTwo, map[any]bool{}
			for i, rows := range want {
				var page loose
				r.get(address).into(&page)
				if rows < 0 {
					assert.Equal(t, loose{}, page, kind)
					break
				}
				assert.Len(t, page.MemberModels, rows, kind)
				assert.Equal(t, 10, page.TotalCount, kind)
				if i == len(want)-1 && kind == fault.LastToken {
					assert.Nil(t, page.NextToken)
					break
				}
				assert.False(t, tokens[page.NextToken], "%s: a token twice", kind)
				tokens[page.NextToken] = true
				address = firstOfTwo + "&nextToken=" + queryEscaped(page.NextToken.(string))
			}
		}
	})
	t.Run("invalid UTF-8", func(t *testing.T) {
		body := faulty(t, fault.Fault{Kind: fault.InvalidUTF8}).get(members).body
		assert.False(t, utf8.Valid(body))
		assert.Equal(t, 9, bytes.Count(body, []byte{0xff}), "a guest is known by the nickname and keeps it")
		assert.Contains(t, string(body), "\"N0\xff\"")
	})
}

func TestExpiredTokenIsReallyGone(t *testing.T) {
	for name, status := range map[string]int{"400": 400, "401": 401} {
		t.Run(name, func(t *testing.T) {
			r := faulty(t, fault.Fault{Kind: fault.ExpireToken, Next: 1, Status: status})
			r.get(members).fails(status, "InvalidAuthentication")
			r.get(members).fails(400, "InvalidAuthentication")
			var reply tokenReply
			r.post("/v1.0/oauth2/accessToken", map[string]string{"appKey": DefaultAppKey, "appSecret": DefaultAppSecret}).into(&reply)
			assert.NotEqual(t, r.token, reply.AccessToken)
			r.token = reply.AccessToken
			r.get(members).into(new(memberPage))
		})
	}
}

func TestWhichCallsAFaultHits(t *testing.T) {
	r := faulty(t,
		fault.Fault{Kind: fault.Busy, Calls: []fault.Class{fault.ClassInfo}},
		fault.Fault{Kind: fault.SystemError, Calls: []fault.Class{fault.ClassMembers}, Next: 2},
		fault.Fault{Kind: fault.NotFound, Meeting: "other"})
	info := "/v1.0/conference/videoConferences/m"
	r.get(info).fails(429, "system.busy")
	r.get(members).fails(500, "systemError")
	assert.Equal(t, 1, r.sim.Faults()[1].Next)
	r.get(members).fails(500, "systemError")
	r.get(members).into(new(memberPage))
	r.get(info).fails(429, "system.busy")
	faults := r.sim.Faults()
	require.Len(t, faults, 2, "a fault that has struck its last time is gone")
	assert.Equal(t, []int{1, 3}, []int{faults[0].ID, faults[1].ID})
	stats := r.sim.Stats()
	assert.Equal(t, map[fault.Kind]uint64{fault.Busy: 2, fault.SystemError: 2}, stats.Faults)
	r.sim.ClearFaults()
	assert.Empty(t, r.sim.Faults())
	assert.Equal(t, 200, r.get(info).status)
}

func TestFaultsByChanceAreTheSameForASeed(t *testing.T) {
	run := func() (statuses []int) {
		r := faulty(t, fault.Fault{Kind: fault.SystemError, Probability: 0.5})
		for range 200 {
			statuses = append(statuses, r.get(members).status)
		}
		return statuses
	}
	first := run()
	failed := 0
	for _, status := range first {
		if status == 500 {
			failed++
		}
	}
	assert.InDelta(t, 100, failed, 40)
	assert.Equal(t, first, run())
}

func TestFaultsInTime(t *testing.T) {
	s, clock := play(t, `{speed: 2, meetings: [{id: m}], faults: [{kind: busy, from: 10s, to: 20s}]}`, func(o *Options) {
		o.Faults = []fault.Fault{{Kind: fault.SystemError, From: history.Duration(40 * time.Second)}}
	})
	r := serve(t, s)
	for _, look := range []struct {
		at     time.Duration
		status int
	}{{4999 * time.Millisecond, 200}, {5 * time.Second, 429}, {10 * time.Second, 200}, {19 * time.Second, 200}, {20 * time.Second, 500}} {
		clock.at(look.at)
		assert.Equal(t, look.status, r.get(members).status, "at %s", look.at)
	}
	s.ClearFaults()
	_, err := s.AddFaults(fault.Fault{Kind: fault.HTML, Status: 503, From: history.Duration(2 * time.Second), To: history.Duration(4 * time.Second)})
	require.NoError(t, err)
	assert.Equal(t, 200, r.get(members).status)
	clock.at(21 * time.Second)
	assert.Equal(t, 503, r.get(members).status, "times count from when it was switched on")
	clock.at(22 * time.Second)
	assert.Equal(t, 200, r.get(members).status)
	assert.Empty(t, s.Faults())
}

func TestFaultsAreOnAllOrNone(t *testing.T) {
	s, _ := play(t, quiet)
	_, err := s.AddFaults(fault.Fault{Kind: fault.Busy}, fault.Fault{Kind: fault.Delay})
	require.ErrorIs(t, err, history.ErrScenario)
	assert.ErrorContains(t, err, "faults[1] (delay): delay")
	assert.Empty(t, s.Faults(), "not even the good one is on")
	_, err = s.AddFaults(make([]fault.Fault, fault.Max+1)...)
	require.ErrorIs(t, err, history.ErrScenario)
	many := make([]fault.Fault, fault.Max)
	for i := range many {
		many[i].Kind = fault.Busy
	}
	_, err = s.AddFaults(many...)
	require.NoError(t, err)
	_, err = s.AddFaults(fault.Fault{Kind: fault.Busy})
	require.ErrorIs(t, err, history.ErrScenario)
}
