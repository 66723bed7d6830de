package service

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/dingtalk/callback"
	"github.com/c4342123/rollcall/internal/testing/natstest"
)

// pushes sends, as DingTalk does, that somebody joined the office at a time in Unix milliseconds,
// and returns the status.
func (r *running) pushes(unionID, nick string, joined int64) int {
	r.t.Helper()
	k := keys()
	cipher, err := callback.NewCipher(callback.Keys{
		Token: k.WebhookToken.Reveal(), AESKey: k.WebhookAESKey.Reveal(), OwnerKey: k.WebhookOwnerKey,
	})
	require.NoError(r.t, err)
	now := time.Now().UnixMilli()
	encrypted := cipher.Encrypt(fmt.Appendf(nil, `{"EventType":"meeting_member_status_change","EventTime":%d,"CorpId":"corp",
		"BizId":"1","eventId":"e%s","openMemberModels":[{"userId":%q,"userNick":%q,"conferenceId":"office","joinTime":%d,
		"attendStatus":3}],"statusSeqNum":2,"changeScene":"user_join"}`, now, unionID, unionID, nick, joined))
	stamp := strconv.FormatInt(now, 10)
	query := url.Values{"msg_signature": {cipher.Sign(stamp, "n0nce", encrypted)}, "timestamp": {stamp}, "nonce": {"n0nce"}}
	body, err := json.Marshal(map[string]string{"encrypt": encrypted})
	require.NoError(r.t, err)
	status, _ := r.do(http.MethodPost, "/webhooks/dingtalk?"+query.Encode(), string(body))
	return status
}

// until repeats a request until it is done, and returns how often it was refused, which is with 503
// alone.
func until(t *testing.T, request func() int) (refused int) {
	t.Helper()
	require.Eventually(t, func() bool {
		switch status := request(); status {
		case http.StatusOK, http.StatusCreated:
			return true
		default:
			assert.Equal(t, http.StatusServiceUnavailable, status)
			refused++
			return false
		}
	}, patience, 50*time.Millisecond)
	return refused
}

// TestAPushAndAPutInTheMomentOfLoss: a push at the replica that has the meeting and a PUT at
// another are answered with 503 until they are stored, and are stored once, however often they
// come.
func TestAPushAndAPutInTheMomentOfLoss(t *testing.T) {
	t.Parallel()
	for _, purged := range []bool{false, true} {
		t.Run(fmt.Sprint("purged ", purged), func(t *testing.T) {
			t.Parallel()
			_, api := simulate(t, `{meetings: [{id: office, unlisted: true, people: [
				{id: ann, nick: Ann, visits: [{from: 0s}]}, {id: bob, nick: Bob}]},
				{id: later, unlisted: true, people: [{id: eve, nick: Eve, visits: [{from: 0s}]}]}]}`)
			s := external(settings(t, api), broker(t, nil).Addr().String())
			s.Pushes = keys()
			both := replicas(t, s, 2)
			natsURL := both[0].nats
			status, body := both[0].do(http.MethodPut, "/v1/meetings/office", "")
			require.Equal(t, http.StatusCreated, status, body)
			both[0].eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)
			owner, other := ownerOf(t, both)
			js := operator(t, natsURL)
			if purged {
				purge(t, js)
			} else {
				require.NoError(t, js.DeleteStream(t.Context(), events.Stream))
			}
			joined := time.Now().UnixMilli() // the push comes before the list shows it
			push := func() int { return owner.pushes("bob", "Bob", joined) }
			isBob := func(e events.Event) bool {
				return e.Type == events.Joined && e.Member.UnionID == "bob" && e.Member.JoinTime == joined
			}
			refused := 0
			switch first := push(); first {
			case http.StatusOK:
				assert.Equal(t, 1, times(t, natsURL, isBob), "it is stored by then")
			default:
				assert.Equal(t, http.StatusServiceUnavailable, first)
				refused++
			}
			if purged {
				natstest.ForgetIDs(t, js)
			}
			put := func() int {
				status, _ := other.do(http.MethodPut, "/v1/meetings/later", "")
				return status
			}
			refused += until(t, put)
			refused += until(t, push)
			assert.Equal(t, 1, times(t, natsURL, isBob), "it is stored by then")
			if !purged { // then nothing can be stored for two seconds
				assert.Positive(t, refused)
			}
			assert.Equal(t, http.StatusOK, push(), "once more")
			assert.Equal(t, http.StatusOK, put(), "once more")
			other.eventually("/v1/meetings/later", http.StatusOK, `"activeCount":1`)
			assert.Equal(t, 1, times(t, natsURL, isBob))
			assert.Equal(t, 1, times(t, natsURL, func(e events.Event) bool {
				return e.Type == events.MeetingStarted && e.Meeting.ConferenceID == "later"
			}))
			for id, n := range ids(t, natsURL) {
				assert.Equal(t, 1, n, id)
			}
		})
	}
}

// ownerOf returns which of two replicas has the one meeting that is watched, and the other.
func ownerOf(t *testing.T, both []*running) (has, other *running) {
	t.Helper()
	require.Eventually(t, func() bool {
		for i, r := range both {
			if _, body := r.do(http.MethodGet, "/metrics", ""); strings.Contains(body, "rollcall_watched_meetings 1\n") {
				has, other = r, both[1-i]
				return true
			}
		}
		return false
	}, patience, 20*time.Millisecond)
	return has, other
}

// times counts the stored events that are so.
func times(t *testing.T, natsURL string, is func(events.Event) bool) (n int) {
	t.Helper()
	list, _ := stored(t, natsURL)
	for _, e := range list {
		if is(e) {
			n++
		}
	}
	return n
}
