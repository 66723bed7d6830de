package bot

import (
	"fmt"
	"strings"
	"time"

	"github.com/c4342123/rollcall/events"
)

// phrases are what messages are made of, in one language.
type phrases struct {
	// one is what is told of one event; who is the name, with its mark.
	one func(who string, did events.Type, again bool) string
	// many is the head of a list of n people.
	many func(n int, did events.Type) string
	// present is how many people are in the meeting.
	present func(n int) string
	// meetings says how many there are.
	meetings func(n int) string
	// inMeeting and inMeetings make titles of what happened in one meeting or in several; short is
	// part of them.
	inMeeting, inMeetings func(where, what string) string
	short                 func(n int, did events.Type) string
	// comma stands between names, stop after a sentence, space between sentences.
	comma, stop, space string
	// guest marks a name from outside, again one who was there before; untitled stands for a
	// meeting's title, nameless for a name.
	guest, again       string
	untitled, nameless func(id string) string
	date               func(time.Time) string
}

var wording = map[language]phrases{
	english: {
		one: func(who string, did events.Type, again bool) string {
			if again {
				return who + " " + englishVerbs[did] + " again"
			}
			return who + " " + englishVerbs[did]
		},
		many: func(n int, did events.Type) string { return people(n) + " " + englishVerb(n, did) },
		present: func(n int) string {
			switch n {
			case 0:
				return "Nobody is in the meeting any more."
			case 1:
				return "1 person is in the meeting."
			}
			return fmt.Sprintf("%d people are in the meeting.", n)
		},
		meetings:   func(n int) string { return fmt.Sprintf("%d meetings", n) },
		inMeeting:  func(where, what string) string { return where + ": " + what },
		inMeetings: func(where, what string) string { return where + ": " + what },
		short:      func(n int, did events.Type) string { return fmt.Sprintf("%d %s", n, englishVerb(n, did)) },
		comma:      ", ", stop: ".", space: " ", guest: " (guest)", again: " (again)",
		untitled: func(id string) string { return "Meeting " + id },
		nameless: func(id string) string { return "Person " + id },
		date:     func(t time.Time) string { return t.Format("2 Jan 15:04") },
	},
	chinese: {
		one: func(who string, did events.Type, again bool) string {
			if again {
				return who + " 再次" + chineseVerbs[did]
			}
			return who + " " + chineseVerbs[did]
		},
		many:       func(n int, did events.Type) string { return fmt.Sprintf("%d 人%s", n, chineseVerbs[did]) },
		meetings:   func(n int) string { return fmt.Sprintf("%d 场会议", n) },
		inMeeting:  func(where, what string) string { return "「" + where + "」" + what },
		inMeetings: func(where, what string) string { return where + "：" + what },
		short:      func(n int, did events.Type) string { return fmt.Sprintf("%d 人%s", n, chineseVerbs[did]) },
		present: func(n int) string {
			if n == 0 {
				return "会议中已无人。"
			}
			return fmt.Sprintf("会议中现有 %d 人。", n)
		},
		comma: "、", stop: "。", space: "", guest: "（外部）", again: "（再次）",
		untitled: func(id string) string { return "会议 " + id },
		nameless: func(id string) string { return "成员 " + id },
		date:     func(t time.Time) string { return t.Format("1月2日 15:04") },
	},
}

var englishVerbs = map[events.Type]string{events.Joined: "joined", events.Left: "left", events.Kicked: "was removed"}

var chineseVerbs = map[events.Type]string{events.Joined: "加入", events.Left: "离开", events.Kicked: "被移出"}

func englishVerb(n int, did events.Type) string {
	if n != 1 {
		return strings.Replace(englishVerbs[did], "was ", "were ", 1)
	}
	return englishVerbs[did]
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}
