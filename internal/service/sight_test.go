package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/fleet/budget"
	"github.com/c4342123/rollcall/poller"
)

// TestATimeInWhichNobodyLookedIsTold, for which nobody ran, by the first that lists meetings again.
func TestATimeInWhichNobodyLookedIsTold(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	server := broker(t, nil).Addr().String()
	s := external(settings(t, api), server)
	s.Polling.DiscoveryInterval = 50 * time.Millisecond
	r := start(t, s)
	r.ready()
	r.eventually("/readyz?verbose", http.StatusOK, "[+] discovery ok")
	nc, err := nats.Connect(server)
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	kv, err := js.KeyValue(t.Context(), "ROLLCALL_BUDGET")
	require.NoError(t, err)
	require.Eventually(t, func() bool { _, err := kv.Get(t.Context(), "seen"); return err == nil }, patience, 10*time.Millisecond)
	require.NoError(t, r.stop())
	told := func() (found []events.Event) {
		st, err := js.Stream(t.Context(), events.Stream)
		require.NoError(t, err)
		for _, kind := range []events.Type{events.SourceBlind, events.SourceSeeing} {
			msg, err := st.GetLastMsgForSubject(t.Context(), string(kind))
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				continue
			}
			require.NoError(t, err)
			e, err := events.Decode(msg.Data)
			require.NoError(t, err)
			found = append(found, e)
		}
		return found
	}
	assert.Empty(t, told())

	weekAgo := time.Now().AddDate(0, 0, -7).UnixMilli()
	_, err = kv.Put(t.Context(), "seen", fmt.Appendf(nil, `{"at":%d}`, weekAgo))
	require.NoError(t, err)
	s.HTTP.Listen = freeAddress(t)
	both := []*running{start(t, s)}
	s.HTTP.Listen = freeAddress(t)
	both = append(both, start(t, s))
	for _, r := range both {
		r.ready()
	}
	require.Eventually(t, func() bool { return len(told()) == 2 }, patience, 10*time.Millisecond)
	for _, e := range told() {
		assert.Equal(t, weekAgo, e.Sight.From)
		assert.Equal(t, events.SightDown, e.Sight.Reason)
	}
	assert.WithinDuration(t, time.Now(), told()[1].Time, patience)
	st, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	info, err := st.Info(t.Context(), jetstream.WithSubjectFilter(events.AllOfSource))
	require.NoError(t, err)
	assert.Equal(t, map[string]uint64{string(events.SourceBlind): 1, string(events.SourceSeeing): 1}, info.State.Subjects)
	var stored struct{ At int64 }
	entry, err := kv.Get(t.Context(), "seen")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(entry.Value(), &stored))
	assert.WithinDuration(t, time.Now(), time.UnixMilli(stored.At), patience)
}

func TestWhyNobodyLooked(t *testing.T) {
	t.Parallel()
	spent := fmt.Errorf("budget: %w", budget.ErrSpent)
	began := time.Now()
	for name, c := range map[string]struct {
		failure, month error
		rests          bool
		since          time.Duration // before this replica began
		want           string
	}{
		"not running":                  {nil, nil, false, 2 * time.Hour, events.SightDown},
		"not running, and resting now": {nil, nil, true, 2 * time.Hour, events.SightDown},
		"not running, and away now":    {errors.New("x"), spent, true, 2 * time.Hour, events.SightDown},
		"not known":                    {nil, nil, false, 0, ""},
		"the month's":                  {nil, spent, true, 0, events.SightQuotaExhausted},
		"saved":                        {nil, nil, true, 0, events.SightResting},
		"its pace":                     {&poller.SourceError{Trouble: poller.Exhausted, Err: spent}, nil, false, 0, events.SightResting},
		"DingTalk's limit":             {&poller.SourceError{Trouble: poller.Exhausted, Err: errors.New("x")}, nil, false, 0, events.SightQuotaExhausted},
		"too fast":                     {&poller.SourceError{Trouble: poller.Throttled, Err: errors.New("x")}, nil, false, 0, events.SightThrottled},
		"not allowed":                  {&poller.SourceError{Trouble: poller.Denied, Err: errors.New("x")}, nil, false, 0, events.SightNoPermission},
		"away":                         {&poller.SourceError{Trouble: poller.Unavailable, Err: errors.New("x")}, nil, false, 0, events.SightUnavailable},
		"anything":                     {errors.New("x"), nil, false, 0, events.SightUnavailable},
	} {
		s := &sight{
			month: func() error { return c.month }, rests: func() bool { return c.rests }, began: began, failure: c.failure,
		}
		assert.Equal(t, c.want, s.reason(began.Add(-c.since), c.since), name)
	}
}

// TestDiscoveryThatRestsSaysUntilWhen, although all is well.
func TestDiscoveryThatRestsSaysUntilWhen(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	s := standard(external(settings(t, api), broker(t, nil).Addr().String()))
	s.Polling.DiscoveryInterval = time.Second
	r := start(t, s)
	r.ready()
	body := r.eventually("/readyz?verbose", http.StatusOK, "[!] discovery: rests until 20")
	assert.Contains(t, body, "\nready\n")
	now := time.Now()
	assert.Empty(t, resting(0, now, time.Minute, now))
	assert.Empty(t, resting(30*time.Second, now.Add(-30*time.Second), time.Minute, now))
	assert.NotEmpty(t, resting(31*time.Second, now.Add(-30*time.Second), time.Minute, now))
}
