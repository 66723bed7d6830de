package bot

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// noon is when the messages of these tests are written.
var noon = time.Date(2026, 8, 3, 12, 0, 0, 0, time.UTC)

// happening is an event as these tests write it.
type happening struct {
	meeting, title, name string
	ago                  time.Duration
	change               func(*events.Event)
}

func left(e *events.Event)     { e.Type = events.Left }
func kicked(e *events.Event)   { e.Type = events.Kicked }
func again(e *events.Event)    { e.Member.Visit = 2 }
func inferred(e *events.Event) { e.Member.Inferred = true }
func guest(e *events.Event)    { e.Member.UnionID, e.Member.OuterOrgMember = "", true }

func present(n int) func(*events.Event) { return func(e *events.Event) { e.Member.ActiveCount = n } }

func all(changes ...func(*events.Event)) func(*events.Event) {
	return func(e *events.Event) {
		for _, change := range changes {
			change(e)
		}
	}
}

func items(p phrases, list []happening) []item {
	var out []item
	for _, h := range list {
		e := joined(h.meeting, h.name, noon.Add(-h.ago), 1)
		if h.change != nil {
			h.change(&e)
		}
		out = append(out, p.item(e, h.title))
	}
	return out
}

func TestMessages(t *testing.T) {
	for name, c := range map[string]struct {
		list                     []happening
		enTitle, en, zhTitle, zh string
	}{
		"one joiner": {
			[]happening{{"m1", "Weekly 周会", "Ann", time.Minute, present(5)}},
			"Weekly 周会: Ann joined",
			"#### Weekly 周会\n\n11:59 Ann joined. 5 people are in the meeting.",
			"「Weekly 周会」Ann 加入",
			"#### Weekly 周会\n\n11:59 Ann 加入。会议中现有 5 人。",
		},
		"alone": {
			[]happening{{"m1", "Weekly", "韩梅", time.Minute, present(1)}},
			"Weekly: 韩梅 joined", "#### Weekly\n\n11:59 韩梅 joined. 1 person is in the meeting.",
			"「Weekly」韩梅 加入", "#### Weekly\n\n11:59 韩梅 加入。会议中现有 1 人。",
		},
		"long ago": {
			[]happening{{"m1", "Weekly", "Ann", 25 * time.Hour, nil}},
			"Weekly: Ann joined", "#### Weekly\n\n2 Aug 11:00 Ann joined.",
			"「Weekly」Ann 加入", "#### Weekly\n\n8月2日 11:00 Ann 加入。",
		},
		"guest again, about then": {
			[]happening{{"m1", "Weekly", "Gil", time.Minute, all(guest, again, inferred, present(2))}},
			"Weekly: Gil (guest) joined again", "#### Weekly\n\n≈11:59 Gil (guest) joined again. 2 people are in the meeting.",
			"「Weekly」Gil（外部） 再次加入", "#### Weekly\n\n≈11:59 Gil（外部） 再次加入。会议中现有 2 人。",
		},
		"the last one leaves": {
			[]happening{{"m1", "Weekly", "Ann", 0, all(left, present(0))}},
			"Weekly: Ann left", "#### Weekly\n\n12:00 Ann left. Nobody is in the meeting any more.",
			"「Weekly」Ann 离开", "#### Weekly\n\n12:00 Ann 离开。会议中已无人。",
		},
		"many joiners": {
			[]happening{
				{"m1", "Weekly", "Ann", 2 * time.Minute, nil},
				{"m1", "Weekly", "Bob", 2 * time.Minute, guest},
				{"m1", "Weekly", "Chris", time.Minute, nil},
				{"m1", "Weekly", "Ann", time.Minute, all(again, present(3))},
			},
			"Weekly: 3 joined",
			"#### Weekly\n\n**3 people joined.**\n\n- 11:58 Ann, Bob (guest)\n- 11:59 Chris, Ann (again)\n\n3 people are in the meeting.",
			"「Weekly」3 人加入",
			"#### Weekly\n\n**3 人加入。**\n\n- 11:58 Ann、Bob（外部）\n- 11:59 Chris、Ann（再次）\n\n会议中现有 3 人。",
		},
		"coming and going": {
			[]happening{
				{"m1", "Weekly", "Ann", time.Minute, nil},
				{"m1", "Weekly", "Bob", time.Minute, nil},
				{"m1", "Weekly", "Ann", 0, all(left)},
				{"m1", "Weekly", "Gil", 0, kicked},
				{"m1", "Weekly", "Joe", 0, all(kicked, present(1))},
			},
			"Weekly: 2 joined, 1 left, 2 were removed",
			"#### Weekly\n\n**2 people joined.**\n\n- 11:59 Ann, Bob\n\n12:00 Ann left.\n\n**2 people were removed.**\n\n- 12:00 Gil, Joe\n\n1 person is in the meeting.",
			"「Weekly」2 人加入、1 人离开、2 人被移出",
			"#### Weekly\n\n**2 人加入。**\n\n- 11:59 Ann、Bob\n\n12:00 Ann 离开。\n\n**2 人被移出。**\n\n- 12:00 Gil、Joe\n\n会议中现有 1 人。",
		},
		"one person twice": {
			[]happening{{"m1", "Weekly", "Ann", 10 * time.Minute, nil}, {"m1", "Weekly", "Ann", 9 * time.Minute, again}},
			"Weekly: 1 joined", "#### Weekly\n\n**1 person joined.**\n\n- 11:50 Ann\n- 11:51 Ann (again)",
			"「Weekly」1 人加入", "#### Weekly\n\n**1 人加入。**\n\n- 11:50 Ann\n- 11:51 Ann（再次）",
		},
		"several meetings": {
			[]happening{{"m1", "Weekly", "Ann", time.Minute, present(4)}, {"m2", "", "Ann", time.Minute, present(1)}, {"m1", "Weekly", "Bob", 0, present(5)}},
			"2 meetings: 3 joined",
			"#### Weekly\n\n**2 people joined.**\n\n- 11:59 Ann\n- 12:00 Bob\n\n5 people are in the meeting.\n\n#### Meeting m2\n\n11:59 Ann joined. 1 person is in the meeting.",
			"2 场会议：3 人加入",
			"#### Weekly\n\n**2 人加入。**\n\n- 11:59 Ann\n- 12:00 Bob\n\n会议中现有 5 人。\n\n#### 会议 m2\n\n11:59 Ann 加入。会议中现有 1 人。",
		},
		"no names": {
			[]happening{{"m1", "Weekly", "", time.Minute, func(e *events.Event) { e.Member.UnionID = "3f9a2b7c8d" }}},
			"Weekly: Person 3f9a2b7c… joined", "#### Weekly\n\n11:59 Person 3f9a2b7c… joined. 1 person is in the meeting.",
			"「Weekly」成员 3f9a2b7c… 加入", "#### Weekly\n\n11:59 成员 3f9a2b7c… 加入。会议中现有 1 人。",
		},
		"names that act": {
			[]happening{{"m1", "# Week_ly\n<b>", "x](http://evil) <img src=x> @all **a** _b_ a_b", time.Minute, nil}},
			"＃ Week_ly ＜b＞: x］(http：//evil) ＜img src=x＞ ＠all ＊＊a＊＊ ＿… joined",
			"#### ＃ Week_ly ＜b＞\n\n11:59 x］(http：//evil) ＜img src=x＞ ＠all ＊＊a＊＊ ＿… joined. 1 person is in the meeting.",
			"「＃ Week_ly ＜b＞」x］(http：//evil) ＜img src=x＞ ＠all ＊＊a＊＊ ＿… 加入",
			"#### ＃ Week_ly ＜b＞\n\n11:59 x］(http：//evil) ＜img src=x＞ ＠all ＊＊a＊＊ ＿… 加入。会议中现有 1 人。",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, l := range []struct {
				language    language
				title, text string
			}{{english, c.enTitle, c.en}, {chinese, c.zhTitle, c.zh}} {
				p := wording[l.language]
				w := writer{robot: "r", phrases: p, zone: time.UTC}
				got := w.messages(items(p, c.list), noon)
				require.Len(t, got, 1)
				assert.Equal(t, l.title, got[0].Title)
				assert.Equal(t, l.text, got[0].Text)
				assert.Equal(t, len(c.list), got[0].Events)
			}
		})
	}
}

