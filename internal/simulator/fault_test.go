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
)

const members = "/v1.0/conference/videoConferences/m/members"

// faulty serves a meeting of ten people, after its first second, with faults.
func faulty(t *testing.T, faults ...Fault) *remote {
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
		kind   FaultKind
		status int
		code   string
	}{
		{FaultQPSApp, 403, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"},
		{FaultQPMApp, 403, "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi"},
		{FaultQPSAPI, 403, "Forbidden.AccessDenied.QpsLimitForApi"},
		{FaultQPSSuite, 403, "Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi"},
		{FaultQuota, 403, "Forbidden.AccessDenied.ApiCountLimitForOrg"},
		{FaultBusy, 429, "system.busy"},
		{FaultSystemError, 500, "systemError"},
		{FaultNotFound, 404, "roomNotFound"},
		{FaultDenied, 403, "noPermission"},
		{FaultParamError, 400, "paramError"},
		{FaultMissingRoom, 400, "missingRoomId"},
		{FaultBadToken, 400, "InvalidAuthentication"},
	}
	paths := map[Class]string{
		ClassMembers: members, ClassInfo: "/v1.0/conference/videoConferences/m", ClassOrg: "/v1.0/conference/orgConferences",
	}
	for _, test := range tests {
		t.Run(string(test.kind), func(t *testing.T) {
			r := faulty(t, Fault{Kind: test.kind})
			for _, path := range paths {
				r.get(path).fails(test.status, test.code)
			}
			r.post("/v1.0/oauth2/accessToken", nil).fails(test.status, test.code)
			r.post("/v1.0/conference/videoConferences/query", nil).fails(test.status, test.code)

			r.sim.ClearFaults()
			_, err := r.sim.AddFaults(Fault{Kind: test.kind, Status: 418, RetryAfter: 7})
			require.NoError(t, err)
			res := r.get(members)
			res.fails(418, test.code)
			assert.Equal(t, "7", res.header.Get("Retry-After"))
		})
	}
}

func TestRepliesThatAreNoErrors(t *testing.T) {
	tests := map[string]struct {
		fault       Fault
		status      int
		contentType string
		contains    string
	}{
		"html":                  {Fault{Kind: FaultHTML}, 200, "text/html;charset=utf-8", "<html>"},
		"html with 403":         {Fault{Kind: FaultHTML, Status: 403}, 403, "text/html;charset=utf-8", "<html>"},
		"address block":         {Fault{Kind: FaultBlock}, 200, jsonType, `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"`},
		"address block, 403":    {Fault{Kind: FaultBlock, Status: 403}, 403, jsonType, `"status":1111`},
		"something else":        {Fault{Kind: FaultOtherJSON}, 200, jsonType, `"success":true`},
		"of another type":       {Fault{Kind: FaultContentType}, 200, "text/html;charset=utf-8", `"totalCount":10`},
		"huge":                  {Fault{Kind: FaultHuge, Bytes: 200_000}, 200, jsonType, "xxxx"},
		"of an unknown gateway": {Fault{Kind: FaultHTML, Status: 502}, 502, "text/html;charset=utf-8", "blocked"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			res := faulty(t, test.fault).get(members)
			assert.Equal(t, test.status, res.status)
			assert.Equal(t, test.contentType, res.header.Get("Content-Type"))
			assert.Contains(t, string(res.body), test.contains)
			if test.fault.Kind == FaultHuge {
				assert.Len(t, res.body, 200_000)
				assert.True(t, json.Valid(res.body))
			}
		})
	}
}

