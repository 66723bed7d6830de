package service

import (
	"fmt"
	"math"
	"strconv"

	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/internal/fleet/budget"
)

// monthPart is the check that says how the month's calls stand.
const monthPart = "month's calls"

const dayFormat = "2006-01-02"

// forecast says how something of the month stands and until when it lasts: "used 1204 of 5000, 3796
// left, lasts until 2026-12-01".
func forecast(s budget.Standing) string {
	if s.Limit == 0 {
		return fmt.Sprintf("used %d, no limit", s.Used)
	}
	said := ""
	if s.Told {
		said = " as DingTalk says"
	}
	return fmt.Sprintf("used %d of %d%s, %d left, lasts until %s", s.Used, s.Limit, said, s.Left, s.Lasts.Format(dayFormat))
}

// runsOut warns of what is used up, or will be before the month ends; empty when nothing is.
func runsOut(s budget.Standing) string {
	switch {
	case !s.RunsOut():
		return ""
	case s.Left == 0:
		return "used up"
	}
	return "at this pace gone on the " + ordinal(s.Lasts.Day())
}

// ordinal is the number of a day in words: 16th.
func ordinal(n int) string {
	switch {
	case n%10 == 1 && n != 11:
		return strconv.Itoa(n) + "st"
	case n%10 == 2 && n != 12:
		return strconv.Itoa(n) + "nd"
	case n%10 == 3 && n != 13:
		return strconv.Itoa(n) + "rd"
	default:
		return strconv.Itoa(n) + "th"
	}
}

// calls returns how the month's calls stand.
func (f *fleet) calls() budget.Standing { return f.usage.Calls(f.month.State()) }

// monthChecks say how calls and pushes of the month stand. A push quota that DingTalk calls used up
// has the error.
func (f *fleet) monthChecks(pushes error) []httpapi.Check {
	calls, pushed := f.calls(), f.usage.Pushes()
	note := forecast(pushed)
	if n := f.usage.Messages(); n > 0 {
		note += fmt.Sprintf("; %d of them messages of robots", n)
	}
	return []httpapi.Check{
		{Name: monthPart, Err: f.month.State().Err, Note: forecast(calls), Warning: runsOut(calls)},
		{Name: pushQuotaArea, Err: pushes, Note: note, Warning: runsOut(pushed)},
	}
}

// quota is how something of the month stands, as metrics show it.
type quota struct{ limit, used, left, lasts float64 }

func quotaOf(s budget.Standing) quota {
	q := quota{limit: float64(s.Limit), used: float64(s.Used), left: float64(s.Left), lasts: unix(s.Lasts)}
	if s.Limit == 0 {
		q.limit, q.left = math.Inf(1), math.Inf(1)
	}
	return q
}
