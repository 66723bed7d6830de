package logging_test

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/c4342123/rollcall/internal/base/logging"
)

// step is what happens to one thing of a condition.
type step struct {
	after  time.Duration
	of     int // which condition
	thing  int
	does   int // 0: works, 1: is forgotten; else fails, in as many ways
	repeat int
}

func steps(rt *rapid.T) []step {
	return rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
		return step{
			after:  time.Duration(rapid.OneOf(rapid.IntRange(0, 2000), rapid.IntRange(0, 90_000)).Draw(rt, "ms")) * time.Millisecond,
			of:     rapid.IntRange(0, 1).Draw(rt, "condition"),
			thing:  rapid.OneOf(rapid.IntRange(0, 2), rapid.IntRange(0, 100_000)).Draw(rt, "thing"),
			does:   rapid.IntRange(0, 5).Draw(rt, "does"),
			repeat: rapid.IntRange(1, 20).Draw(rt, "repeat"),
		}
	}), 1, 200).Draw(rt, "steps")
}

// TestNoFlood holds the log to what is promised however things flicker: four lines a minute of a
// condition, whatever the number of things it is about; the first change after a quiet minute is
// told at once; and the last line is true.
func TestNoFlood(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		history := steps(rt)
		wrong := ""
		synctest.Test(t, func(t *testing.T) { wrong = flood(t, history) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// fate is what has become of a thing.
type fate int

const (
	works fate = iota
	fails
	ignored
)

// flood plays a history and says what was wrong with the log.
func flood(t *testing.T, history []step) string {
	changes, logged := captureTimed(logging.ChangesOptions{}, true)
	lines, things := map[string][]line{}, map[string]fate{}
	read := func() {
		for _, l := range logged(t) {
			condition, _, _ := strings.Cut(l.What, ": ")
			lines[condition] = append(lines[condition], l)
		}
	}
	for _, s := range history {
		condition := fmt.Sprint("condition ", s.of)
		key := fmt.Sprint(condition, ": ", s.thing)
		for range s.repeat {
			time.Sleep(s.after)
			synctest.Wait()
			read()
			n := len(lines[condition])
			quiet := n == 0 || time.Since(lines[condition][n-1].Time) > time.Minute
			is := map[int]fate{0: works, 1: ignored}
			before, after := things[key], fails
			if s.does < 2 {
				after = is[s.does]
			}
			switch after {
			case works:
				changes.OK(key)
			case ignored:
				changes.Forget(key)
			case fails:
				changes.Failed(key, fmt.Errorf("in way %s", strings.Repeat("x", s.does)))
			}
			if before != ignored || after == fails { // else nobody knows that it failed
				things[key] = after
			}
			read()
			if news := before != after && (after == fails || before == fails && after == works); quiet && news && len(lines[condition]) == n {
				return fmt.Sprintf("nothing was logged of %s after a quiet minute", key)
			}
		}
	}
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	read()
	return cmp.Or(tooMany(lines), untrue(lines, things))
}

// tooMany says where there are more than four lines in a minute.
func tooMany(lines map[string][]line) string {
	for condition, lines := range lines {
		for i := 4; i < len(lines); i++ {
			if took := lines[i].Time.Sub(lines[i-4].Time); took < time.Minute {
				return fmt.Sprintf("five lines of %s in %v", condition, took)
			}
		}
	}
	return ""
}

// untrue says which thing's last line, or that of all of its kind, is wrong in the end.
func untrue(lines map[string][]line, things map[string]fate) string {
	failing := map[string]int{}
	for key, is := range things {
		if condition, _, _ := strings.Cut(key, ": "); is == fails {
			failing[condition]++
		}
	}
	for key, is := range things {
		condition, _, _ := strings.Cut(key, ": ")
		last := ""
		for _, l := range lines[condition] {
			if l.What == key || l.What == condition {
				last = l.Msg
			}
		}
		if is == fails && !strings.HasPrefix(last, "failing") || is == works && failing[condition] == 0 && strings.HasPrefix(last, "failing") {
			return fmt.Sprintf("%s: %v in the end, and the last line is %q", key, is, last)
		}
	}
	return ""
}

// An outage that concerns very many things is three lines, and one that counts.
func TestOutageOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changes, logged := capture(logging.ChangesOptions{})
		for i := range 10_000 {
			changes.Failed(fmt.Sprint("meeting: ", i), errors.New("no permission"))
		}
		assert.Len(t, logged(t), 3)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, []line{{
			Level: "WARN", Msg: "failing", What: "meeting", Error: "no permission", Changes: 9997, Now: logging.DefaultMaxKeys,
		}}, logged(t))
		for range 10 {
			time.Sleep(10 * time.Second)
			for i := range 100 {
				changes.Failed(fmt.Sprint("meeting: ", 9999-i), errors.New("no permission"))
			}
		}
		assert.Empty(t, logged(t), "that is known")
	})
}

// Errors that alternate are told once each, and then at most once a minute.
func TestAlternatingErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changes, logged := capture(logging.ChangesOptions{})
		for i := range 400 {
			changes.Failed("NATS connection", fmt.Errorf("dial tcp 10.0.0.%d:4222: refused", i%3))
			time.Sleep(100 * time.Millisecond)
		}
		require.Len(t, logged(t), 3, "three servers, forty seconds")
		for i := range 6000 {
			changes.Failed("NATS connection", fmt.Errorf("dial tcp 10.0.0.%d:4222: refused", i%3))
			time.Sleep(100 * time.Millisecond)
		}
		assert.LessOrEqual(t, len(logged(t)), 11, "ten minutes")
	})
}

// kinded is an error that knows its kind.
type kinded struct{ kind, text string }

func (k kinded) Error() string { return k.text }
func (k kinded) Kind() string  { return k.kind }

func TestErrorsOfOneKindAreOneNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changes, logged := capture(logging.ChangesOptions{})
		for i := range 100 {
			changes.Failed("a", fmt.Errorf("reading: %w", kinded{"no permission", fmt.Sprint("call ", i%2)}))
			time.Sleep(time.Minute)
		}
		assert.Len(t, logged(t), 1)
		changes.Failed("a", kinded{"", "the text tells"})
		changes.Failed("a", kinded{"", "more"})
		assert.Len(t, logged(t), 2)
	})
}

// TestLastedCountsTheFailure: how long something failed is told from its first failure to its last,
// also when the line that says so had to wait.
func TestLastedCountsTheFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changes, logged := capture(logging.ChangesOptions{})
		fail := func(d time.Duration) {
			changes.Failed("nats", errors.New("away"))
			time.Sleep(d)
			changes.OK("nats")
		}
		fail(time.Second)
		fail(9 * time.Second)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		lines := logged(t)
		require.Len(t, lines, 4)
		assert.Equal(t, "9s", lines[3].Lasted, "its end was held back, and told later")
	})
}
