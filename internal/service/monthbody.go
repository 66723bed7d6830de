package service

import (
	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/internal/fleet/budget"
)

// month is how the calls and pushes of the month stand, for programs and the page; nil while that is not known.
func (s *service) month() *httpapi.Month {
	plan, p := s.plan.Load(), s.gate.behind()
	if plan == nil || p == nil {
		return nil
	}
	m := &httpapi.Month{
		Edition: string(plan.edition), Assumed: plan.assumed, ByNumber: plan.numbers, Unset: plan.unlimited,
		SecondsPerCall: perCall(plan.Calls).Seconds(),
		Calls:          standingBody(p.fleet.calls(), p.fleet.month.State().Err),
		Pushes:         standingBody(p.fleet.usage.Pushes(), s.pushes.quota.err()),
	}
	m.Pushes.RobotMessages = p.fleet.usage.Messages()
	return m
}

// standingBody is how something of the month stands that is used up where there is an error.
func standingBody(s budget.Standing, usedUp error) httpapi.Quota {
	q := httpapi.Quota{Used: s.Used, Told: s.Told, UsedUp: usedUp != nil}
	if s.Limit > 0 {
		q.Limit, q.Left, q.LastsUntil, q.RunsOut = &s.Limit, &s.Left, &s.Lasts, s.RunsOut()
		q.UsedUp = q.UsedUp || s.Left == 0
	}
	return q
}
