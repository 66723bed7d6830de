package terminal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/plaintext/plaintexttest"
	"github.com/c4342123/rollcall/internal/face/terminal"
)

var at = time.Date(2026, 8, 3, 9, 30, 0, 250_000_000, time.UTC)

// member is a member event with what every one has.
func member(kind events.Type, reason events.Reason, m events.Member) events.Event {
	m.ConferenceID, m.Reason, m.Via = "weekly", reason, events.ViaPoll
	return events.Event{Type: kind, Subject: m.UnionID, Time: at, RecordedTime: at.Add(90 * time.Millisecond), Sequence: 1, Member: &m}
}

func TestLine(t *testing.T) {
	ann := events.Member{UnionID: "u1", UserNick: "Ann", ActiveCount: 3}
	with := func(change func(*events.Member)) events.Member {
		m := ann
		change(&m)
		return m
	}
	guest := member(events.Joined, events.ReasonJoined, events.Member{UserNick: "Guest", OuterOrgMember: true, PSTNJoin: true})
	guest.Subject = "guest:1:Guest"
	nameless := member(events.Joined, events.ReasonJoined, events.Member{UnionID: "u2"})
	early := member(events.Joined, events.ReasonJoined, ann)
	early.RecordedTime = early.Time.Add(-time.Second) // clocks differ
	late := member(events.Joined, events.ReasonJoined, ann)
	late.RecordedTime = late.Time.Add(83 * time.Minute)
	meeting := func(kind events.Type, title string) events.Event {
		return events.Event{Type: kind, Time: at, Meeting: &events.Meeting{ConferenceID: "weekly", Title: title}}
	}
	for name, c := range map[string]struct {
		event events.Event
		want  string
	}{
		"joined":     {member(events.Joined, events.ReasonJoined, ann), "+ joined      weekly                Ann  3 here  [poll, 90 ms later]"},
		"rejoined":   {member(events.Joined, events.ReasonRejoined, ann), "+ rejoined    weekly                Ann  3 here  [poll, 90 ms later]"},
		"left":       {member(events.Left, events.ReasonLeft, with(func(m *events.Member) { m.Duration = 2500 })), "- left        weekly                Ann  after 2.5 s, 3 here  [poll, 90 ms later]"},
		"kicked":     {member(events.Kicked, events.ReasonKicked, with(func(m *events.Member) { m.Duration = 3_723_456 })), "x kicked      weekly                Ann  after 1h2m3s, 3 here  [poll, 90 ms later]"},
		"vanished":   {member(events.Left, events.ReasonVanished, with(func(m *events.Member) { m.Inferred = true })), "- vanished    weekly                Ann  after 0 ms, 3 here  [poll, time inferred]"},
		"ended":      {member(events.Left, events.ReasonMeetingEnded, with(func(m *events.Member) { m.Duration = 999 })), "- meeting ended  weekly                Ann  after 999 ms, 3 here  [poll, 90 ms later]"},
		"first look": {member(events.Joined, events.ReasonJoined, with(func(m *events.Member) { m.Initial, m.Host, m.CoHost = true, true, true })), "+ joined      weekly                Ann  host, co-host, 3 here  [poll, first look]"},
		"outside":    {member(events.Joined, events.ReasonJoined, with(func(m *events.Member) { m.OuterOrgMember = true })), "+ joined      weekly                Ann  from outside, 3 here  [poll, 90 ms later]"},
		"guest":      {guest, "+ joined      weekly                Guest  guest, by phone, 0 here  [poll, 90 ms later]"},
		"nameless":   {nameless, "+ joined      weekly                u2  0 here  [poll, 90 ms later]"},
		"early":      {early, "+ joined      weekly                Ann  3 here  [poll, 0 ms later]"},
		"late":       {late, "+ joined      weekly                Ann  3 here  [poll, 1h23m0s later]"},
		"started":    {meeting(events.MeetingStarted, "Weekly 周会"), "started       weekly                Weekly 周会"},
		"updated":    {meeting(events.MeetingUpdated, "Weekly 周会"), "updated       weekly                Weekly 周会"},
		"titled":     {member(events.Joined, events.ReasonJoined, with(func(m *events.Member) { m.Title = "Weekly\x1b 周会" })), "+ joined      weekly                Ann  3 here  [poll, 90 ms later]  Weekly� 周会"},
		"over":       {meeting(events.MeetingEnded, ""), "ended         weekly                "},
		"gap": {
			events.Event{Type: events.MeetingGap, Time: at, Gap: &events.Gap{ConferenceID: "weekly", Reason: "throttled"}},
			"gap           weekly                throttled",
		},
		"erased": {
			events.Event{Type: events.PersonErased, Time: at, Erased: &events.Erased{ConferenceID: "weekly", Events: 3, Reason: "asked for"}},
			"erased        weekly                3 events: asked for",
		},
		"forget": {
			events.Event{Type: events.PersonForget, Time: at, Subject: "ann", Forget: &events.Forget{ConferenceID: "weekly"}},
			"forget        weekly                ann",
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, "09:30:00.250+00:00  "+c.want, terminal.Lines{}.Line(c.event))
		})
	}
}

