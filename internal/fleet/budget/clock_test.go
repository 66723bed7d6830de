package budget

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheServersTimeIsCountedOnForAWhile(t *testing.T) {
	mine := time.Now()
	server := mine.Add(300 * time.Hour)
	c := clock{now: func() time.Time { return mine }}
	c.ask = func(context.Context) (time.Time, error) {
		mine = mine.Add(40 * time.Millisecond) // the answer takes that long
		return server, nil
	}
	_, ok := c.read()
	assert.False(t, ok, "not asked for yet")
	r, err := c.measure(t.Context())
	require.NoError(t, err)
	c.set(r)
	assert.Equal(t, 40*time.Millisecond, c.slack)
	began := mine
	for passed, want := range map[time.Duration]bool{
		0: true, clockAge - time.Second: true, clockAge: false, 24 * time.Hour: false, -time.Second: false,
	} {
		mine = began.Add(passed)
		now, ok := c.read()
		assert.Equal(t, want, ok, passed)
		assert.WithinDuration(t, server.Add(passed), now, c.slack)
	}
	c.ask = func(context.Context) (time.Time, error) { return time.Time{}, errors.New("gone") }
	_, err = c.measure(t.Context())
	assert.ErrorContains(t, err, "gone")
}
