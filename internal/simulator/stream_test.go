package simulator

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

func TestOpenAConnection(t *testing.T) {
	r := streaming(t)
	body := openRequest(r.sim)
	for key, wrong := range map[string]any{"clientId": "x", "clientSecret": "x"} {
		bad := openRequest(r.sim)
		bad[key] = wrong
		r.post(openPath, bad).fails(http.StatusUnauthorized, "authFailed")
	}
	body["subscriptions"] = nil
	r.post(openPath, body).fails(http.StatusBadRequest, "paramError")
	r.post(openPath, "no object").fails(http.StatusBadRequest, "paramError")
	assert.Equal(t, 404, r.get(openPath).status)
	assert.Equal(t, uint64(4), r.sim.Stats().Classes[fault.ClassGateway].Calls)

	_, err := r.sim.AddFaults(fault.Fault{Kind: fault.Busy, Calls: []fault.Class{fault.ClassGateway}, Next: 1})
	require.NoError(t, err)
	r.post(openPath, openRequest(r.sim)).fails(429, "system.busy")
	r.connect(success)

	secure := httptest.NewTLSServer(r.sim.Handler())
	t.Cleanup(secure.Close)
	resp, err := secure.Client().Post(secure.URL+openPath, "application/json", strings.NewReader(string(encoded(openRequest(r.sim)))))
	require.NoError(t, err)
	defer resp.Body.Close()
	var reply struct{ Endpoint string }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&reply))
	assert.Equal(t, "wss"+secure.URL[len("https"):]+"/connect", reply.Endpoint)
}

// refused requires that a connection is refused with a status.
func refused(t *testing.T, url string, status int) {
	t.Helper()
	ws, resp, err := websocket.Dial(t.Context(), url, nil)
	if err == nil {
		_ = ws.CloseNow()
	}
	require.Error(t, err)
	require.Equal(t, status, resp.StatusCode)
}

func TestTickets(t *testing.T) {
	s, clock := play(t, quiet)
	runPushes(t, s)
	r := serve(t, s)
	url := r.ticketFor()
	ws, _, err := websocket.Dial(t.Context(), url, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = ws.CloseNow() })
	refused(t, url, http.StatusUnauthorized)
	refused(t, url+"x", http.StatusUnauthorized)
	old, young := r.ticketFor(), ""
	clock.at(time.Second)
	young = r.ticketFor()
	clock.at(DefaultTicketLife)
	refused(t, old, http.StatusUnauthorized)
	ws2, _, err := websocket.Dial(t.Context(), young, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = ws2.CloseNow() })
	clock.at(time.Hour)
	r.ticketFor()
	assert.Len(t, s.gateway.tickets, 1, "those that have expired are forgotten")
	for range maxTickets - 1 {
		s.gateway.tickets[strings.Repeat("x", len(s.gateway.tickets))] = ticket{expires: clock.now().Add(time.Second)}
	}
	r.post(openPath, openRequest(s)).fails(429, "system.busy")
}

func TestNoConnectionWithoutPushes(t *testing.T) {
	s, _ := play(t, quiet)
	refused(t, serve(t, s).ticketFor(), http.StatusServiceUnavailable)
}

func TestEventsOverTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := streaming(t)
		do(t, r.sim, "join Cat")
		c := r.connect(success)
		do(t, r.sim, "join Ann", "leave Ann")
		got := c.waits(frameEvent, 2)
		settled(t, r.sim, fault.ClassStream, WayStats{Pushes: 2, Sent: 2, Acknowledged: 2})
		assert.Equal(t, 1, r.sim.Stats().Pushes.Connections)
		h := got[0].Headers
		assert.Equal(t, "1.0", got[0].SpecVersion)
		assert.Equal(t, "*", h["topic"])
		assert.Equal(t, "application/json", h["contentType"])
		assert.Equal(t, memberEvent, h["eventType"])
		assert.Equal(t, DefaultCorpID, h["eventCorpId"])
		assert.Equal(t, DefaultAppKey, h["eventUnifiedAppId"])
		assert.Len(t, h["eventId"], 32)
		assert.NotEmpty(t, h["messageId"])
		assert.NotEmpty(t, h["time"])
		var data map[string]any
		require.NoError(t, json.Unmarshal([]byte(got[0].Data), &data))
		assert.ElementsMatch(t, []string{"openMemberModels", "statusSeqNum", "changeScene"}, keys(data), "the business fields only")
		member := data["openMemberModels"].([]any)[0].(map[string]any)
		assert.Equal(t, "Ann", member["userId"])
		joined, err := json.Marshal(int64(member["joinTime"].(float64)))
		require.NoError(t, err)
		assert.Equal(t, h["eventBornTime"], string(joined))
		assert.NotEqual(t, h["messageId"], got[1].Headers["messageId"])
	})
}

