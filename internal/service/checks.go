package service

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/poller"
)

// What the poller reports failures under; see [poller.Health].
const (
	storeArea   = "nats"
	shardsArea  = "nats shards"
	meetingArea = "meeting: " // before a meeting's id
)

// upstreamAreas are the calls to DingTalk that fail together; they are listed when they work, too.
var upstreamAreas = []string{"dingtalk", "dingtalk information", "dingtalk limit"}

const (
	// unreadablePart is about the meetings that cannot be read, of which no more than maxUnreadable
	// are named.
	unreadablePart = "meetings read"
	maxUnreadable  = 20
)

// checks says the state of everything, since when, and when it worked last: of DingTalk, when a
// list was read.
func (s *service) checks() []httpapi.Check {
	checks := s.board.note(s.parts())
	p := s.gate.behind()
	for i := range checks {
		if c := &checks[i]; p != nil && c.Name == upstreamAreas[0] {
			c.Success = p.poller.Counts().NewestLook
		}
		if c := &checks[i]; p != nil && c.Name == discoveryPart && c.Err == nil {
			c.Warning = resting(p.fleet.month.UntilList(), c.Success, s.opts.Settings.Polling.DiscoveryInterval, time.Now())
		}
	}
	return checks
}

// parts says the state of everything now.
func (s *service) parts() []httpapi.Check {
	checks := s.gate.checks()
	if p := s.gate.behind(); p != nil {
		checks = slices.Concat(checks, p.fleet.monthChecks(s.pushes.quota.err()), p.expiry.checks(), p.audit.checks())
	}
	checks = append(append(checks, s.plan.Load().check()...), s.streaming.check()...)
	checks = append(checks, s.board.said(s.gate.publicly)...)
	followStore(checks)
	return append(checks, httpapi.Check{Name: "dingtalk fields", Note: s.odd.String()})
}

// followStore says of the parts that do nothing without NATS, while there is no connection or the
// disk under the embedded server is the reason, that they wait for it: it is no failure of their
// own.
func followStore(checks []httpapi.Check) {
	away := slices.ContainsFunc(checks, func(c httpapi.Check) bool {
		return c.Name == storeArea && (errors.Is(c.Err, errNotConnected) || errors.Is(c.Err, errDiskFull) || errors.Is(c.Err, embedded.ErrStuck))
	})
	for i := range checks {
		if c := &checks[i]; away && c.Err != nil && slices.Contains(needStore, c.Name) {
			c.Err, c.Do = errWaits, "see to "+storeArea
		}
	}
}

// needStore are the parts that do nothing without NATS.
var needStore = []string{shardsArea, "leases", "replicas", discoveryPart, expiryPart, auditPart}

var errWaits = errors.New("waits for NATS")

// checks says the state of the parts behind the gate. Without NATS nothing can be stored; a
// DingTalk that cannot be read is no reason to send requests to another replica.
func (g *gate) checks() []httpapi.Check {
	store := httpapi.Check{Name: storeArea, Vital: true}
	d := g.disk.Load()
	p := g.behind()
	if p == nil {
		store.Err = d.explain(g.why())
		return []httpapi.Check{store}
	}
	health := p.poller.Health()
	meetings := httpapi.Check{Name: "meetings", Vital: true}
	if !health.Ready {
		meetings.Err = g.refusals.Explain(poller.ErrNotReady)
	}
	if text, failing := health.Failing[storeArea]; failing {
		store.Err = g.refusals.Explain(errors.New(unnamed(text)))
	}
	if !p.conn.IsConnected() {
		store.Err = errNotConnected
	}
	if stuck := d.stopped(); stuck != nil {
		store.Err = stuck
	}
	store.Err = d.explain(store.Err)
	stream := httpapi.Check{Name: "stream", Err: p.store.Drift()}
	checks := append([]httpapi.Check{store, meetings, stream}, p.fleet.checks()...)
	if d != nil {
		checks = append(checks, d.checks()...)
	}
	return append(checks, g.degraded(health.Failing)...)
}

// degraded lists what else there is, and what of it fails. It is vital only that the meetings that
// are this replica's can be read: it looks at none of them before. Meetings are counted, and named
// only to those with the token.
func (g *gate) degraded(failing map[string]string) []httpapi.Check {
	var checks []httpapi.Check
	for _, area := range upstreamAreas {
		if _, fails := failing[area]; !fails {
			checks = append(checks, httpapi.Check{Name: area})
		}
	}
	meetings, unreadable := httpapi.Check{Name: unreadablePart}, 0
	for _, area := range slices.Sorted(maps.Keys(failing)) {
		switch text := failing[area]; {
		case area == storeArea:
		case strings.HasPrefix(area, meetingArea):
			if unreadable++; unreadable <= maxUnreadable {
				meetings.Details = append(meetings.Details, area+": "+text)
			}
		default:
			checks = append(checks, httpapi.Check{Name: area, Vital: area == shardsArea, Err: g.publicly(area, text)})
		}
	}
	if unreadable > 0 {
		meetings.Err = fmt.Errorf("%d cannot be read; /v1/meetings says why", unreadable)
	}
	return append(checks, meetings)
}

// publicly says of a failure what everybody may read: of what NATS answers the error, of others
// only their kind.
func (g *gate) publicly(area, text string) error {
	text = unnamed(text)
	kind, _, _ := strings.Cut(text, ":") // the rest may quote a reply, and so name people
	if !strings.HasPrefix(area, storeArea+" ") {
		return fmt.Errorf("%s; the log says more", kind)
	}
	if _, answer, ok := strings.Cut(text, "nats: API error: "); ok {
		kind += ": " + answer
	}
	return g.refusals.Explain(fmt.Errorf("%s; the log says more", kind))
}

var meetingID = regexp.MustCompile(`\bmeeting [A-Za-z0-9_-]{1,128}( at [0-9]+)?:`)

// unnamed is the text of an error without the meeting that it is about: everybody may read it.
func unnamed(text string) string { return meetingID.ReplaceAllString(text, "a meeting$1:") }
