package callback

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
)

func TestPushIsStoredThenAnswered(t *testing.T) {
	c := serve(t, Options{})
	c.checkSuccess(c.send(c.push(joined)))
	want, err := push.Decode([]byte(joined), push.Envelope{}, nil)
	require.NoError(t, err)
	assert.Equal(t, []push.Push{want}, c.received())
	assert.Equal(t, []Outcome{Stored}, c.seen(1))
}

func TestNamesOfTheParameters(t *testing.T) {
	c := serve(t, Options{})
	for name, renamed := range map[string][2]string{
		"signature": {"msg_signature", "signature"},
		"timeStamp": {"timestamp", "timeStamp"},
	} {
		r := c.push(joined)
		r.query[renamed[1]] = r.query[renamed[0]]
		delete(r.query, renamed[0])
		c.checkSuccess(c.send(r))
		assert.Len(t, c.seen(1), len(c.received()), name)
	}
	r := c.push(joined)
	r.query.Set("signature", "of an older kind")
	c.checkSuccess(c.send(r))
}

func TestVerificationEvents(t *testing.T) {
	c := serve(t, Options{})
	for _, kind := range []string{"check_url", "check_create_suite_url", "check_update_suite_url"} {
		c.checkSuccess(c.send(c.push(`{"EventType":"` + kind + `","Random":"LPIdSnlF"}`)))
	}
	assert.Equal(t, []Outcome{Verified, Verified, Verified}, c.seen(3))
	assert.Empty(t, c.received())
}

func TestOtherEventsAreAnsweredAndCounted(t *testing.T) {
	c := serve(t, Options{})
	for range 3 {
		c.checkSuccess(c.send(c.push(`{"EventType":"user_add_org","openMemberModels":5}`)))
	}
	assert.Equal(t, []Outcome{Ignored, Ignored, Ignored}, c.seen(3))
	assert.Empty(t, c.received())
	assert.Equal(t, 1, strings.Count(c.logs.String(), "user_add_org"), "said once")
}

// The vectors are requests too.
func TestVectorsAsRequests(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			seconds := len(v.timestamp) == 10
			stamp, err := strconv.ParseInt(v.timestamp, 10, 64)
			require.NoError(t, err)
			then := time.UnixMilli(stamp)
			if seconds {
				then = time.Unix(stamp, 0)
			}
			r := request{
				query: url.Values{"signature": {v.signature}, "timestamp": {v.timestamp}, "nonce": {v.nonce}},
				body:  `{"encrypt":"` + v.encrypted + `"}`,
			}
			cipher := newCipher(t, v.keys)
			answers := map[string]answer{}
			for name, opts := range map[string]Options{
				"at its time":         {Now: func() time.Time { return then.Add(59 * time.Minute) }},
				"before its time":     {Now: func() time.Time { return then.Add(-59 * time.Minute) }},
				"later":               {Now: func() time.Time { return then.Add(61 * time.Minute) }},
				"earlier":             {Now: func() time.Time { return then.Add(-61 * time.Minute) }},
				"without a window":    {Window: -1},
				"with a small window": {Window: time.Second, Now: func() time.Time { return then.Add(2 * time.Second) }},
			} {
				opts.Cipher = cipher
				answers[name] = serve(t, opts).send(r)
			}
			for _, name := range []string{"later", "earlier", "with a small window"} {
				checkProblem(t, answers[name], http.StatusUnauthorized)
			}
			if v.message == "success" { // an answer is no push
				checkProblem(t, answers["at its time"], http.StatusBadRequest)
				return
			}
			checkSuccess(t, cipher, answers["without a window"])
			assert.Equal(t, http.StatusOK, answers["at its time"].status)
			assert.Equal(t, http.StatusOK, answers["before its time"].status)
		})
	}
}

