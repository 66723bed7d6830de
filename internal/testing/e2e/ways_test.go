package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// overStream receives pushes over the stream connection alone.
func overStream(scenario string) plan {
	return plan{
		scenario: scenario, push: simulator.PushSettings{Token: "no webhook"},
		set: func(s *config.Settings) { s.Pushes = config.Pushes{StreamMode: config.StreamOn} },
	}
}

// TestAStreamConnectionThatIsDisturbed: what is pushed arrives, once, over this connection or
// another.
func TestAStreamConnectionThatIsDisturbed(t *testing.T) {
	t.Parallel()
	for kind, connections := range map[fault.Kind]uint64{
		fault.StreamDisconnect: 2, fault.StreamDrop: 2, fault.StreamGarbage: 1,
		fault.PushDoubled: 1,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			p := overStream(office)
			p.stream = simulator.StreamSettings{ // what is lost is sent again, until the test is over
				AckTimeout: history.Duration(500 * time.Millisecond), Redeliver: history.Duration(100 * time.Millisecond), Deliveries: 1000,
			}
			d := drive(t, p)
			d.connected(1)
			d.watch("office", "1")
			d.faults(fault.Fault{Kind: kind, Next: 1, Calls: []fault.Class{fault.ClassStream}})
			d.do("office", joins("bob"))
			d.tells("office", "started", "1 joined ann poll", "2 joined bob push")
			d.connected(connections)
			d.do("office", history.LiveAction{Do: history.Join, Person: "cho", Nick: "Cho"})
			d.tells("office", "started", "1 joined ann poll", "2 joined bob push", "3 joined cho push")
			d.acknowledged(fault.ClassStream, 2)
			assert.Len(t, stored(t, d.js, "office"), 4)
			d.answers("/metrics", http.StatusOK, `rollcall_pushes_total{outcome="stored",way="stream"}`)
		})
	}
}

func TestTheLifeOfAMeetingOverTheStream(t *testing.T) {
	t.Parallel()
	d := drive(t, overStream(`{meetings: []}`))
	d.connected(1)
	require.NoError(t, d.sim.AddMeeting(history.Plan{ID: "new", Title: "Weekly", Unlisted: true, People: []history.Person{
		{ID: "ann", Nick: "Ann", Host: true}, {ID: "bob", Nick: "Bob"},
	}}))
	d.tells("new", "started")
	d.looked("new")
	d.do("new", joins("ann"))
	d.tells("new", "started", "1 joined ann push")
	d.do("new", history.LiveAction{Do: history.End})
	ended := d.tells("new", "started", "1 joined ann push", "2 left ann poll", "ended")[3]
	assert.Contains(t, []string{"closed", "ended"}, ended.Meeting.Reason, "the information may be as fast as the push")
	assert.Equal(t, 1, ended.Meeting.People)
	assert.Equal(t, 1, ended.Meeting.Peak)
	d.gone("new")
}

// TestBothWaysAtOnce: every push comes over the webhook and over the stream.
func TestBothWaysAtOnce(t *testing.T) {
	t.Parallel()
	d := drive(t, plan{scenario: office, set: func(s *config.Settings) { s.Pushes.StreamMode = config.StreamOn }})
	d.connected(1)
	d.watch("office", "1")
	d.do("office", joins("bob"))
	d.acknowledged(fault.ClassWebhook, 1)
	d.acknowledged(fault.ClassStream, 1)
	d.tells("office", "started", "1 joined ann poll", "2 joined bob push")
	assert.Len(t, stored(t, d.js, "office"), 3)
}

func TestPushesNameNobody(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]plan{"webhook": {}, "stream": overStream("")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			also := p.set
			p.scenario = `{meetings: []}`
			p.set = func(s *config.Settings) {
				often(s)
				s.Events.Privacy, s.Events.PrivacyKey = config.PrivacyPseudonym, "the privacy key, of 32 bytes or so"
				if also != nil {
					also(s)
				}
			}
			d := drive(t, p)
			if name == "stream" {
				d.connected(1)
			}
			require.NoError(t, d.sim.AddMeeting(history.Plan{ID: "new", Title: "Zara's weekly", Unlisted: true, People: []history.Person{
				{ID: "zara-id", Nick: "Zara", Host: true}, {ID: "yves-id", Nick: "Yves"}, {Nick: "Xena", Guest: true},
			}}))
			d.answers("/v1/meetings/new", http.StatusOK, `"watched"`)
			d.do("new", joins("yves-id"), joins("zara-id"), joins("Xena"))
			d.answers("/v1/meetings/new", http.StatusOK, `"activeCount":3`)
			d.do("new", history.LiveAction{Do: history.Kick, Person: "zara-id"}, history.LiveAction{Do: history.End})
			d.gone("new")
			list := stored(t, d.js, "new")
			require.Len(t, list, 8)
			for _, e := range list {
				if e.Member != nil && e.Member.UnionID == "" {
					assert.Regexp(t, `^guest:[0-9]+:g-[0-9a-f]{12}$`, e.Subject)
				} else if e.Member != nil {
					assert.Regexp(t, `^p-[0-9a-f]{32}$`, e.Subject)
					assert.Empty(t, e.Member.UserNick)
				} else {
					assert.Empty(t, e.Meeting.Title)
					if e.Type == events.MeetingEnded {
						assert.Empty(t, e.Meeting.CreatorID)
					} else {
						assert.Regexp(t, `^p-[0-9a-f]{32}$`, e.Meeting.CreatorID)
					}
				}
			}
			report := d.answers("/v1/meetings/new/report", http.StatusOK, `"people"`)
			for _, who := range []string{"zara", "Zara", "yves", "Yves", "Xena", "the privacy key", simulator.DefaultAppSecret} {
				for where, text := range map[string]string{"events": string(d.live.bytes()), "log": d.log.String(), "report": report} {
					assert.False(t, strings.Contains(text, who), "%s name %q", where, who)
				}
			}
		})
	}
}
