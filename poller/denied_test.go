package poller_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/internal/base/logging"
	"github.com/c4342123/rollcall/poller"
)

// TestADeniedMeetingIsOneLine whose two calls fail in turn, each in its own words, for an hour.
func TestADeniedMeetingIsOneLine(t *testing.T) {
	for _, others := range []int{0, 20} {
		var out bytes.Buffer
		changes := logging.NewChanges(slog.New(slog.NewJSONHandler(&out, nil)), logging.ChangesOptions{})
		inWorld(t, poller.Options{MaxInterval: 10 * time.Second, Reporter: changes}, func(w *world) {
			denied := func(call string) error {
				return &poller.SourceError{Trouble: poller.Denied, Err: errors.New(call + " 3F2504E0-4F89")}
			}
			w.source.onList(func(ctx context.Context, id string) (poller.List, error) {
				if id == "bad" {
					return poller.List{}, denied("list")
				}
				return list(present("ann", 0))(ctx, id)
			})
			w.source.onInfo(func(_ context.Context, id string) (poller.Info, error) {
				if id == "bad" {
					return poller.Info{}, denied("information")
				}
				return poller.Info{}, nil
			})
			w.watch(names(others)...)
			w.watch("bad")
			w.sleep(time.Hour)
			assert.Equal(t, 1, strings.Count(out.String(), "\n"), "%d others:\n%s", others, out.String())
			assert.Contains(t, out.String(), `"what":"meeting: bad"`)
		})
	}
}

// TestManyDeniedMeetingsAreAnOutage of the permission.
func TestManyDeniedMeetingsAreAnOutage(t *testing.T) {
	d := &diary{}
	inWorld(t, brief(d), func(w *world) {
		w.source.onList(failList(trouble(poller.Denied)))
		w.source.onInfo(failInfo(trouble(poller.Denied)))
		w.watch(names(100)...)
		w.sleep(time.Hour)
		assert.Contains(t, w.poller.Health().Failing, "dingtalk")
		assert.LessOrEqual(t, len(d.read()), 6, "%v", d.read())
	})
}