func keys(m map[string]any) []string {
	var out []string
	for key := range m {
		out = append(out, key)
	}
	return out
}

func TestWebhookAndStreamTogether(t *testing.T) {
	hook := receive(t)
	settings := hooked(hook)
	settings.Stream.AckTimeout = history.Duration(patience)
	settings.Push.Monthly = 5
	s := pushing(t, settings)
	c := serve(t, s).connect(success)
	do(t, s, "join Ann", "join Bob", "join Cat")
	hook.gets("user_join Ann", "user_join Bob", "user_join Cat")
	got := c.waits(frameEvent, 2)
	assert.Equal(t, hook.all()[0].event.EventID, got[0].Headers["eventId"])
	settled(t, s, fault.ClassStream, WayStats{Pushes: 2, Sent: 2, Acknowledged: 2, OverQuota: 1})
}

func TestSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := streaming(t)
		meetings, members := r.connect(success, meetingEvent), r.connect(success, memberEvent, "other")
		do(t, r.sim, "join Ann", "end")
		assert.Equal(t, memberEvent, members.waits(frameEvent, 1)[0].Headers["topic"])
		assert.Equal(t, meetingEvent, meetings.waits(frameEvent, 1)[0].Headers["topic"])
		settled(t, r.sim, fault.ClassStream, WayStats{Pushes: 2, Sent: 2, Acknowledged: 2})
	})
}

func TestRedelivery(t *testing.T) {
	tests := map[string]func(frame) *response{
		"no answer": func(frame) *response { return nil },
		"LATER": func(f frame) *response {
			r := success(f)
			r.Data = `{"status":"LATER"}`
			return r
		},
		"another code": func(f frame) *response {
			r := success(f)
			r.Code = 500
			return r
		},
		"no status": func(f frame) *response {
			r := success(f)
			r.Data = ""
			return r
		},
		"another message": func(f frame) *response {
			r := success(f)
			r.Headers["messageId"] = "x"
			return r
		},
	}
	for name, answer := range tests {
		t.Run(name, timeless(func(t *testing.T) {
			r := streaming(t)
			var times atomic.Int32
			c := r.connect(func(f frame) *response {
				if times.Add(1) <= 2 {
					return answer(f)
				}
				return success(f)
			})
			do(t, r.sim, "join Ann")
			got := c.waits(frameEvent, 3)
			settled(t, r.sim, fault.ClassStream, WayStats{Pushes: 1, Sent: 3, Acknowledged: 1, Refused: 2})
			assert.Equal(t, got[0].Headers["eventId"], got[2].Headers["eventId"])
			assert.Equal(t, got[0].Data, got[2].Data)
		}))
	}
}

func TestRedeliveryEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := streamingWith(t, StreamSettings{Deliveries: 3})
		c := r.connect(func(frame) *response { return nil })
		do(t, r.sim, "join Ann")
		settled(t, r.sim, fault.ClassStream, WayStats{Pushes: 1, Sent: 3, Refused: 3, GivenUp: 1})
		c.waits(frameEvent, 3)
	})
}

func TestEventsWaitForAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := streaming(t)
		c := r.connect(success)
		require.NoError(t, c.ws.Close(websocket.StatusNormalClosure, ""))
		require.Eventually(t, func() bool { return r.sim.Stats().Pushes.Connections == 0 }, patience, time.Millisecond)
		do(t, r.sim, "join Ann")
		r.connect(success).waits(frameEvent, 1)
		settled(t, r.sim, fault.ClassStream, WayStats{Pushes: 1, Sent: 1, Acknowledged: 1})
	})
}

func TestSeveralConnectionsShareTheEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := streaming(t)
		a, b := r.connect(success), r.connect(success)
		for range 20 {
			do(t, r.sim, "join Ann", "leave Ann")
		}
		settled(t, r.sim, fault.ClassStream, WayStats{Pushes: 40, Sent: 40, Acknowledged: 40})
		assert.Len(t, append(a.of(frameEvent), b.of(frameEvent)...), 40)
		assert.Greater(t, len(a.of(frameEvent)), 5)
		assert.Greater(t, len(b.of(frameEvent)), 5)
	})
}

func TestPings(t *testing.T) {
	fast := StreamSettings{PingEvery: history.Duration(10 * time.Millisecond)}
	t.Run("answered", timeless(func(t *testing.T) {
		c := streamingWith(t, fast).connect(success)
		require.Eventually(t, func() bool { return len(c.of(topicPing)) > 15 }, patience, time.Millisecond)
		ping := c.of(topicPing)[0]
		assert.Equal(t, frameSystem, ping.Type)
		assert.True(t, json.Valid([]byte(ping.Data)))
	}))
	for name, answer := range map[string]func(frame) *response{
		"not answered": func(frame) *response { return nil },
		"answered with something else": func(f frame) *response {
			r := success(f)
			r.Data = "{}"
			return r
		},
	} {
		t.Run(name, timeless(func(t *testing.T) { streamingWith(t, fast).connect(answer).isClosed() }))
	}
	t.Run("not expected to be answered", timeless(func(t *testing.T) {
		fast := fast
		fast.IgnorePings, fast.AckTimeout = true, history.Duration(time.Millisecond)
		c := streamingWith(t, fast).connect(func(frame) *response { return nil })
		require.Eventually(t, func() bool { return len(c.of(topicPing)) > 5 }, patience, time.Millisecond)
	}))
}

func TestStreamPushFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := streaming(t, fault.Fault{Kind: fault.PushLost, Next: 1}, fault.Fault{Kind: fault.PushForged})
		c := r.connect(success)
		do(t, r.sim, "join Ann")
		settled(t, r.sim, fault.ClassStream, WayStats{Pushes: 1})
		for _, kind := range []fault.Kind{fault.PushDoubled, fault.PushNoUser, fault.PushUnknownType} {
			_, err := r.sim.AddFaults(fault.Fault{Kind: kind, Next: 1})
			require.NoError(t, err)
		}
		do(t, r.sim, "leave Ann")
		got := c.waits(frameEvent, 2)
		assert.Equal(t, got[0].Headers["eventId"], got[1].Headers["eventId"])
		assert.NotEqual(t, got[0].Headers["messageId"], got[1].Headers["messageId"])
		assert.Equal(t, unknownEvent, got[0].Headers["eventType"])
		assert.Contains(t, got[0].Data, `"userId":""`)

		_, err := r.sim.AddFaults(fault.Fault{Kind: fault.PushTruncated, Next: 1})
		require.NoError(t, err)
		do(t, r.sim, "join Ann")
		require.Eventually(t, func() bool {
			n := 0
			c.note(func() { n = len(c.texts) })
			return n > 2
		}, patience, time.Millisecond, "a damaged frame is damaged whenever it is sent")
	})
}

