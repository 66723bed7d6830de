package discovery_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/internal/dingtalk/discovery"
)

func TestListsAreMadeInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		list := lister(func(context.Context) ([]api.OngoingMeeting, error) {
			at = append(at, time.Since(began))
			return nil, nil
		})
		turns := []bool{true, false, false, true, false}
		asked := 0
		r := &reporter{}
		run(t, discovery.Options{
			Lister: list, Watcher: watcher(func(string, string) (bool, error) { return false, nil }), Interval: time.Minute,
			Reporter: r,
			Turn: func(context.Context) (bool, error) {
				if asked++; asked > len(turns) {
					return false, errors.New("NATS is away")
				}
				return turns[asked-1], nil
			},
		}, 5*time.Minute+time.Second)
		assert.Equal(t, []time.Duration{0, 3 * time.Minute}, at)
		assert.Equal(t, []string{"discovery ok", "discovery ok", "discovery: NATS is away"}, r.lines,
			"how a list fares is said by whoever makes it")
	})
}