func TestRefusals(t *testing.T) {
	c := serve(t, Options{})
	otherOwner := newCipher(t, Keys{testKeys.Token, testKeys.AESKey, "somebody-else"})
	otherToken := newCipher(t, Keys{"another token", testKeys.AESKey, testKeys.OwnerKey})
	good := c.push(joined)
	raw, err := base64.StdEncoding.DecodeString(c.cipher.Encrypt([]byte(joined)))
	require.NoError(t, err)
	without := func(name string) request {
		r := c.push(joined)
		r.query.Del(name)
		return r
	}
	with := func(name, value string) request {
		r := c.push(joined)
		r.query.Set(name, value)
		return r
	}
	seal := func(encrypted string) request { return signed(c.cipher, now(), encrypted) }
	for name, test := range map[string]struct {
		request request
		status  int
		outcome Outcome
	}{
		"no signature":                {without("msg_signature"), 401, WrongSignature},
		"no time stamp":               {without("timestamp"), 401, WrongSignature},
		"no nonce":                    {without("nonce"), 401, WrongSignature},
		"no parameters":               {request{url.Values{}, good.body}, 401, WrongSignature},
		"another signature":           {with("msg_signature", strings.Repeat("0", 40)), 401, WrongSignature},
		"another time stamp":          {with("timestamp", "1"), 401, WrongSignature},
		"another nonce":               {with("nonce", "x"), 401, WrongSignature},
		"another message":             {request{good.query, c.push(joined).body}, 401, WrongSignature},
		"another token":               {signed(otherToken, now(), c.cipher.Encrypt([]byte(joined))), 401, WrongSignature},
		"signed without a time":       {signed(c.cipher, "", c.cipher.Encrypt([]byte(joined))), 401, Stale},
		"signed with no number":       {signed(c.cipher, "soon", c.cipher.Encrypt([]byte(joined))), 401, Stale},
		"signed with a negative time": {signed(c.cipher, "-9223372036854775808", c.cipher.Encrypt([]byte(joined))), 401, Stale},
		"signed in the far future":    {signed(c.cipher, "9223372036854775807", c.cipher.Encrypt([]byte(joined))), 401, Stale},
		"signed in microseconds":      {signed(c.cipher, now()+"000", c.cipher.Encrypt([]byte(joined))), 401, Stale},
		"empty body":                  {request{good.query, ""}, 400, Malformed},
		"garbage body":                {request{good.query, "garbage"}, 400, Malformed},
		"body cut off":                {request{good.query, good.body[:len(good.body)-2]}, 400, Malformed},
		"body with a tail":            {request{good.query, good.body + "x"}, 400, Malformed},
		"body without encrypt":        {request{good.query, `{"Encrypt":"x"}`}, 400, Malformed},
		"encrypt is a number":         {request{good.query, `{"encrypt":5}`}, 400, Malformed},
		"encrypt is empty":            {seal(""), 400, Malformed},
		"body nested without end":     {request{good.query, strings.Repeat(`{"a":`, 50_000)}, 400, Malformed},
		"not base64":                  {seal("%%%%"), 400, Undecipherable},
		"ciphertext cut off":          {seal(base64.StdEncoding.EncodeToString(raw[:len(raw)-32])), 400, Undecipherable},
		"no whole blocks":             {seal(base64.StdEncoding.EncodeToString(raw[:len(raw)-1])), 400, Undecipherable},
		"wrong owner":                 {signed(c.cipher, now(), otherOwner.Encrypt([]byte(joined))), 400, Undecipherable},
		"wrong padding":               {seal(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("0123456789abcdef", 8)))), 400, Undecipherable},
		"message is no JSON":          {c.push("hello"), 400, Malformed},
		"message is empty":            {c.push(""), 400, Malformed},
		"meeting without an id":       {c.push(`{"EventType":"meeting_status_change","openConfModel":{}}`), 400, Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(c.seen(0))
			a := c.send(test.request)
			checkProblem(t, a, test.status)
			assert.Empty(t, a.header.Get("Retry-After"))
			assert.Equal(t, test.outcome, c.seen(before + 1)[before])
		})
	}
	assert.Empty(t, c.received())
}

func TestOtherMethods(t *testing.T) {
	c := serve(t, Options{})
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, "FETCH"} {
		req, err := http.NewRequestWithContext(t.Context(), method, c.URL, strings.NewReader("x"))
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		a := c.read(resp)
		assert.Equal(t, http.StatusMethodNotAllowed, a.status)
		assert.Equal(t, http.MethodPost, a.header.Get("Allow"))
		if method != http.MethodHead {
			checkProblem(t, a, http.StatusMethodNotAllowed)
		}
	}
}

func TestWithoutKeysThereIsNothingHere(t *testing.T) {
	c := serve(t, Options{})
	c.Config.Handler = NewHandler(Options{})
	checkProblem(t, c.send(c.push(joined)), http.StatusNotFound)
}

func TestNotStored(t *testing.T) {
	for name, receive := range map[string]receiver{
		"the receiver fails": func(context.Context, push.Push) error { return errors.New("no stream") },
		"the receiver takes too long": func(ctx context.Context, _ push.Push) error {
			<-ctx.Done()
			return context.Cause(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, Options{Receiver: receive, Timeout: 50 * time.Millisecond})
			for range 3 {
				a := c.send(c.push(joined))
				checkProblem(t, a, http.StatusServiceUnavailable)
				assert.Equal(t, retryAfter, a.header.Get("Retry-After"))
			}
			assert.Equal(t, []Outcome{NotStored, NotStored, NotStored}, c.seen(3))
			assert.Equal(t, 1, strings.Count(c.logs.String(), "not_stored"), "logged once a minute")
		})
	}
}