func TestDamagedBodies(t *testing.T) {
	whole := faulty(t).get(members).body
	t.Run("empty", func(t *testing.T) {
		res := faulty(t, Fault{Kind: FaultEmpty}).get(members)
		assert.Equal(t, 200, res.status)
		assert.Empty(t, res.body)
	})
	t.Run("truncated", func(t *testing.T) {
		res := faulty(t, Fault{Kind: FaultTruncated}).get(members)
		assert.Equal(t, whole[:len(whole)/2], res.body)
	})
	t.Run("cut", func(t *testing.T) {
		res, err := faulty(t, Fault{Kind: FaultCut}).try("GET", members, nil)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Equal(t, 200, res.status)
	})
	t.Run("gzip", func(t *testing.T) {
		r := faulty(t, Fault{Kind: FaultGzip})
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
		_, err := faulty(t, Fault{Kind: FaultReset}).try("GET", members, nil)
		assert.True(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF), "%v", err)
	})
	t.Run("reset over TLS", func(t *testing.T) {
		r := faulty(t, Fault{Kind: FaultReset})
		server := httptest.NewTLSServer(r.sim.Handler())
		t.Cleanup(server.Close)
		r.url, r.client = server.URL, server.Client()
		_, err := r.try("GET", members, nil)
		assert.Error(t, err)
	})
	t.Run("reset over HTTP/2", func(t *testing.T) {
		r := faulty(t, Fault{Kind: FaultReset})
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
	for name, fault := range map[string]Fault{
		"hang":       {Kind: FaultHang, Next: 1},
		"long delay": {Kind: FaultDelay, Delay: Duration(time.Hour), Next: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := faulty(t, fault)
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
			require.Eventually(t, func() bool { return r.sim.Stats().Faults[fault.Kind] == 1 }, patience, time.Millisecond)
			cancel()
			require.ErrorIs(t, <-failed, context.Canceled)
			require.Eventually(t, func() bool { return r.sim.Stats().Classes[ClassMembers].Statuses[0] == 1 }, patience, time.Millisecond,
				"the call ends when the client gives up")
			r.get(members).into(new(memberPage))
		})
	}
	t.Run("short delay", func(t *testing.T) {
		r := faulty(t, Fault{Kind: FaultDelay, Delay: Duration(30 * time.Millisecond)}, Fault{Kind: FaultSystemError})
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
		fault Fault
		path  string
		check func(t *testing.T, honest, got loose)
	}{
		"repeated token": {Fault{Kind: FaultRepeatToken}, firstOfTwo, func(t *testing.T, honest, got loose) {
			from, ok := parsePageToken(got.NextToken.(string), "m")
			assert.True(t, ok)
			assert.Zero(t, from, "it leads to the first page again")
			assert.NotEqual(t, honest.NextToken, got.NextToken)
		}},
		"token 0":              {Fault{Kind: FaultZeroToken}, firstOfTwo, func(t *testing.T, _, got loose) { assert.Equal(t, "0", got.NextToken) }},
		"token 0 on the last":  {Fault{Kind: FaultZeroToken}, members, func(t *testing.T, _, got loose) { assert.Equal(t, "0", got.NextToken) }},
		"missing token":        {Fault{Kind: FaultMissingToken}, firstOfTwo, func(t *testing.T, _, got loose) { assert.Nil(t, got.NextToken) }},
		"wrong total":          {Fault{Kind: FaultWrongTotal}, members, func(t *testing.T, _, got loose) { assert.Equal(t, 11, got.TotalCount) }},
		"missing rows":         {Fault{Kind: FaultMissingRows, Share: 0.3}, members, func(t *testing.T, _, got loose) { assert.Less(t, len(got.MemberModels), 10) }},
		"at least one missing": {Fault{Kind: FaultMissingRows, Share: 1e-12}, members, func(t *testing.T, _, got loose) { assert.Len(t, got.MemberModels, 9) }},
		"all rows missing":     {Fault{Kind: FaultMissingRows, Share: 1}, members, func(t *testing.T, _, got loose) { assert.Equal(t, []map[string]any{}, got.MemberModels) }},
		"another order": {Fault{Kind: FaultShuffle}, members, func(t *testing.T, honest, got loose) {
			assert.ElementsMatch(t, honest.MemberModels, got.MemberModels)
			assert.NotEqual(t, honest.MemberModels, got.MemberModels)
		}},
		"unknown status": {Fault{Kind: FaultUnknownStatus, Share: 1}, members, func(t *testing.T, _, got loose) {
			for i, row := range got.MemberModels {
				assert.Equal(t, []float64{0, 7, 99}[i%3], row["attendStatus"])
			}
		}},
		"unknown fields": {Fault{Kind: FaultUnknownFields}, members, func(t *testing.T, _, got loose) {
			assert.NotNil(t, got.ServerHint)
			assert.Equal(t, "0042", got.MemberModels[0]["jobNumber"])
		}},
		"missing fields": {Fault{Kind: FaultMissingFields}, members, func(t *testing.T, _, got loose) {
			assert.NotContains(t, got.MemberModels[0], "host")
			assert.Contains(t, got.MemberModels[0], "joinTime")
		}},
		"chosen fields missing": {Fault{Kind: FaultMissingFields, Fields: []string{"joinTime"}}, members, func(t *testing.T, _, got loose) {
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
		_, err := r.sim.AddFaults(Fault{Kind: FaultRepeatToken})
		require.NoError(t, err)
		r.get(firstOfTwo + "&nextToken=" + queryEscaped(first.NextToken.(string))).into(&second)
		assert.Equal(t, first.NextToken, second.NextToken)
	})
	t.Run("cursors that lead nowhere", func(t *testing.T) {
		for kind, want := range map[FaultKind][]int{
			FaultIgnoredCursor: {6, 6, 6, 6, 6},
			FaultEndlessCursor: {6, 4, 0, 0, 0},
			FaultLastToken:     {6, 4, 0},
			FaultLastObject:    {6, 4, -1},
		} {
			r := faulty(t, Fault{Kind: kind})
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
				if i == len(want)-1 && kind == FaultLastToken {
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
		body := faulty(t, Fault{Kind: FaultInvalidUTF8}).get(members).body
		assert.False(t, utf8.Valid(body))
		assert.Equal(t, 9, bytes.Count(body, []byte{0xff}), "a guest is known by the nickname and keeps it")
		assert.Contains(t, string(body), "\"N0\xff\"")
	})
}

func TestExpiredTokenIsReallyGone(t *testing.T) {
	for name, status := range map[string]int{"400": 400, "401": 401} {
		t.Run(name, func(t *testing.T) {
			r := faulty(t, Fault{Kind: FaultExpireToken, Next: 1, Status: status})
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
		Fault{Kind: FaultBusy, Calls: []Class{ClassInfo}},
		Fault{Kind: FaultSystemError, Calls: []Class{ClassMembers}, Next: 2},
		Fault{Kind: FaultNotFound, Meeting: "other"})
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
	assert.Equal(t, map[FaultKind]uint64{FaultBusy: 2, FaultSystemError: 2}, stats.Faults)
	r.sim.ClearFaults()
	assert.Empty(t, r.sim.Faults())
	assert.Equal(t, 200, r.get(info).status)
}

func TestFaultsByChanceAreTheSameForASeed(t *testing.T) {
	run := func() (statuses []int) {
		r := faulty(t, Fault{Kind: FaultSystemError, Probability: 0.5})
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
		o.Faults = []Fault{{Kind: FaultSystemError, From: Duration(40 * time.Second)}}
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
	_, err := s.AddFaults(Fault{Kind: FaultHTML, Status: 503, From: Duration(2 * time.Second), To: Duration(4 * time.Second)})
	require.NoError(t, err)
	assert.Equal(t, 200, r.get(members).status)
	clock.at(21 * time.Second)
	assert.Equal(t, 503, r.get(members).status, "times count from when it was switched on")
	clock.at(22 * time.Second)
	assert.Equal(t, 200, r.get(members).status)
	assert.Empty(t, s.Faults())
}

func TestFaultMistakes(t *testing.T) {
	s, _ := play(t, quiet)
	for want, fault := range map[string]Fault{
		"no such kind":             {Kind: "fire"},
		"next is negative":         {Kind: FaultBusy, Next: -1},
		"probability is 2":         {Kind: FaultBusy, Probability: 2},
		"exclude each other":       {Kind: FaultBusy, Next: 1, Probability: 0.5},
		"share is -1":              {Kind: FaultMissingRows, Share: -1},
		"not after it begins":      {Kind: FaultBusy, From: Duration(time.Second), To: Duration(time.Second)},
		"status 99":                {Kind: FaultBusy, Status: 99},
		"no status to change":      {Kind: FaultReset, Status: 500},
		"delay is missing":         {Kind: FaultDelay},
		"retryAfter":               {Kind: FaultBusy, RetryAfter: -1},
		"bytes":                    {Kind: FaultHuge, Bytes: -1},
		`no calls of class "x"`:    {Kind: FaultBusy, Calls: []Class{"x"}},
		`calls of class "info"`:    {Kind: FaultShuffle, Calls: []Class{ClassInfo}},
		`calls of class "webhook"`: {Kind: FaultBusy, Calls: []Class{ClassWebhook}},
		`calls of class "members"`: {Kind: FaultPushLost, Calls: []Class{ClassMembers}},
		`calls of class "stream"`:  {Kind: FaultPushForged, Calls: []Class{ClassStream}},
		"(push-delayed): delay":    {Kind: FaultPushDelayed},
		"faults[1] (delay): delay": {Kind: FaultDelay},
	} {
		t.Run(want, func(t *testing.T) {
			_, err := s.AddFaults(Fault{Kind: FaultBusy}, fault)
			require.ErrorIs(t, err, ErrScenario)
			assert.ErrorContains(t, err, want)
			assert.Empty(t, s.Faults(), "not even the good one is on")
		})
	}
	_, err := s.AddFaults(make([]Fault, maxFaults+1)...)
	require.ErrorIs(t, err, ErrScenario)
	many := make([]Fault, maxFaults)
	for i := range many {
		many[i].Kind = FaultBusy
	}
	_, err = s.AddFaults(many...)
	require.NoError(t, err)
	_, err = s.AddFaults(Fault{Kind: FaultBusy})
	require.ErrorIs(t, err, ErrScenario)
}

func TestEveryKindOfFaultIsKnown(t *testing.T) {
	for _, kind := range FaultKinds() {
		f := Fault{Kind: FaultKind(kind)}
		if f.Kind == FaultDelay || f.Kind == FaultPushDelayed {
			f.Delay = 1
		}
		assert.NoError(t, f.validate("here"), kind)
	}
	assert.Len(t, FaultKinds(), 65)
}
