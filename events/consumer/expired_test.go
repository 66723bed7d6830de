package consumer_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/events/consumer"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// What has expired while a consumer was away is not delivered, and what comes after it is, once,
// whatever the consumer had come to.
func TestWhatHasExpiredIsPassedOver(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	r.Watch("a", streamtest.Begin, diff.Description{})
	r.Watch("b", streamtest.Begin, diff.Description{})
	r.Look("a", streamtest.Begin+2000, person("ann", 1000))
	views := map[string]consumer.Options{
		"by-type":    {Name: "by-type", Subjects: []string{events.AllMembers}},
		"by-meeting": {Name: "by-meeting", Subjects: []string{events.MembersOfMeeting("a"), events.MembersOfMeeting("b")}},
	}
	got, stops := map[string]*diary{}, []func(){}
	for name, opts := range views {
		got[name] = &diary{}
		stops = append(stops, start(t, js, opts, got[name].keep))
		got[name].becomes(t, "ann")
	}
	for _, stop := range stops {
		stop()
	}
	r.Look("a", streamtest.Begin+4000, person("ann", 1000), person("bob", 3000))
	r.End("a", streamtest.Begin+5000, person("ann", 1000), person("bob", 3000))
	r.Expire()
	r.Look("b", streamtest.Begin+60_000, person("cho", 50_000))
	for name, opts := range views {
		start(t, js, opts, got[name].keep)
		got[name].becomes(t, "ann", "cho")
		settled(t, js, name)
		assert.Len(t, got[name].all(), 2)
	}
}