// A push that comes while the service starts or stops goes to another replica, or comes again:
// nobody has to know of it.
func TestAReceiverThatIsAwayIsNoNews(t *testing.T) {
	c := serve(t, Options{Receiver: receiver(func(context.Context, push.Push) error {
		return fmt.Errorf("meeting m: %w", push.ErrAway)
	})})
	checkProblem(t, c.send(c.push(joined)), http.StatusServiceUnavailable)
	assert.Equal(t, []Outcome{NotStored}, c.seen(1))
	assert.Empty(t, c.logs.String())
}

func TestTheReceiverHasOneSecond(t *testing.T) {
	left := make(chan time.Duration, 1)
	c := serve(t, Options{Receiver: receiver(func(ctx context.Context, _ push.Push) error {
		deadline, ok := ctx.Deadline()
		assert.True(t, ok)
		left <- time.Until(deadline)
		return nil
	})})
	c.checkSuccess(c.send(c.push(joined)))
	assert.LessOrEqual(t, <-left, time.Second)
	assert.Equal(t, time.Second, Options{}.withDefaults().Timeout)
}

// What follows from a push is stored late but stored: then it is a success.
func TestStoredAfterTheDeadlineIsStored(t *testing.T) {
	c := serve(t, Options{Timeout: time.Millisecond, Receiver: receiver(func(ctx context.Context, _ push.Push) error {
		<-ctx.Done()
		return nil
	})})
	c.checkSuccess(c.send(c.push(joined)))
}

func TestASenderThatHangsUpStopsNothing(t *testing.T) {
	entered, gone, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	c := serve(t, Options{Receiver: receiver(func(ctx context.Context, _ push.Push) error {
		close(entered)
		<-gone
		result <- ctx.Err()
		return nil
	})})
	ctx, cancel := context.WithCancel(t.Context())
	r := c.push(joined)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"?"+r.query.Encode(), strings.NewReader(r.body))
	require.NoError(t, err)
	go func() {
		<-entered
		cancel()
	}()
	_, err = http.DefaultClient.Do(req) //nolint:bodyclose // there is none
	require.ErrorIs(t, err, context.Canceled)
	close(gone)
	require.NoError(t, <-result)
	assert.Equal(t, []Outcome{Stored}, c.seen(1))
}

func TestTooManyAtOnce(t *testing.T) {
	const slots = 3
	entered, release := make(chan struct{}, slots), make(chan struct{})
	c := serve(t, Options{MaxConcurrent: slots, Timeout: time.Minute, Receiver: receiver(func(context.Context, push.Push) error {
		entered <- struct{}{}
		<-release
		return nil
	})})
	var wg sync.WaitGroup
	for range slots {
		wg.Go(func() { c.checkSuccess(c.send(c.push(joined))) })
	}
	for range slots {
		<-entered
	}
	a := c.send(c.push(joined))
	checkProblem(t, a, http.StatusServiceUnavailable)
	assert.Equal(t, retryAfter, a.header.Get("Retry-After"))
	c.checkSuccess(c.send(c.push(`{"EventType":"check_url"}`)))
	close(release)
	wg.Wait()
	c.checkSuccess(c.send(c.push(joined)))
	assert.Equal(t, []Outcome{Overloaded, Verified}, c.seen(slots + 3)[:2])
}

// A push that is replayed within the window reaches the receiver again, which is idempotent, or a
// memory before it.
func TestReplay(t *testing.T) {
	c := serve(t, Options{})
	r := c.push(joined)
	for range 3 {
		c.checkSuccess(c.send(r))
	}
	got := c.received()
	require.Len(t, got, 3)
	assert.Equal(t, got[0], got[2])
}

func TestAnswersDiffer(t *testing.T) {
	c := serve(t, Options{})
	assert.NotEqual(t, c.send(c.push(joined)).body, c.send(c.push(joined)).body)
}

// Below a path that names an organisation only its pushes are taken, and those that name none.
func TestAPathThatNamesAnOrganisation(t *testing.T) {
	c := serve(t, Options{})
	mux := http.NewServeMux()
	mux.Handle("/of/{"+PathCorpID+"}", c.Config.Handler)
	named := strings.Replace(joined, "{", `{"CorpId":"ding9f50",`, 1)
	for name, asked := range map[string]struct {
		path, message string
		status        int
	}{
		"its own":            {"/of/ding9f50", named, http.StatusOK},
		"none":               {"/of/ding9f50", joined, http.StatusOK},
		"another's":          {"/of/other", named, http.StatusBadRequest},
		"another's, renamed": {"/of/other", strings.Replace(named, "CorpId", "eventCorpId", 1), http.StatusBadRequest},
	} {
		r := c.push(asked.message)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, asked.path+"?"+r.query.Encode(), strings.NewReader(r.body))
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, req)
		assert.Equal(t, asked.status, w.Code, name)
	}
}
