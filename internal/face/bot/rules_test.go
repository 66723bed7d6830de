package bot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/dingtalk/robot"
)

func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, set := vars[name]
		return value, set
	}
}

// The example that is shipped, with its secrets where the test may read them.
func TestExampleRules(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"office-token", "office-secret"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("the "+name+"\n"), 0o600))
	}
	example, err := os.ReadFile("../../../deploy/bot.yaml")
	require.NoError(t, err)
	rules, err := Load(writeRules(t, strings.ReplaceAll(string(example), "/etc/rollcall", dir)), environment(map[string]string{
		"SECURITY_ROBOT_TOKEN": "a", "SECURITY_ROBOT_SECRET": "b",
	}))
	require.NoError(t, err)
	assert.Equal(t, "Asia/Shanghai", rules.zone.String())
	assert.Equal(t, DefaultBatch, rules.batch)
	assert.Equal(t, DefaultMaxAge, rules.maxAge)
	require.Len(t, rules.robots, 2)
	office, security := rules.robots[0], rules.robots[1]
	assert.Equal(t, robot.Options{URL: robot.DefaultURL, Token: "the office-token", Secret: "the office-secret"}, office.options)
	assert.Equal(t, robot.Options{URL: robot.DefaultURL, Token: "a", Secret: "b"}, security.options)
	assert.Equal(t, chinese, office.language)
	assert.Equal(t, english, security.language)
	assert.Len(t, office.rules, 2)
	assert.Equal(t, []events.Type{events.Joined, events.Kicked}, security.rules[0].types)
	assert.False(t, office.quiet.drop)
	assert.True(t, office.quiet.at(time.Date(2026, 8, 8, 12, 0, 0, 0, rules.zone)), "a Saturday")
	assert.False(t, office.quiet.at(time.Date(2026, 8, 7, 12, 0, 0, 0, rules.zone)), "a Friday")
}

// What docs/bot.md shows is what the example has.
func TestExampleInTheDocumentation(t *testing.T) {
	example, err := os.ReadFile("../../../deploy/bot.yaml")
	require.NoError(t, err)
	doc, err := os.ReadFile("../../../docs/bot.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(example), "\n\n")
	require.True(t, found)
	assert.Contains(t, string(doc), "```yaml\n"+rest+"```\n")
}

func TestWrongRules(t *testing.T) {
	const secret = "s3cret-s3cret"
	const good = "robots: {a: {token: x, secret: " + secret + "}}\nrules: [{robots: [a]}]\n"
	in := func(robot string) string {
		return "robots: {a: {token: x, secret: " + secret + ", " + robot + "}}\nrules: [{robots: [a]}]\n"
	}
	for name, c := range map[string]struct{ text, says string }{
		"nothing":             {"", "rules.yaml: is empty"},
		"no robots":           {"rules: [{robots: [a]}]", "robots: there is none"},
		"no rules":            {"robots: {a: {token: x, secret: y}}", "rules: there is none"},
		"unknown key":         {good + "colour: red\n", "rules.yaml:3: unknown key colour"},
		"unknown key inside":  {in("colour: red"), "rules.yaml:1: unknown key colour"},
		"nothing wrong":       {good, ""},
		"rule without robots": {strings.Replace(good, "[{robots: [a]}]", "[{initial: true}]", 1), "rules: rule 1 names no robot"},
		"robot of no rule":    {strings.Replace(good, "{a:", "{b: {token: x, secret: y}, a:", 1), "robots: b: no rule names it"},
		"robot that is not":   {strings.Replace(good, "[a]", "[a, b]", 1), `line 2: there is no robot "b"`},
		"bad name":            {strings.ReplaceAll(good, "a:", "a.b:"), "there is no robot"},
		"worse name":          {"robots: {a.b: {token: x, secret: y}}\nrules: [{robots: [a.b]}]", "a name is 1 to 64"},
		"no token":            {strings.Replace(good, "token: x,", "", 1), "token: is wanted, as one of token, token_file or token_env"},
		"two secrets":         {in("secret_env: X"), "secret: is wanted, as one of secret, secret_file or secret_env"},
		"no such file":        {strings.Replace(good, "token: x", "token_file: /nowhere", 1), "token_file: cannot read the secret: open /nowhere"},
		"no such variable":    {strings.Replace(good, "token: x", "token_env: NOT_SET", 1), "token_env: the environment has no NOT_SET"},
		"bad language":        {good + "language: fr\n", "rules.yaml:3: want one of [en zh]"},
		"bad zone":            {good + "timezone: Mars\n", `there is no "Mars"`},
		"bad batch":           {good + "batch: soon\n", ":3: want a duration"},
		"negative age":        {good + "max_age: -1s\n", ":3: want a duration"},
		"long batch":          {good + "batch: 1h\n", "batch: 1h0m0s is more than 10m0s"},
		"bad URL":             {in("url: 'ftp://x'"), "url: want the address"},
		"URL with a token":    {in("url: 'https://x/robot/send?access_token=" + secret + "'"), "url: want the address"},
		"bad time":            {in("quiet_hours: [{from: 25:00, to: 07:00}]"), ":1: want a time of day"},
		"bad minutes":         {in("quiet_hours: [{from: 22:60, to: 07:00}]"), "want a time of day"},
		"short minutes":       {in("quiet_hours: [{from: '22:0', to: 07:00}]"), "want a time of day"},
		"half a period":       {in("quiet_hours: [{from: 22:00}]"), "quiet_hours: period 1 needs from and to"},
		"no period":           {in("quiet_hours: [{from: 22:00, to: 22:00}]"), "ends when it begins"},
		"bad day":             {in("quiet_hours: [{from: 22:00, to: 07:00, days: [someday]}]"), "want a day: one of sun, mon"},
		"bad choice":          {in("in_quiet_hours: shout"), "want one of [hold drop]"},
		"bad verb":            {strings.Replace(good, "[a]", "[a], tell: [danced]", 1), "want one of [joined left kicked]"},
		"bad guests":          {strings.Replace(good, "[a]", "[a], people: {guests: some}", 1), "want one of [only none too]"},
		"bad meeting":         {strings.Replace(good, "[a]", "[a], meetings: {ids: [a.b]}", 1), ":2: a conferenceId is"},
		"empty pattern":       {strings.Replace(good, "[a]", "[a], meetings: {titles: ['!']}", 1), ":2: want a text with * and ?"},
		"long pattern":        {strings.Replace(good, "[a]", "[a], meetings: {titles: ["+strings.Repeat("x", 501)+"]}", 1), ":2: want a text"},
		"robots as a list":    {strings.Replace(good, "robots: {a:", "robots: [{a:", 1), "rules.yaml:"},
		"null":                {strings.Replace(good, "[a]", "[a, ~]", 1), ":2: something has no value"},
	} {
		t.Run(name, func(t *testing.T) {
			rules, err := Load(writeRules(t, c.text), environment(nil))
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.says)
			assert.Nil(t, rules)
			assert.NotContains(t, err.Error(), secret)
			assert.NotContains(t, err.Error(), "bot.")
		})
	}
}

