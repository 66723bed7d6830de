package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/poller/condition"
)

// boardInterval is how often the state of every part is looked at, so that it is known since when
// it holds.
const boardInterval = time.Second

// The parts that report their state themselves.
const (
	streamPart    = "dingtalk stream connection"
	discoveryPart = "discovery"
	diskPart      = "disk"
	serverPart    = "nats server"
)

// todo is what an operator does about a part that fails.
var todo = map[string]string{
	storeArea:              "see that the NATS server runs, has room on its disk and lets this user in; rollcall doctor says what is wrong",
	"meetings":             "wait until the stored meetings are read; if that takes long, see to NATS",
	shardsArea:             "rollcall doctor says what this NATS user has to be allowed",
	"stream":               "undo the change of the stream's configuration, or stop Rollcall and mend it",
	diskPart:               "make room on the disk, or give it more of it: it is watched, and all goes on by itself",
	serverPart:             "see what the log says of component nats-server; if it does not pass, restart Rollcall",
	"leases":               "rollcall doctor says what this NATS user has to be allowed",
	"replicas":             "see to the connection of this replica to NATS; the others have its meetings",
	"other replicas":       "restart the replica that has these leases (bucket ROLLCALL_SHARDS names it); if it is none of yours, change the password of the NATS user",
	"month's calls":        "wait for the next month, or set dingtalk-edition or dingtalk-monthly-calls if the organisation has more",
	editionPart:            "set dingtalk-edition to standard, professional or pack, or dingtalk-monthly-calls (0 for no limit)",
	pushQuotaArea:          "subscribe to fewer events (rollcall doctor says which), or take an edition with more pushes; polling goes on",
	"dingtalk":             "see to the way to DingTalk, the app's credentials and its permission; rollcall doctor tries them",
	"dingtalk information": "see to the way to DingTalk, the app's credentials and its permission; rollcall doctor tries them",
	"dingtalk limit":       "wait: calls go on by themselves; if it lasts, lower dingtalk-rate or look for another user of the app's calls",
	unreadablePart:         "ask for /readyz?verbose with the API token, or /v1/meetings: they say which and why",
	streamPart:             "see to the app's credentials and its stream mode in the console; polling goes on",
	auditPart:              "see to what NATS answers; if it is damaged, restore ROLLCALL_AUDIT from a backup, and find out who changed it",
	expiryPart:             "wait until they are removed; if it says that they cannot be, see to what NATS answers",
	discoveryPart:          "see to what else fails here, and the log for what answered; for it to rest less, have pushes sent or set an edition with more calls",
}

// What an operator does about an error of DingTalk's, whatever part it fails.
const (
	doCredentials = "compare dingtalk-app-key and dingtalk-app-secret with the app's page in DingTalk's developer console"
	doReach       = "see to the way to DingTalk; rollcall doctor tries it"
	doDiscovery   = "give the app the permission to list meetings; meetings that are pushed or asked for are watched all the same"
)

// explain says of what DingTalk answers what is wrong and what to do: an app that is not let in at
// all is no matter of the part that came upon it.
func explain(c *httpapi.Check, err error) {
	var answer *api.Error
	if !errors.As(err, &answer) {
		return
	}
	switch answer.Kind {
	case api.KindCredentials:
		c.Err, c.Do = fmt.Errorf("%s; the log says more", answer.Kind), doCredentials
	case api.KindDenied:
		if c.Name == discoveryPart {
			c.Do = doDiscovery
		}
	case api.KindNetwork, api.KindTimeout, api.KindServer, api.KindReply, api.KindBlocked:
		c.Do = doReach
	case api.KindThrottled:
		c.Do = todo["dingtalk limit"]
	case api.KindExhausted:
		c.Do = todo["month's calls"]
	}
}

// board remembers of every part since when it is as it is, and when it worked last.
type board struct {
	mu    sync.Mutex
	parts map[string]standing
	own   []string // parts that report their state themselves, in the order in which they came
}

// standing is the state of a part.
type standing struct {
	err     error
	since   time.Time
	success time.Time
	exact   bool // the part says itself when it works
}

// note completes checks by what is remembered of their parts.
func (b *board) note(checks []httpapi.Check) []httpapi.Check {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for i := range checks {
		c := &checks[i]
		s := b.turn(c.Name, c.Err, now)
		if c.Err == nil && !s.exact {
			s.success = now
		}
		if slices.Contains(b.own, c.Name) {
			s.err = b.parts[c.Name].err // the check has what everybody may read of it
		}
		b.parts[c.Name] = s
		c.Since, c.Success, c.Do = s.since, s.success, cmp.Or(c.Do, todo[c.Name])
	}
	return checks
}

// turn is a part's standing after it was seen to fail, or not. The caller holds mu.
func (b *board) turn(name string, err error, now time.Time) standing {
	if b.parts == nil {
		b.parts = map[string]standing{}
	}
	s, known := b.parts[name]
	if !known || (s.err == nil) != (err == nil) {
		s.since = now
	}
	s.err = err
	return s
}

// worked says that a part has done what it is for. Whether it fails is for its check to say.
func (b *board) worked(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	s, known := b.parts[name]
	if !known {
		s = b.turn(name, nil, now)
	}
	s.success, s.exact = now, true
	b.parts[name] = s
}

// said returns the state of the parts that report it themselves. Everybody may read this: the log
// says more.
func (b *board) said(publicly func(area, text string) error) []httpapi.Check {
	b.mu.Lock()
	defer b.mu.Unlock()
	var checks []httpapi.Check
	for _, name := range b.own {
		c := httpapi.Check{Name: name}
		if err := b.parts[name].err; err != nil {
			c.Err = publicly(name, err.Error())
			explain(&c, err)
		}
		checks = append(checks, c)
	}
	return checks
}

// watch looks at the state of every part until ctx ends.
func (b *board) watch(ctx context.Context, look func() []httpapi.Check) {
	ticker := time.NewTicker(boardInterval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		b.note(look())
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// posted puts what a part reports on the board, and passes it on.
type posted struct {
	board *board
	part  string
	next  condition.Reporter
}

// post returns the reporter of a part.
func (b *board) post(part string, next condition.Reporter) condition.Reporter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.own, part) {
		b.own = append(b.own, part)
	}
	return posted{b, part, next}
}

// Failed implements [condition.Reporter]. What fails for one thing only does not make the part
// fail.
func (p posted) Failed(what string, err error) {
	if !strings.Contains(what, ": ") {
		p.set(err)
	}
	p.next.Failed(what, err)
}

// OK implements [condition.Reporter].
func (p posted) OK(what string) {
	if !strings.Contains(what, ": ") {
		p.set(nil)
	}
	p.next.OK(what)
}

// Forget implements [condition.Forgetter]: another replica does it now and reports on it. That is
// not passed on, or what fails would be logged again each time this replica takes over.
func (p posted) Forget(string) {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	p.board.parts[p.part] = p.board.turn(p.part, nil, time.Now())
}

func (p posted) set(err error) {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	now := time.Now()
	s := p.board.turn(p.part, err, now)
	if s.exact = true; err == nil {
		s.success = now
	}
	p.board.parts[p.part] = s
}
