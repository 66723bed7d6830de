package service

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/poller/condition"
)

// recorder is a reporter that remembers what it is told.
type recorder struct{ said []string }

func (l *recorder) Failed(string, error) { l.said = append(l.said, "failed") }
func (l *recorder) OK(string)            { l.said = append(l.said, "ok") }

// TestAStreamConnectionThatNeverLasts is as good as none: said once, and no failure. One that has
// lasted is counted on, and its end is a failure.
func TestAStreamConnectionThatNeverLasts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s, as := &service{log: slog.New(slog.NewJSONHandler(&log, nil))}, &recorder{}
		u := &unasked{service: s, worked: func() condition.Reporter { return as }}
		lost := errors.New("stream connection lost")
		for range 100 {
			u.OK("stream")
			time.Sleep(time.Second)
			u.Failed("stream", lost)
		}
		assert.Empty(t, as.said)
		assert.Equal(t, 2, strings.Count(log.String(), "\n"), "that it works, and that it does not: %s", &log)
		assert.Contains(t, s.streaming.check()[0].Note, "not to be had")

		u.OK("stream")
		assert.NotContains(t, s.streaming.check()[0].Note, "not to be had")
		time.Sleep(time.Hour)
		u.Failed("stream", lost)
		assert.Equal(t, []string{"failed"}, as.said)
		assert.Empty(t, s.streaming.check(), "the part reports its state itself")
		u.OK("stream")
		u.Failed("stream", lost)
		assert.Equal(t, []string{"failed", "ok", "failed"}, as.said)
	})
}
