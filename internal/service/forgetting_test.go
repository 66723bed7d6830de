package service

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/stored/forget"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
	"github.com/c4342123/rollcall/poller/condition"
)

// resumed counts how often it was gone on with, and fails the first time.
type resumed struct {
	eraser
	times int
}

func (r *resumed) Resume(context.Context) (forget.Answer, error) {
	if r.times++; r.times == 1 {
		return forget.Answer{}, errors.New("refused")
	}
	return forget.Answer{}, nil
}

func TestOneReplicaGoesOnErasing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mine atomic.Bool
		done := &resumed{}
		f := &forgetting{eraser: done, mine: func(int) bool { return mine.Load() }, report: condition.OrNone(nil)}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); f.run(ctx) }()
		time.Sleep(3*forgetEvery + time.Second)
		synctest.Wait()
		assert.Zero(t, done.times, "another one has the shard")
		mine.Store(true)
		time.Sleep(2 * forgetEvery)
		synctest.Wait()
		assert.Equal(t, 2, done.times, "again after it failed")
		cancel()
		<-ended
	})
}

func TestErasingOverHTTP(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	store := streamtest.Start(t)
	r := store.Record()
	ann := diff.Row{UnionID: "ann", UserNick: "Ann", Status: diff.StatusActive, JoinTime: streamtest.Begin}
	bob := diff.Row{UnionID: "bob", UserNick: "Bob", Status: diff.StatusActive, JoinTime: streamtest.Begin}
	r.Watch("over", streamtest.Begin, diff.Description{Title: "Weekly", CreatorID: "ann", CreatorNick: "Ann", StartTime: streamtest.Begin})
	r.End("over", streamtest.Begin+60_000, ann, bob)
	two := replicas(t, external(settings(t, api), store.Address), 2)
	two[0].eventually("/v1/people/ann", http.StatusOK, `"conferenceId":"over"`)
	two[1].eventually("/v1/people/nobody", http.StatusOK, `"events":[]`)
	status, body := two[0].do(http.MethodDelete, "/v1/people/ann?reason=asked&notice=0", "")
	assert.Equal(t, http.StatusOK, status, body)
	assert.Contains(t, body, `{"meetings":1,"events":3,"waiting":[],"unreachable":[`)
	assert.Contains(t, body, "encrypts its store")
	status, body = two[1].do(http.MethodDelete, "/v1/people/ann?reason=asked", "")
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"meetings":0,"events":0,"waiting":[],"unreachable":[]}`, body)
	for _, r := range two {
		r.eventually("/v1/people/ann", http.StatusOK, `"events":[]`)
		r.eventually("/v1/meetings/over/report", http.StatusOK, `"people": 1`)
	}
}
