package poller_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/poller"
)

// said returns the lines of the log with a message, as JSON without the time.
func said(t *testing.T, log *bytes.Buffer, msg string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(log.String()) {
		var l map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &l))
		if l["msg"] == msg {
			delete(l, "time")
			delete(l, "msg")
			out = append(out, l)
		}
	}
	return out
}

// TestWhatBecomesOfMeetingsIsLogged once each, with the title where it may be told.
func TestWhatBecomesOfMeetingsIsLogged(t *testing.T) {
	for _, titles := range []bool{true, false} {
		var log bytes.Buffer
		opts := slow
		opts.Logger, opts.Titles = slog.New(slog.NewJSONHandler(&log, nil)).With("replica", "r1"), titles
		inWorld(t, opts, func(w *world) {
			w.source.onInfo(func(context.Context, string) (poller.Info, error) {
				return poller.Info{Title: "Weekly", StartTime: second(1)}, nil
			})
			w.source.onList(list(present("ann", 2), present("bob", 2), gone("cyd", 1, 3)))
			w.watch("m")
			w.sleep(5 * time.Minute)
			w.source.onList(list(gone("ann", 2, 300), gone("bob", 2, 301), gone("cyd", 1, 3)))
			w.push(closedAt("m", 302))
			w.sleep(time.Minute)
			require.False(t, w.watched("m"))
			found := map[string]any{"level": "INFO", "replica": "r1", "meeting": "m", "people": 2.0}
			ended := map[string]any{
				"level": "INFO", "replica": "r1", "meeting": "m", "people": 3.0, "peak": 3.0, "length": "5m1s", "why": "closed",
			}
			if titles {
				found["title"], ended["title"] = "Weekly", "Weekly"
			}
			assert.Equal(t, []map[string]any{found}, said(t, &log, "found a meeting"))
			assert.Equal(t, []map[string]any{ended}, said(t, &log, "meeting ended"))
			assert.Empty(t, said(t, &log, "meeting is not watched any more"))

			// Opened again, it is found again.
			w.source.onList(list(gone("ann", 2, 300), present("bob", 400)))
			w.push(poller.Notice{ConferenceID: "m", Time: second(400), Look: true})
			w.sleep(time.Minute)
			assert.Len(t, said(t, &log, "found a meeting"), 2)
		})
	}
}