func TestStreamFaults(t *testing.T) {
	t.Run("disconnect", timeless(func(t *testing.T) {
		r := streaming(t, fault.Fault{Kind: fault.StreamDisconnect, Next: 1})
		c, other := r.connect(success), r.connect(success)
		do(t, r.sim, "join Ann")
		require.Eventually(t, func() bool { return r.sim.Stats().Pushes.Connections == 1 }, patience, time.Millisecond)
		settled(t, r.sim, fault.ClassStream, WayStats{Pushes: 1, Sent: 1, Acknowledged: 1})
		if len(c.of(frameEvent)) == 0 {
			c = other
		}
		assert.Equal(t, frameSystem, c.waits(topicDisconnect, 1)[0].Type)
		c.isClosed() // it does not leave, so it is thrown out
	}))
	t.Run("drop", timeless(func(t *testing.T) {
		r := streaming(t, fault.Fault{Kind: fault.StreamDrop, Next: 1})
		c := r.connect(success)
		do(t, r.sim, "join Ann")
		c.isClosed()
		assert.Empty(t, c.of(frameEvent))
		r.connect(success).waits(frameEvent, 1)
		settled(t, r.sim, fault.ClassStream, WayStats{Pushes: 1, Sent: 2, Acknowledged: 1, Refused: 1})
	}))
	t.Run("silence", timeless(func(t *testing.T) {
		r := streamingWith(t, StreamSettings{PingEvery: history.Duration(5 * time.Millisecond)}, fault.Fault{Kind: fault.StreamSilence, Next: 1})
		c := r.connect(success)
		require.Eventually(t, func() bool { return len(c.of(topicPing)) > 1 }, patience, time.Millisecond)
		do(t, r.sim, "join Ann")
		require.Eventually(t, func() bool { return r.sim.Stats().Pushes.Connections == 0 }, patience, time.Millisecond)
		r.connect(success).waits(frameEvent, 1)
		assert.Empty(t, c.of(frameEvent))
		pings := len(c.of(topicPing))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		require.Error(t, c.ws.Ping(ctx), "nobody hears it")
		assert.LessOrEqual(t, len(c.of(topicPing)), pings+1)
		assert.Equal(t, 2, serving(r.sim), "it is open all the same")
		require.NoError(t, c.ws.CloseNow())
		require.Eventually(t, func() bool { return serving(r.sim) == 1 }, patience, time.Millisecond)
	}))
	t.Run("garbage", timeless(func(t *testing.T) {
		r := streaming(t, fault.Fault{Kind: fault.StreamGarbage, Next: 1})
		c := r.connect(success)
		do(t, r.sim, "join Ann")
		c.waits(frameEvent, 1)
		assert.Len(t, c.texts, 4)
	}))
	t.Run("huge", timeless(func(t *testing.T) {
		r := streaming(t, fault.Fault{Kind: fault.StreamHuge, Bytes: 3_000_000, Next: 1})
		c := r.connect(success)
		do(t, r.sim, "join Ann")
		got := c.waits(frameEvent, 2)
		assert.Len(t, encoded(got[0]), 3_000_000)
		assert.Equal(t, "*", got[1].Headers["topic"])
	}))
}

func serving(s *Simulator) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gateway.serving
}

func TestDisturbStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := streaming(t)
		a, b := r.connect(success), r.connect(success)
		for body, status := range map[string]int{`{"kind":"busy"}`: 400, `{"kind":"fire"}`: 400, `{"kind":`: 400} {
			assert.Equal(t, status, r.do("POST", "/_sim/streams", []byte(body)).status, body)
		}
		var reply struct{ Connections int }
		r.do("POST", "/_sim/streams", []byte(`{"kind":"stream-drop"}`)).into(&reply)
		assert.Equal(t, 2, reply.Connections)
		a.isClosed()
		b.isClosed()
		require.Eventually(t, func() bool { return r.sim.Stats().Pushes.Connections == 0 }, patience, time.Millisecond)
		n, err := r.sim.DisturbStreams(fault.Fault{Kind: fault.StreamDisconnect})
		require.NoError(t, err)
		assert.Zero(t, n)
	})
}

func TestClientsThatTalkNonsense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := streaming(t)
		c := r.connect(success)
		for _, text := range []string{"", "no JSON", "[]", `{"headers":{"messageId":"ping-9"}}`, `{"headers":{"messageId":"ping-9"}}`, `{"headers":null,"code":"x"}`, `{"code":200}`} {
			require.NoError(t, c.ws.Write(t.Context(), websocket.MessageText, []byte(text)))
		}
		do(t, r.sim, "join Ann")
		c.waits(frameEvent, 1)
		require.NoError(t, c.ws.Write(t.Context(), websocket.MessageText, []byte(strings.Repeat("x", maxResponse+1))))
		c.isClosed()
		assert.Equal(t, 400, r.get("/connect?ticket="+strings.Split(r.ticketFor(), "=")[1]).status/100*100, "no WebSocket")
	})
}
