package page_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/history"
	"github.com/c4342123/rollcall/internal/stored/report"
)

const nasty = `<img src=x onerror=alert(1)>`

// office is a meeting that goes on; nobody comes or goes by themselves.
func office() simulator.Scenario {
	return simulator.Scenario{Meetings: []history.Plan{{
		ID: "office", Title: "Office hours",
		People: []history.Person{
			{ID: "ann", Nick: "Ann", Host: true, Visits: []history.Visit{{}}},
			{ID: "bob", Nick: "Bob"},
			{ID: "eve", Nick: nasty, Outer: true},
		},
	}}}
}

// All of it is looked at in one browser, each in a tab that knows nothing of the others.
func TestThePageInABrowser(t *testing.T) {
	browser := launch(t)
	for name, test := range map[string]func(*testing.T, context.Context){
		"people come and go":      peopleComeAndGo,
		"the timeline is true":    timelineIsTrue,
		"a connection is lost":    connectionIsLost,
		"a nickname stays a text": nicknameStaysText,
		"logging in and out":      loggingInAndOut,
		"past meetings are found": pastMeetingsAreFound,
		"by keyboard alone":       byKeyboardAlone,
		"under a prefix":          underAPrefix,
		"times carry offsets":     timesCarryOffsets,
		"how the month stands":    monthStands,
		"a meeting of 500":        meetingOf500,
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name == "a meeting of 500" {
				t.Skip("takes half of the time of all")
			}
			t.Parallel()
			test(t, browser)
		})
	}
}

func peopleComeAndGo(t *testing.T, browser context.Context) {
	s := run(t, office(), "")
	p := open(t, browser, s.page)
	look[bool](p, "window.neverLoadedAgain = true")
	p.reads(".meeting", "Office hours")
	p.reads(".meeting .people", "1 person")
	p.reads(".connection", "Live")
	s.do("office", history.Join, "bob")
	p.reads(".meeting .people", "2 people")
	p.sees(`document.querySelector(".meeting .spark path")`)

	p.click(".meeting")
	p.reads("h1", "Office hours")
	p.reads("tr.here", "Ann")
	p.reads("tr.here", "Bob")
	s.do("office", history.Leave, "bob")
	p.reads(".events li", "Bob left")
	p.reads("tr.away", "Bob")
	s.do("office", history.Join, "bob", "eve")
	p.reads(".events li", "Bob came back")
	p.reads("tr.here", "Bob")
	p.reads("tr.here", nasty)
	s.do("office", history.Kick, "eve")
	p.reads(".events li", "was kicked")
	p.sees(`document.querySelectorAll(".bars .visit.kicked").length === 1`)
	s.do("office", history.End, "")
	p.sees(`!document.querySelector(".badge.live")`)
	assert.True(t, look[bool](p, "window.neverLoadedAgain"))

	p.visit(s.page + "#/")
	p.reads(".empty", "No meeting is watched")
	p.click(".tools button[lang=zh-CN]")
	p.reads(".empty", "目前没有")
	p.sees(`document.documentElement.lang === "zh-CN"`)
}

// monthStands in the words of the chosen language alone, whatever the service says in its own.
func monthStands(t *testing.T, browser context.Context) {
	s := run(t, office(), "", func(s *config.Settings) {
		s.DingTalk.Edition, s.DingTalk.EditionAssumed = config.EditionStandard, true
		s.DingTalk.MonthlyCalls, s.DingTalk.MonthlyPushes = config.QuotaOfEdition, config.QuotaOfEdition
	})
	p := open(t, browser, s.page)
	p.reads(".month p", "DingTalk's standard edition is assumed: one call every 2 min 35 s of office hours")
	p.sees(`/^Calls this month: \d+ of 5,000 used, [45],\d+ left, lasts until \d{4}-\d\d-\d\d/.test(document.querySelectorAll(".month p")[1].innerText)`)
	p.click(".tools button[lang=zh-CN]")
	p.reads(".month p", "未设置版本，按钉钉标准版计算：办公时间内所有会议合计每 2 分 35 秒 调用一次")
	p.sees(`/^本月推送：已用 0 \/ 3,000，剩余 3,000，可用至 \d{4}-\d\d-01/.test(document.querySelectorAll(".month p")[2].innerText)`)
	assert.False(t, look[bool](p, `/[a-z]{3}/i.test(document.querySelector(".month").innerText)`), "there is English in the Chinese page")
}