func TestMatching(t *testing.T) {
	ann := joined("m1", "Ann Lee", time.Now(), 1)
	with := func(change func(*events.Event)) events.Event {
		e := joined("m1", "Ann Lee", time.Now(), 1)
		change(&e)
		return e
	}
	guest := with(func(e *events.Event) {
		e.Subject, e.Member.UnionID, e.Member.OuterOrgMember = "guest:1:Ann Lee", "", true
	})
	outer := with(func(e *events.Event) { e.Member.OuterOrgMember = true })
	initial := with(func(e *events.Event) { e.Member.Initial = true })
	left := with(func(e *events.Event) { e.Type = events.Left })
	for name, c := range map[string]struct {
		rule  string
		event events.Event
		title string
		want  verdict
	}{
		"everything":             {"", ann, "Weekly", told},
		"initial":                {"", initial, "Weekly", noRule},
		"initial too":            {"initial: true", initial, "Weekly", told},
		"left":                   {"", left, "Weekly", noRule},
		"left too":               {"tell: [joined, left]", left, "Weekly", told},
		"only left":              {"tell: [left]", ann, "Weekly", noRule},
		"meeting":                {"meetings: {ids: [m0, m1]}", ann, "", told},
		"other meeting":          {"meetings: {ids: [m0]}", ann, "", noRule},
		"title":                  {"meetings: {titles: [w*y]}", ann, "Weekly", told},
		"other title":            {"meetings: {titles: [w*y]}", ann, "Weekly 2", noRule},
		"no title":               {"meetings: {titles: [w*y]}", ann, "", noRule},
		"any title":              {"meetings: {titles: ['*']}", ann, "", told},
		"title with a slash":     {"meetings: {titles: ['a?b*']}", ann, "A/B [test] (1)\n2", told},
		"title of characters":    {"meetings: {titles: ['a.b']}", ann, "axb", noRule},
		"Chinese":                {"meetings: {titles: ['*周会?']}", ann, "产品周会1", told},
		"left out":               {"meetings: {titles: ['!*1:1*']}", ann, "Ann 1:1 Bob", noRule},
		"not left out":           {"meetings: {titles: ['!*1:1*']}", ann, "Weekly", told},
		"left out of those":      {"meetings: {titles: ['w*', '!*secret*']}", ann, "Weekly secret", noRule},
		"not left out of those":  {"meetings: {titles: ['!*secret*', 'w*']}", ann, "Weekly", told},
		"person":                 {"people: {ids: ['u-Ann Lee']}", ann, "", told},
		"other person":           {"people: {ids: [u-Bob]}", ann, "", noRule},
		"name":                   {"people: {names: [ann*]}", ann, "", told},
		"other name":             {"people: {names: [bob*]}", ann, "", noRule},
		"guests only":            {"people: {guests: only}", ann, "", noRule},
		"guests only, guest":     {"people: {guests: only}", guest, "", told},
		"guests only, outer":     {"people: {guests: only}", outer, "", told},
		"no guests":              {"people: {guests: none}", guest, "", noRule},
		"no guests, ours":        {"people: {guests: none}", ann, "", told},
		"guests too":             {"people: {guests: too}", guest, "", told},
		"all parts have to fit":  {"meetings: {ids: [m1]}, people: {names: [bob]}", ann, "", noRule},
		"a second rule may help": {"meetings: {ids: [m0]}}, {robots: [a], people: {names: [ann*]}", ann, "", told},
	} {
		t.Run(name, func(t *testing.T) {
			comma := ""
			if c.rule != "" {
				comma = ", "
			}
			rules, err := Load(writeRules(t, "robots: {a: {token: x, secret: y}}\nrules: [{robots: [a]"+comma+c.rule+"}]\n"), environment(nil))
			require.NoError(t, err)
			target := rules.robots[0]
			got := target.judge(c.event, nil, time.Now(), rules.maxAge)
			if got == needsATitle {
				got = target.judge(c.event, &c.title, time.Now(), rules.maxAge)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestJudgeByTime(t *testing.T) {
	rules, err := Load(writeRules(t, `
timezone: UTC
max_age: 1h
robots: {a: {token: x, secret: y, quiet_hours: [{from: 22:00, to: 07:00}], in_quiet_hours: drop}}
rules: [{robots: [a]}]
`), environment(nil))
	require.NoError(t, err)
	title, target := "", rules.robots[0]
	at := time.Date(2026, 8, 3, 22, 30, 0, 0, time.UTC)
	day := joined("m", "Ann", at.Add(-time.Hour), 1)
	night := joined("m", "Ann", at.Add(-time.Minute), 1)
	assert.Equal(t, told, target.judge(day, &title, at, time.Hour))
	assert.Equal(t, tooOld, target.judge(day, &title, at.Add(time.Millisecond), time.Hour))
	assert.Equal(t, told, target.judge(day, &title, at.Add(1000*time.Hour), 0))
	assert.Equal(t, quietHours, target.judge(night, &title, at, time.Hour))
	assert.Equal(t, quietHours, target.judge(night, nil, at, time.Hour), "the title need not be known")
}

func TestQuietHours(t *testing.T) {
	const day = "2026-08-03 " // a Monday
	for name, c := range map[string]struct {
		periods      string
		quiet, quick []string
	}{
		"night":         {"{from: 22:00, to: 07:30}", []string{day + "22:00", day + "23:59", day + "00:00", day + "07:29"}, []string{day + "07:30", day + "21:59"}},
		"noon":          {"{from: 12:00, to: 13:00}", []string{day + "12:00", day + "12:59"}, []string{day + "11:59", day + "13:00", day + "00:00"}},
		"Monday night":  {"{from: 22:00, to: 07:30, days: [mon]}", []string{day + "22:00", "2026-08-04 07:29"}, []string{day + "07:29", "2026-08-04 22:00"}},
		"whole Mondays": {"{from: 00:00, to: 24:00, days: [mon]}", []string{day + "00:00", day + "23:59"}, []string{"2026-08-04 00:00", "2026-08-02 23:59"}},
		"till midnight": {"{from: 22:00, to: 24:00}", []string{day + "22:00", day + "23:59"}, []string{day + "00:00"}},
		"two":           {"{from: 08:00, to: 09:00}, {from: 10:00, to: 11:00}", []string{day + "08:00", day + "10:00"}, []string{day + "09:00"}},
	} {
		t.Run(name, func(t *testing.T) {
			rules, err := Load(writeRules(t, "timezone: Asia/Shanghai\nrobots: {a: {token: x, secret: y, quiet_hours: ["+c.periods+"]}}\nrules: [{robots: [a]}]"), environment(nil))
			require.NoError(t, err)
			for want, times := range map[bool][]string{true: c.quiet, false: c.quick} {
				for _, text := range times {
					at, err := time.ParseInLocation("2006-01-02 15:04", text, rules.zone)
					require.NoError(t, err)
					assert.Equal(t, want, rules.robots[0].quiet.at(at.UTC()), text)
				}
			}
		})
	}
}

// FuzzRules holds the reading of rules files to: no panic, and one line of error without the
// secret.
func FuzzRules(f *testing.F) {
	example, err := os.ReadFile("../../../deploy/bot.yaml")
	require.NoError(f, err)
	f.Add(string(example))
	f.Add("robots: {a: {token: x, secret: y, quiet_hours: [{from: 1:00, to: 2:00, days: [mon]}]}}\nrules: [{robots: [a], meetings: {titles: ['!a?*']}}]")
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := Load(writeRules(t, text), environment(nil))
		if err != nil {
			assert.Nil(t, rules)
			return
		}
		title := "Weekly"
		for _, target := range rules.robots {
			target.judge(joined("m", "Ann", time.Now(), 1), &title, time.Now(), rules.maxAge)
			target.quiet.at(time.Now())
		}
	})
}
