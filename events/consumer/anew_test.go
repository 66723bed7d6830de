package consumer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/events/consumer"
	"github.com/c4342123/rollcall/internal/testing/natstest"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

func person(name string, at int64) diff.Row {
	return diff.Row{UnionID: name, UserNick: name, Status: diff.StatusActive, JoinTime: streamtest.Begin + at}
}

// A stream that is deleted takes the consumer with it, and with one that is restored it may come
// back or not. The program that runs goes on, is given everything that is stored then, and nothing
// twice that is announced anew.
func TestStreamThatIsMadeAgain(t *testing.T) {
	t.Parallel()
	for _, restored := range []bool{false, true} {
		for _, consumers := range []bool{false, true} {
			for name, opts := range map[string]consumer.Options{
				"all": {}, "new": {OnlyNew: true}, "one meeting": {Subjects: []string{events.OfMeeting("a")}, InFlight: 3},
			} {
				if consumers && !restored {
					continue
				}
				t.Run(fmt.Sprint(name, " restored ", restored, " with consumers ", consumers), func(t *testing.T) {
					t.Parallel()
					madeAgain(t, opts, restored, consumers)
				})
			}
		}
	}
}

func madeAgain(t *testing.T, opts consumer.Options, restored, consumers bool) {
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	var d diary
	start(t, js, opts, d.keep)
	require.Eventually(t, func() bool {
		_, err := js.Consumer(t.Context(), events.Stream, "diary")
		return err == nil
	}, patience, time.Millisecond)
	rows := []diff.Row{person("ann", 1), person("bob", 2)}
	r.Look("a", streamtest.Begin+1000, rows[0])
	d.becomes(t, "ann")
	settled(t, js, "diary")
	take := natstest.TakeBackupAlone
	if consumers {
		take = natstest.TakeBackup
	}
	backup := take(t, r.Conn)
	r.Look("a", streamtest.Begin+2000, rows...)
	d.becomes(t, "ann", "bob")
	settled(t, js, "diary")

	r.Stop()
	require.NoError(t, js.DeleteStream(t.Context(), events.Stream))
	if restored {
		backup.Restore(t, js.Conn())
	}
	r = s.Record()
	r.Look("a", streamtest.Begin+3000, append(rows, person("cleo", 3))...)
	d.becomes(t, "ann", "bob", "cleo")
	settled(t, js, "diary")
	r.Look("a", streamtest.Begin+4000, append(rows, person("cleo", 3), person("dan", 4))...)
	d.becomes(t, "ann", "bob", "cleo", "dan")
	settled(t, js, "diary")
	assert.Equal(t, []string{"ann", "bob", "cleo", "dan"}, d.all())
}

// While there is no stream the program waits.
func TestStopsWhileThereIsNoStream(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	r.Join("a")
	var d diary
	stop := start(t, js, consumer.Options{}, d.keep)
	d.becomes(t, "p1")
	r.Stop()
	require.NoError(t, js.DeleteStream(t.Context(), events.Stream))
	require.Eventually(t, func() bool {
		_, err := js.Consumer(t.Context(), events.Stream, "diary")
		return err != nil
	}, patience, time.Millisecond)
	stop()
}