// timesCarryOffsets: an hour comes twice where summer time ends.
func timesCarryOffsets(t *testing.T, browser context.Context) {
	s := run(t, office(), "")
	for zone, want := range map[string][]string{
		"Europe/Berlin": {"02:30:00+02:00", "02:30:00+01:00", "01:59:59+01:00", "03:00:00+02:00"},
		"Asia/Shanghai": {"08:30:00+08:00", "09:30:00+08:00", "08:59:59+08:00", "09:00:00+08:00"},
	} {
		p := open(t, browser, s.page)
		p.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone})
			return err
		}))
		p.visit(s.page + "#/m/office")
		p.sees(`/^\d\d:\d\d:\d\d[+]0[128]:00 – /.test(document.querySelector(".bars title")?.textContent)`)
		p.sees(`/[+]0[128]:00$/.test(document.querySelector(".facts dd")?.textContent)`)
		assert.Equal(t, want, look[[]string](p, `import("./assets/i18n.js").then(m => ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z",
			"2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z"].map(at => m.words("en").secondOffset(Date.parse(at))))`))
	}
}

// bar is a bar of the timeline: who, and the part of the time's axis that it covers.
type bar struct {
	Who      string
	From, To float64
}

func timelineIsTrue(t *testing.T, browser context.Context) {
	sc := office()
	from := func(seconds int) history.Duration { return history.Duration(time.Duration(seconds) * time.Second) }
	to := func(seconds int) *history.Duration { d := from(seconds); return &d }
	m := &sc.Meetings[0]
	m.Start, m.Rejoin = from(-100), history.AddRow
	m.People[0].Visits = []history.Visit{{From: from(-100)}}
	m.People[1].Visits = []history.Visit{{From: from(-90), To: to(-60)}, {From: from(-30), To: to(-15), Ends: history.Kick}}
	s := run(t, sc, "")
	s.do("office", history.Join, "eve")
	s.reported("office", func(r report.Report) bool { return len(r.People) == 3 })
	s.do("office", history.Vanish, "eve")
	s.reported("office", func(r report.Report) bool { return !r.People[2].Present })
	told := s.end("office")

	p := open(t, browser, s.page+"#/m/office")
	p.sees(`document.querySelectorAll(".bars .visit").length === 4`)
	assert.True(t, told.People[2].Attendances[0].LeaveInferred)
	assert.Equal(t, []string{nasty}, look[[]string](p, `[...document.querySelectorAll("tbody tr")].filter(r => r.querySelector("line.inferred")).map(r => r.querySelector("bdi").textContent)`))
	shown := look[[]bar](p, `[...document.querySelectorAll("tbody tr")].flatMap(row => {
		const all = row.querySelector(".bars").getBoundingClientRect();
		return [...row.querySelectorAll(".visit")].map(v => v.getBoundingClientRect()).map(r =>
			({ Who: row.querySelector("bdi").textContent, From: (r.left - all.left) / all.width, To: (r.right - all.left) / all.width }));
	})`)
	first := told.StartTime
	for _, person := range told.People {
		first = min(first, person.FirstJoined)
	}
	at := func(ms int64) float64 { return float64(ms-first) / float64(told.EndTime-first) }
	var want []bar
	for _, person := range told.People {
		for _, a := range person.Attendances {
			want = append(want, bar{person.UserNick, at(a.JoinTime), at(a.LeaveTime)})
		}
	}
	require.Len(t, shown, len(want))
	for i := range want {
		assert.Equal(t, want[i].Who, shown[i].Who)
		assert.InDelta(t, want[i].From, shown[i].From, 0.002)
		assert.InDelta(t, want[i].To, shown[i].To, 0.002)
	}
}

func connectionIsLost(t *testing.T, browser context.Context) {
	s := run(t, office(), "")
	s.reported("office", func(r report.Report) bool { return len(r.People) == 1 })
	p := open(t, browser, s.page+"#/m/office")
	p.tolerated = []string{"net::ERR_"} // the network is the fault of the test
	p.reads("tr.here", "Ann")
	p.reads(".connection", "Live")
	s.proxy.Refuse(true)
	s.proxy.Cut()
	p.reads(".connection.lost", "Connection lost")
	s.do("office", history.Join, "bob")
	s.do("office", history.Leave, "ann")
	p.reads(".connection.lost", "Connection lost")
	assert.Zero(t, look[int](p, `document.querySelectorAll(".events li").length`))
	s.proxy.Refuse(false)
	p.reads(".events li", "Bob joined")
	p.reads(".events li", "Ann left")
	p.reads("tr.here", "Bob")
	p.reads("tr.away", "Ann")
	p.sees(`!document.querySelector(".connection.lost, .problem")`)
	assert.Equal(t, 2, look[int](p, `document.querySelectorAll(".events li").length`), "each once")
}

