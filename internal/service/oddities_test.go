package service

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/logging"
	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

func TestOddFieldsAreCounted(t *testing.T) {
	t.Parallel()
	odd := wire.NewOddities(nil)
	odd.Note(wire.MemberHost, wire.Odd)
	odd.Note(wire.MemberHost, wire.Odd)
	odd.Note(wire.MemberJoin, wire.Unreadable)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(oddFields{odd})
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP rollcall_dingtalk_odd_fields_total Values from DingTalk of another type than documented, by field and by whether they were understood all the same.
# TYPE rollcall_dingtalk_odd_fields_total counter
rollcall_dingtalk_odd_fields_total{field="member.host",understood="yes"} 2
rollcall_dingtalk_odd_fields_total{field="member.joinTime",understood="no"} 1
`)))
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	assert.Empty(t, problems)
}

func TestReadinessNamesOddFields(t *testing.T) {
	t.Parallel()
	s := &service{odd: wire.NewOddities(nil), pushes: &pushes{quota: &pushQuota{now: time.Now}}}
	last := func() string { c := s.checks(); return c[len(c)-1].Name + ": " + c[len(c)-1].Note }
	assert.Equal(t, "dingtalk fields: ", last())
	s.odd.Note(wire.InfoEnd, wire.Odd)
	assert.Equal(t, "dingtalk fields: of another type than documented: info.endTime 1 times", last())
}

func TestPushesAreUsedUpUntilTheMonthEndsOrOneComes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 23, 0, 0, 0, time.FixedZone("", 8*3600))
	var log strings.Builder
	var handed []push.Push
	q := &pushQuota{
		next: receiverFunc(func(_ context.Context, p push.Push) error { handed = append(handed, p); return nil }),
		now:  func() time.Time { return now }, location: now.Location(),
		reporter: logging.NewChanges(slog.New(slog.NewTextHandler(&log, nil)), logging.ChangesOptions{}),
	}
	p := &pushes{quota: q}
	event := push.Push{Notices: []push.Notice{{ConferenceID: "m"}}}
	receive := func(p push.Push) { require.NoError(t, q.Receive(t.Context(), p)) }

	require.NoError(t, p.quota.err())
	receive(push.Push{Exhausted: true})
	receive(push.Push{Exhausted: true})
	require.ErrorIs(t, p.quota.err(), errPushesUsedUp)
	assert.Equal(t, 1, strings.Count(log.String(), "used up"), log.String())
	receive(event)
	require.NoError(t, p.quota.err())
	assert.Contains(t, log.String(), "works again")

	receive(push.Push{Exhausted: true})
	now = now.Add(59 * time.Minute)
	require.Error(t, p.quota.err())
	now = now.Add(2 * time.Minute)
	require.NoError(t, p.quota.err())
	assert.Len(t, handed, 4)
}

type receiverFunc func(context.Context, push.Push) error

func (f receiverFunc) Receive(ctx context.Context, p push.Push) error { return f(ctx, p) }
