package poller

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestJitterStaysWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shortest := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(time.Hour)).Draw(t, "shortest"))
		longest := shortest + time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "more"))
		interval := shortest + time.Duration(rapid.Int64Range(0, int64(longest-shortest)).Draw(t, "interval"))
		got := jittered(interval, shortest, rapid.Float64Range(0, 0.999999).Draw(t, "random"))
		if got < shortest || got > longest || got < interval-interval/10-1 || got > interval {
			t.Fatalf("%v of %v is not within %v and %v", got, interval, shortest, longest)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	var got []time.Duration
	for failures := range 8 {
		got = append(got, retryAfter(failures, 15*time.Second)/time.Second)
	}
	assert.Equal(t, []time.Duration{1, 1, 2, 4, 8, 15, 15, 15}, got)
	assert.Equal(t, 5*time.Minute, retryAfter(1_000_000_000, 5*time.Minute))
}

func TestTroubleOf(t *testing.T) {
	tests := map[string]struct {
		err      error
		trouble  Trouble
		upstream bool
	}{
		"none":      {nil, Unavailable, false},
		"named":     {fmt.Errorf("wrapped: %w", &SourceError{Trouble: Denied, Err: errors.New("x")}), Denied, true},
		"unnamed":   {errors.New("x"), Unavailable, true},
		"the store": {&storeError{err: errors.New("x")}, Unavailable, false},
		"over":      {fmt.Errorf("wrapped: %w", errOver), Unavailable, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			trouble, upstream := troubleOf(test.err)
			assert.Equal(t, test.trouble, trouble)
			assert.Equal(t, test.upstream, upstream)
		})
	}
}

func TestErrorsUnwrap(t *testing.T) {
	cause := errors.New("cause")
	assert.ErrorIs(t, &SourceError{Trouble: Throttled, Err: cause}, cause)
	assert.ErrorIs(t, &storeError{err: cause}, cause)
	assert.EqualError(t, &SourceError{Trouble: Throttled, Err: cause}, "throttled: cause")
	assert.EqualError(t, &storeError{err: cause}, "cause")
	assert.Equal(t, "quota_exhausted", Exhausted.String())
	assert.Zero(t, waitOf(&SourceError{Wait: -time.Second}))
}

// TestQueueKeepsItsOrder holds the heap against sorting, with moves and removals.
func TestQueueKeepsItsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		all := make([]*meeting, 20)
		for i := range all {
			all[i] = &meeting{place: -1}
		}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			m := all[rapid.IntRange(0, len(all)-1).Draw(t, "meeting")]
			if rapid.Bool().Draw(t, "put") {
				q.put(m, moment(rapid.IntRange(0, 50).Draw(t, "due")))
			} else {
				q.remove(m)
			}
			for i, queued := range q {
				if int(queued.place) != i {
					t.Fatalf("%d does not know its place", i)
				}
			}
		}
		for last := moment(0); len(q) > 0; {
			first := q[0]
			if q.remove(first); first.due < last || first.place != -1 {
				t.Fatalf("%v after %v at %d", first.due, last, first.place)
			}
			last = first.due
		}
	})
}
