package page_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/history"
	"github.com/c4342123/rollcall/internal/stored/report"
)

const crowdSize = 500

// crowd is a meeting of 500 whose names and titles test the layout, a small one, and one that is
// over.
func crowd() simulator.Scenario {
	ago := func(d time.Duration) history.Duration { return history.Duration(-d) }
	until := func(d time.Duration) *history.Duration { to := ago(d); return &to }
	big := history.Plan{
		ID: "townhall", Start: ago(time.Hour), Rejoin: history.AddRow,
		Title: "Quarterly town hall of everybody in every office, with questions and answers at the end 全员大会以及最后的问答环节",
	}
	names := []string{"Ann", "王小明", "Wolfeschlegelsteinhausenbergerdorff-Maximilian-Alexander-von-Hohenstein", "محمد عبد الله", nasty, "José Ñandú 🎉"}
	for i := range crowdSize {
		p := history.Person{
			ID: fmt.Sprintf("p%d", i), Nick: fmt.Sprintf("%s %d", names[i%len(names)], i), Host: i == 0, CoHost: i == 1, Outer: i%9 == 2, Phone: i%11 == 2,
			Visits: []history.Visit{{From: ago(time.Hour - time.Duration(i)*time.Second)}},
		}
		if i%5 == 0 {
			p.Visits[0].To = until(40 * time.Minute)
			p.Visits = append(p.Visits, history.Visit{From: ago(30 * time.Minute), To: until(20 * time.Minute), Ends: history.Kick}, history.Visit{From: ago(10 * time.Minute)})
		}
		big.People = append(big.People, p)
	}
	sc := office()
	over := sc.Meetings[0]
	over.ID, over.Title = "over", big.Title
	sc.Meetings = append(sc.Meetings, big, over)
	return sc
}

// view is one of the views of the page, and what tells that it is complete.
type view struct{ path, complete string }

func meetingOf500(t *testing.T, browser context.Context) {
	s := run(t, crowd(), "")
	s.reported("townhall", func(r report.Report) bool { return len(r.People) == crowdSize })
	s.end("over")
	p := open(t, browser, s.page+"#/m/townhall")
	p.reads("#roster", "500")
	p.reads(".facts", "500 people")
	assert.Equal(t, 100, look[int](p, `document.querySelectorAll("tbody tr").length`), "at first")
	p.click(".roster p button")
	p.sees(`document.querySelectorAll("tbody tr").length === 500`)
	p.click(".roster .search input")
	p.press("p499")
	p.sees(`document.querySelectorAll("tbody tr").length === 1`)
	s.do("townhall", history.Leave, "p499")
	p.reads("tr.away", "499")

	views := map[string]view{
		"now":     {"#/", `document.querySelectorAll(".meeting .spark path").length === 4`},
		"meeting": {"#/m/townhall", `document.querySelectorAll("tr.here, tr.away").length === 100`},
		"past":    {"#/past", `document.querySelector(".meeting")`},
	}
	for name, v := range views {
		p.visit("about:blank")
		p.visit(s.page + v.path)
		for _, width := range []int64{1440, 390} {
			p.size(width, 844)
			for _, language := range []string{"zh-CN", "en"} {
				p.sees(v.complete)
				p.speaks(language)
				if name == "meeting" {
					p.expand()
				}
				where := fmt.Sprintf("%s, %d px, %s", name, width, language)
				p.tidy(where)
				if language == "en" {
					for _, scheme := range []string{"light", "dark"} {
						p.scheme(scheme)
						p.accessible(where + ", " + scheme)
					}
				}
			}
		}
	}
}

// speaks switches to a language.
func (p *tab) speaks(language string) {
	p.t.Helper()
	if look[string](p, "document.documentElement.lang") != language {
		p.click(".tools button[lang]")
	}
	p.sees(fmt.Sprintf("document.documentElement.lang === %q", language))
}

// expand shows the visits of the first few people.
func (p *tab) expand() {
	p.t.Helper()
	look[bool](p, `[...document.querySelectorAll(".name[aria-expanded=false]")].slice(0, 5).forEach(b => b.click()) ?? true`)
	p.sees(`document.querySelector("tr.detail li")`)
}
