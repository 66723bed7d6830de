package robot_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/robot"
)

const (
	token  = "t0ken/with+signs"
	secret = "SECs3cret"
)

// The vector is the platform's.
func TestSign(t *testing.T) {
	assert.Equal(t, "sSFWELbV2YwjdDQhWZwTcWlX5BWUx5J6TPpsZmuPii0=", robot.Sign("this is secret", 1_700_000_000_000))
}

// client returns a client of a server that answers with handler.
func client(t *testing.T, handler http.HandlerFunc) *robot.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c := robot.New(robot.Options{
		URL: server.URL, Token: token, Secret: secret, Now: func() time.Time { return time.UnixMilli(1_700_000_000_000) },
	})
	t.Cleanup(c.Close)
	return c
}

func TestSend(t *testing.T) {
	var path, kind string
	var query url.Values
	var body []byte
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		path, kind, query = r.Method+" "+r.URL.Path, r.Header.Get("Content-Type"), r.URL.Query()
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok"}`)
	})
	require.NoError(t, c.Send(t.Context(), robot.Message{UUID: "u1", Title: "Ann joined <周会>", Text: "#### 周会\n\n<>&"}))
	assert.Equal(t, "POST /robot/send", path)
	assert.Equal(t, "application/json;charset=utf-8", kind)
	assert.Equal(t, url.Values{
		"access_token": {token}, "timestamp": {"1700000000000"}, "sign": {robot.Sign(secret, 1_700_000_000_000)},
	}, query)
	assert.JSONEq(t, `{"msgtype":"markdown","markdown":{"title":"Ann joined <周会>","text":"#### 周会\n\n<>&"},
		"at":{"isAtAll":false},"msgUuid":"u1"}`, string(body))
	assert.Contains(t, string(body), "<>&", "a character is not written as six")
}

func TestAnswers(t *testing.T) {
	const ok = http.StatusOK
	for name, c := range map[string]struct {
		status int
		body   string
		is     error
		says   string
	}{
		"done":                    {ok, `{"errcode":0,"errmsg":"ok"}`, nil, ""},
		"done, as text":           {ok, `{"errcode":"0","errmsg":"ok"}`, nil, ""},
		"busy":                    {ok, `{"errcode":-1,"errmsg":"系统繁忙"}`, robot.ErrBusy, "the robot is busy (the robot answers -1: 系统繁忙)"},
		"busy, as text":           {ok, `{"errcode":"-1"}`, robot.ErrBusy, "-1"},
		"too fast":                {ok, `{"errcode":410100,"errmsg":"send too fast"}`, robot.ErrThrottled, "410100: send too fast"},
		"too fast, in the past":   {ok, `{"status":1111,"wait":5,"errcode":130101,"errmsg":"x"}`, robot.ErrThrottled, "130101"},
		"blocked":                 {ok, `{"status":1111,"wait":5,"source":"x5","punish":"deny"}`, robot.ErrThrottled, "1111"},
		"wrong signature":         {ok, `{"errcode":310000,"errmsg":"sign not match"}`, robot.ErrRefused, "sign not match"},
		"wrong token":             {ok, `{"errcode":"400101","errmsg":"token is not exist"}`, robot.ErrRefused, "400101"},
		"content":                 {ok, `{"errcode":430102,"errmsg":"no"}`, robot.ErrContent, "430102"},
		"unknown":                 {ok, `{"errcode":99,"errmsg":"what"}`, nil, "the robot answers 99: what"},
		"error with a status":     {500, `{"errcode":410100,"errmsg":"x"}`, robot.ErrThrottled, "410100"},
		"done, but what status":   {503, `{"errcode":0,"errmsg":"ok"}`, nil, "HTTP status 503"},
		"page":                    {502, `<html>`, nil, "HTTP status 502 and no errcode"},
		"redirect":                {302, ``, nil, "HTTP status 302"},
		"nothing":                 {ok, ``, nil, "no errcode"},
		"other JSON":              {ok, `{"success":true}`, nil, "no errcode"},
		"no object":               {ok, `[]`, nil, "no errcode"},
		"done, as a float":        {ok, `{"errcode":0.0,"errmsg":null}`, nil, ""},
		"done, in other words":    {ok, `{"errcode":" 0 ","errmsg":{}}`, nil, ""},
		"too fast, words a list":  {ok, `{"errcode":"410100","errmsg":["x"]}`, robot.ErrThrottled, "410100"},
		"blocked, as text":        {ok, `{"status":"1111","wait":"5"}`, robot.ErrThrottled, "1111"},
		"errcode of nothing":      {ok, `{"errcode":"","errmsg":"ok"}`, nil, "no errcode"},
		"errcode of false":        {ok, `{"errcode":false}`, nil, "no errcode"},
		"errcode of another kind": {ok, `{"errcode":{},"errmsg":"ok"}`, nil, "no errcode"},
		"null":                    {ok, `{"errcode":null}`, nil, "no errcode"},
		"repeats what was sent":   {ok, `{"errcode":310000,"errmsg":"` + token + ` ` + url.QueryEscape(token) + ` ` + secret + `\n"}`, robot.ErrRefused, "******** ******** ********"},
		"long":                    {ok, `{"errcode":1,"errmsg":"` + strings.Repeat("x", 1000) + `"}`, nil, "x…"},
	} {
		t.Run(name, func(t *testing.T) {
			err := client(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}).Send(t.Context(), robot.Message{UUID: "u", Title: "t", Text: "t"})
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.says)
			assert.NotContains(t, err.Error(), token)
			assert.NotContains(t, err.Error(), secret)
			assert.Less(t, len(err.Error()), 500)
			for _, kind := range []error{robot.ErrBusy, robot.ErrThrottled, robot.ErrRefused, robot.ErrContent} {
				assert.Equal(t, errors.Is(c.is, kind), errors.Is(err, kind), "%v", kind)
			}
		})
	}
}

func TestNoErrorHoldsTheToken(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	nowhere := robot.New(robot.Options{URL: "http://127.0.0.1:1", Token: token, Secret: secret})
	nothing := robot.New(robot.Options{URL: "http://%zz", Token: token, Secret: secret})
	for _, c := range []*robot.Client{c, nowhere, nothing} {
		err := c.Send(t.Context(), robot.Message{UUID: "u", Title: "t", Text: "t"})
		require.Error(t, err)
		text := fmt.Sprintf("%v %+v", err, err)
		for _, part := range []string{token, url.QueryEscape(token), secret, "access_token"} {
			assert.NotContains(t, text, part)
		}
		var answer *robot.Error
		assert.NotErrorAs(t, err, &answer, "nobody has answered")
	}
}

// FuzzAnswer holds the reading of replies to: no panic, done only for errcode 0, and an error in
// one line.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{`{"errcode":0}`, `{"errcode":"410100","errmsg":"x"}`, `{"status":1111}`, `<html>`, `{"errcode":1e3}`} {
		f.Add([]byte(seed))
	}
	var body []byte
	c := robot.New(robot.Options{URL: "http://robot", Token: token, Secret: secret})
	c.UseTransport(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(body)))}, nil
	})
	f.Fuzz(func(t *testing.T, reply []byte) {
		body = reply
		err := c.Send(t.Context(), robot.Message{UUID: "u", Title: "t", Text: "t"})
		if err == nil {
			var v struct {
				Code any `json:"errcode"`
			}
			require.NoError(t, json.Unmarshal(reply, &v))
			assert.Contains(t, []string{"0"}, strings.TrimLeft(fmt.Sprint(v.Code), "+-"))
			return
		}
		assert.NotContains(t, err.Error(), "\n")
	})
}