func TestLineInTheTimeZoneOfTheReader(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	for _, c := range []struct {
		zone *time.Location
		at   string
		want string
	}{
		{shanghai, "2026-08-03T09:30:00.25Z", "17:30:00.250+08:00 "},
		{berlin, "2026-10-25T00:30:00Z", "02:30:00.000+02:00 "},
		{berlin, "2026-10-25T01:30:00Z", "02:30:00.000+01:00 "},
		{berlin, "2026-03-29T00:59:59Z", "01:59:59.000+01:00 "},
		{berlin, "2026-03-29T01:00:00Z", "03:00:00.000+02:00 "},
	} {
		e := member(events.Joined, events.ReasonJoined, events.Member{})
		e.Time, err = time.Parse(time.RFC3339Nano, c.at)
		require.NoError(t, err)
		line := terminal.Lines{Location: c.zone}.Line(e)
		assert.True(t, strings.HasPrefix(line, c.want), "%s begins with %s", line, c.want)
	}
}

func TestColours(t *testing.T) {
	e := member(events.Joined, events.ReasonJoined, events.Member{UnionID: "u1", UserNick: "Ann"})
	colored := terminal.Lines{Color: true}.Line(e)
	assert.Contains(t, colored, "\x1b[32m+ joined    \x1b[0m")
	assert.Equal(t, terminal.Lines{}.Line(e), stripped(colored), "colours change nothing but the colour")
	assert.Contains(t, terminal.Lines{Color: true}.Header(), "\x1b[90m")
	assert.NotContains(t, terminal.Lines{}.Header(), "\x1b")
}

// stripped takes the colours out.
func stripped(s string) string {
	return strings.NewReplacer("\x1b[32m", "", "\x1b[31m", "", "\x1b[90m", "", "\x1b[1m", "", "\x1b[0m", "").Replace(s)
}

// Whatever people call themselves, a line stays a line.
func TestLineOfHostileNames(t *testing.T) {
	for name, hostile := range map[string]string{
		"escape sequence":   "\x1b[2J\x1b[H",
		"one-byte sequence": "\u009b2J",
		"title of terminal": "\x1b]0;owned\x07",
		"new line":          "Ann\n09:30:00.250  + joined",
		"carriage return":   "Ann\rBob",
		"backspace":         "Ann\b\b\bBob",
		"tab":               "Ann\tBob",
		"delete":            "Ann\x7f",
		"right to left":     "\u202egnp.exe",
		"isolate":           "\u2066Ann\u2069",
		"marks":             "\u200eAnn\u200f\u061c",
		"line separator":    "Ann\u2028Bob\u2029",
		"invisible":         "A\u200bn\u2060n\ufeff",
		"tags":              "Ann\U000e0041",
		"no UTF-8":          "Ann\xff\xfe",
		"endless":           strings.Repeat("Ann", 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			m := member(events.Left, events.Reason(hostile), events.Member{UserNick: hostile})
			m.Member.Via = events.Via(hostile)
			unnamed := member(events.Joined, events.ReasonJoined, events.Member{})
			unnamed.Subject = hostile
			for _, e := range []events.Event{
				m, unnamed,
				{Type: events.MeetingStarted, Time: at, Meeting: &events.Meeting{ConferenceID: hostile, Title: hostile}},
				{Type: events.MeetingGap, Time: at, Gap: &events.Gap{ConferenceID: hostile, Reason: hostile}},
				{Type: events.PersonErased, Time: at, Erased: &events.Erased{ConferenceID: hostile, Reason: hostile}},
				{Type: events.PersonForget, Time: at, Subject: hostile, Forget: &events.Forget{ConferenceID: hostile}},
				{Type: events.Type(hostile), Time: at},
			} {
				line := terminal.Lines{Color: true}.Line(e)
				plaintexttest.AssertHarmless(t, stripped(line))
				assert.Less(t, len([]rune(line)), 500)
			}
		})
	}
}

func TestLineOfOrdinaryNames(t *testing.T) {
	for _, name := range []string{"韩梅", "Jonas Bäcker", "محمد", "می\u200cخواهم", "👩\u200d👩\u200d👧 家", "O'Neil-Šimić"} {
		e := member(events.Joined, events.ReasonJoined, events.Member{UnionID: "u", UserNick: name})
		assert.Contains(t, terminal.Lines{}.Line(e), name)
	}
}