func nicknameStaysText(t *testing.T, browser context.Context) {
	sc := office()
	sc.Meetings[0].Title = nasty
	s := run(t, sc, "")
	p := open(t, browser, s.page)
	p.reads(".meeting strong", nasty)
	p.click(".meeting")
	s.do("office", history.Join, "eve")
	p.reads("tbody bdi", nasty)
	p.reads(".events bdi", nasty)
	p.reads("h1", nasty)
	p.sees(fmt.Sprintf("document.title.startsWith(%q)", nasty))
	s.end("office")
	p.visit(s.page + "#/past?q=" + url.QueryEscape(nasty))
	p.reads(".meeting strong", nasty)
	assert.Equal(t, nasty, look[string](p, `document.querySelector("input").value`))
	assert.Zero(t, look[int](p, `document.querySelectorAll("main img").length`))
}

func loggingInAndOut(t *testing.T, browser context.Context) {
	s := run(t, office(), apiToken)
	p := open(t, browser, s.page)
	p.tolerated = []string{"401 (Unauthorized)"} // of the wrong token
	p.sees(`document.activeElement.id === "token"`)
	assert.False(t, look[bool](p, `document.body.textContent.includes("Office hours")`))
	p.accessible("the form")
	p.press("wrong" + kb.Enter)
	p.reads("#login-problem", "That is not the token")
	p.press(apiToken + kb.Enter) // the wrong one is selected
	p.reads(".meeting", "Office hours")
	p.reads(".connection", "Live")
	assert.Empty(t, look[string](p, "document.cookie"), "scripts cannot read it")

	p.run(chromedp.Reload())
	p.reads(".meeting", "Office hours")
	p.reads(".tools button", "Log out")
	p.click(".tools button")
	p.sees(`document.querySelector("#token")`)
	p.run(chromedp.Reload())
	p.sees(`document.querySelector("#token")`)
	assert.Equal(t, 401, look[int](p, `fetch("v1/meetings").then(r => r.status)`))
}

func pastMeetingsAreFound(t *testing.T, browser context.Context) {
	sc := office()
	second := sc.Meetings[0]
	second.ID, second.Title = "retro", "Retrospective 回顾"
	sc.Meetings = append(sc.Meetings, second)
	s := run(t, sc, "")
	p := open(t, browser, s.page+"#/past")
	p.reads(".empty", "Nothing found")
	for _, id := range []string{"office", "retro"} {
		s.reported(id, func(r report.Report) bool { return len(r.People) == 1 })
		s.end(id)
	}
	p.sees(`document.querySelectorAll(".meeting").length === 2`) // by themselves
	p.click(".search input")
	p.press("回顾" + kb.Enter)
	p.sees(`document.querySelectorAll(".meeting").length === 1`)
	p.reads(".meeting", "Retrospective")
	p.run(chromedp.NavigateBack())
	p.sees(`document.querySelectorAll(".meeting").length === 2`)
	p.run(chromedp.NavigateForward())
	p.sees(`document.querySelectorAll(".meeting").length === 1`)
	p.click(".meeting")
	p.reads("h1", "Retrospective")
	p.reads("tbody tr", "Ann")
	for _, format := range []string{"csv", "json", "svg", "html"} {
		p.sees(fmt.Sprintf(`document.querySelector("a[download='rollcall-retro.%s']").href.endsWith("/v1/meetings/retro/report?format=%[1]s")`, format))
	}
}

func byKeyboardAlone(t *testing.T, browser context.Context) {
	s := run(t, office(), "")
	p := open(t, browser, s.page)
	p.reads(".meeting", "Office hours")
	p.tabTo(`.matches(".meeting")`)
	p.press(kb.Enter)
	p.reads("tr.here", "Ann")
	assert.Equal(t, "main", look[string](p, "document.activeElement.id"), "the next tab is within what is new")
	p.tabTo(`.matches("tr .name")`)
	assert.NotEqual(t, "none", look[string](p, "getComputedStyle(document.activeElement).outlineStyle"), "one sees where one is")
	p.press(kb.Enter)
	p.reads("tr.detail li", "joined")
	assert.Equal(t, "true", look[string](p, `document.activeElement.getAttribute("aria-expanded")`))
	p.press(" ")
	p.sees(`!document.querySelector("tr.detail")`)
}

// tabTo presses the tab key until it has reached something.
func (p *tab) tabTo(what string) {
	p.t.Helper()
	for range 30 {
		p.press(kb.Tab)
		if look[bool](p, "document.activeElement"+what) {
			return
		}
	}
	require.Fail(p.t, "cannot be reached by keyboard", what)
}
