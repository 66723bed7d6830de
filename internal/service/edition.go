package service

import (
	"fmt"
	"time"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/publisher"
)

// editionPart is the check that says what a month has.
const editionPart = "edition"

// workingHours is about how many hours of a month meetings go on in: 21 days of nine hours, and a
// little beside them.
const workingHours = 215

// plan is what this installation may use in a month.
type plan struct {
	config.Month
	edition config.Edition
	assumed bool // nobody has set the edition
	numbers bool // calls were set by their number
	older   bool // the installation is older than the editions
	// Only because the installation is older than the editions is there no limit of calls.
	unlimited bool
}

func newPlan(d config.DingTalk, older bool) plan {
	return plan{
		Month: d.Month(older), edition: d.Edition, assumed: d.EditionAssumed, numbers: d.MonthlyCalls != config.QuotaOfEdition,
		older: older, unlimited: d.Unlimited(older),
	}
}

// assume finds out what a month has, and says so.
func (s *service) assume(pub *publisher.Publisher) {
	p := newPlan(s.opts.Settings.DingTalk, pub.Older())
	s.plan.Store(&p)
	if warning := p.warning(); warning != "" {
		s.log.Warn(warning, "remedy", todo[editionPart])
		return
	}
	s.log.Info("what a month has: "+p.String(), "edition", p.edition, "assumed", p.assumed)
}

// warning says that an older installation may use up what it has.
func (p plan) warning() string {
	if !p.unlimited {
		return ""
	}
	standard := config.DingTalk{Edition: config.EditionStandard, MonthlyCalls: config.QuotaOfEdition}.Month(false)
	return fmt.Sprintf("no limit of the month's calls is set, and none is assumed as this installation is older than "+
		"the setting: the standard edition's %d calls may be gone within days", standard.Calls)
}

// String says which edition is assumed or set, what it has, and what that means for how soon people
// are seen.
func (p plan) String() string {
	set := "the " + string(p.edition) + " edition"
	switch {
	case p.numbers:
		set = "by number"
	case p.assumed:
		set += " is assumed"
	}
	return fmt.Sprintf("%s: %s and %s a month; %s", set, amount(p.Calls, "calls"), amount(p.Pushes, "pushes"), promptness(p.Calls))
}

func amount(n int, of string) string {
	if n == 0 {
		return "no limit of " + of
	}
	return fmt.Sprintf("%d %s", n, of)
}

// promptness says how soon people are seen with so many calls a month.
func promptness(calls int) string {
	if calls == 0 {
		return "people are seen as soon as the intervals of polling say"
	}
	every := perCall(calls)
	if every < time.Second {
		return "people are seen within seconds, also without pushes"
	}
	return fmt.Sprintf("one call every %v of office hours for all meetings together: people are seen at once while pushes arrive, "+
		"and without pushes only when their meeting's turn comes", every.Round(time.Second))
}

// perCall is how much of a month's office hours there is for each of so many calls; 0 without a
// limit.
func perCall(calls int) time.Duration {
	if calls == 0 {
		return 0
	}
	return time.Duration(float64(workingHours*time.Hour) / float64(calls))
}

// check says what a month has.
func (p *plan) check() []httpapi.Check {
	if p == nil {
		return nil // it is known when the stream is
	}
	c := httpapi.Check{Name: editionPart, Note: p.String()}
	if c.Warning = p.warning(); c.Warning != "" {
		c.Note = ""
	}
	return []httpapi.Check{c}
}
