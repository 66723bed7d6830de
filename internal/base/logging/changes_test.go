package logging_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/logging"
)

// line is one line of the log.
type line struct {
	Level, Msg, What, Error, Lasted string
	Failures, Changes, Now          int
	Time                            time.Time
}

// buffer is what was logged: also by a timer, whose goroutine is none of the test's.
type buffer struct {
	mu  sync.Mutex
	out bytes.Buffer
}

// Write implements [io.Writer].
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.out.Write(p)
}

// take returns what was written since it was called last.
func (b *buffer) take() *bytes.Reader {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.out.Reset()
	return bytes.NewReader(bytes.Clone(b.out.Bytes()))
}

// capture returns a Changes and what takes the lines it has logged since the last call.
func capture(options logging.ChangesOptions) (*logging.Changes, func(*testing.T) []line) {
	return captureTimed(options, false)
}

// captureTimed is capture with or without the times of the lines.
func captureTimed(options logging.ChangesOptions, timed bool) (*logging.Changes, func(*testing.T) []line) {
	var out buffer
	changes := logging.NewChanges(slog.New(slog.NewJSONHandler(&out, nil)), options)
	return changes, func(t *testing.T) []line {
		t.Helper()
		var lines []line
		for decoder := json.NewDecoder(out.take()); decoder.More(); {
			var l line
			require.NoError(t, decoder.Decode(&l))
			if !timed {
				l.Time = time.Time{}
			}
			lines = append(lines, l)
		}
		return lines
	}
}

func TestChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changes, logged := capture(logging.ChangesOptions{})
		changes.OK("a")
		assert.Empty(t, logged(t), "nothing has failed")

		for range 100 {
			changes.Failed("a", errors.New("status 500"))
			time.Sleep(time.Second) // of the synctest clock
		}
		assert.Equal(t, []line{{Level: "WARN", Msg: "failing", What: "a", Error: "status 500"}}, logged(t))

		changes.Failed("b", errors.New("status 500"))
		assert.Len(t, logged(t), 1, "another thing is another failure")

		changes.Failed("a", errors.New("status 503"))
		changes.Failed("a", errors.New("status 503"))
		assert.Equal(t, []line{{Level: "WARN", Msg: "failing in another way", What: "a", Error: "status 503", Failures: 101}}, logged(t))

		changes.OK("a")
		changes.OK("a")
		assert.Equal(t, []line{{Level: "INFO", Msg: "works again", What: "a", Failures: 102, Lasted: "1m40s"}}, logged(t))

		time.Sleep(time.Minute)
		changes.Failed("a", errors.New("status 503"))
		assert.Len(t, logged(t), 1, "it starts over")
		changes.Failed("a", nil)
		assert.Equal(t, "works again", logged(t)[0].Msg, "no error is no failure")

		changes.Forget("b")
		changes.OK("b")
		assert.Empty(t, logged(t))
	})
}

func TestChangesIgnoresWhatIsFickle(t *testing.T) {
	same := [][2]string{
		{"read tcp 127.0.0.1:53412->10.0.0.1:443: reset", "read tcp 127.0.0.1:6666->10.0.0.1:443: reset"},
		{"systemError, requestid 0F3B2C1D-99AA-77BB", "systemError, requestid 1A2B3C4D-0011-2233"},
		{"at 1663143335567", "at 1663143335999"},
	}
	for _, pair := range same {
		changes, logged := capture(logging.ChangesOptions{})
		changes.Failed("a", errors.New(pair[0]))
		changes.Failed("a", errors.New(pair[1]))
		assert.Len(t, logged(t), 1, pair)
	}
	different := [][2]string{
		{"dial tcp 10.0.0.1:443: refused", "dial tcp 10.0.0.2:443: refused"},
		{"status 500", "status 502"},
		{"EOF", "i/o timeout"},
	}
	for _, pair := range different {
		changes, logged := capture(logging.ChangesOptions{})
		changes.Failed("a", errors.New(pair[0]))
		changes.Failed("a", errors.New(pair[1]))
		assert.Len(t, logged(t), 2, pair)
	}
}

func TestChangesInPlainWords(t *testing.T) {
	changes, logged := capture(logging.ChangesOptions{Plainly: func(err error) error { return fmt.Errorf("plainly: %w", err) }})
	changes.Failed("a", errors.New("buffer full"))
	assert.Equal(t, "plainly: buffer full", logged(t)[0].Error)
}

func TestChangesIsBounded(t *testing.T) {
	changes, logged := capture(logging.ChangesOptions{MaxKeys: 2})
	failure := errors.New("x")
	changes.Failed("a", failure)
	changes.Failed("b", failure)
	changes.Failed("a", failure)
	changes.Failed("c", failure) // b has not failed for longest
	require.Len(t, logged(t), 3)
	changes.Failed("a", failure)
	changes.Failed("c", failure)
	assert.Empty(t, logged(t), "a and c are remembered")
	changes.OK("b")
	assert.Empty(t, logged(t), "b is forgotten")

	changes.Failed("long", errors.New(strings.Repeat("é", 10_000)))
	message := logged(t)[0].Error
	assert.Less(t, len(message), 1100)
	assert.True(t, utf8.ValidString(message))
	assert.True(t, strings.HasSuffix(message, "é..."), message)
}

func TestChangesConcurrently(t *testing.T) {
	changes := logging.NewChanges(nil, logging.ChangesOptions{MaxKeys: 3})
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 500 {
				key := fmt.Sprint((worker + i) % 5)
				changes.Failed(key, fmt.Errorf("failure %d", i%3))
				changes.OK(key)
				changes.Forget(key)
			}
		})
	}
	group.Wait()
}

func BenchmarkChangesRepeated(b *testing.B) {
	changes := logging.NewChanges(nil, logging.ChangesOptions{})
	err := errors.New("read tcp 127.0.0.1:53412->10.0.0.1:443: connection reset by peer")
	for b.Loop() {
		changes.Failed("a", err)
	}
}