func TestTimesAreOfTheZone(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	p := wording[english]
	w := writer{phrases: p, zone: zone}
	assert.Equal(t, "19:59", w.when(items(p, []happening{{"m", "", "Ann", time.Minute, nil}})[0], noon))
	assert.Equal(t, "2 Aug 23:59", w.when(items(p, []happening{{"m", "", "Ann", 20*time.Hour + time.Minute, nil}})[0], noon))
}

func TestMessagesThatAreTooLong(t *testing.T) {
	p := wording[chinese]
	w := writer{robot: "r", phrases: p, zone: time.UTC}
	var list []happening
	for i := range maxBatchEvents {
		list = append(list, happening{fmt.Sprintf("m%d", i), strings.Repeat("会", 100), fmt.Sprintf("%03d", i) + strings.Repeat("梅", 100), 0, nil})
	}
	batch := items(p, list)
	got := w.messages(batch, noon)
	assert.Greater(t, len(got), 1)
	ids, told, text := map[string]bool{}, 0, ""
	for _, m := range got {
		assert.LessOrEqual(t, len(m.Text), maxText)
		ids[m.UUID] = true
		told += m.Events
		text += m.Text
	}
	assert.Len(t, ids, len(got), "no two messages have one id")
	assert.Equal(t, maxBatchEvents, told)
	for i := range maxBatchEvents {
		assert.Equal(t, 1, strings.Count(text, fmt.Sprintf(" %03d梅", i)))
	}
	assert.Equal(t, got, w.messages(batch, noon), "the same batch gets the same ids")
	w.robot = "other"
	assert.False(t, ids[w.messages(batch, noon)[0].UUID], "another robot's messages have others")
}

// FuzzPlain holds what is shown of a text from outside to: one line of bounded length, and nothing
// that anything acts on.
func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"a_b", "_a_", "](http://evil)", "<img>", "a\n# b", "\u202e\x00", "![x](y)", "@all", "\\*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := plain(text, maxName)
		assert.True(t, utf8.ValidString(got))
		assert.LessOrEqual(t, utf8.RuneCountInString(got), maxName+1)
		assert.False(t, strings.ContainsAny(got, "\r\n\t\\`*[]<>#~|@&"), got)
		assert.NotContains(t, got, "://")
		assert.False(t, strings.HasPrefix(got, "_") || strings.HasSuffix(got, "_"), got)
		assert.Equal(t, got, plain(got, maxName+1), "what is plain stays as it is")
	})
}
