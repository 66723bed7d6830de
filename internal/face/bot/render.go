package bot

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/dingtalk/robot"
)

const (
	// maxText bounds the text of a message, in bytes: DingTalk takes no body of more than 20,000.
	maxText = 15_000
	// recent is how old the news of how many people are in a meeting may be.
	recent = 5 * time.Minute
)

// messageIDs is the namespace of every msgUuid. With another one a batch that was sent before an
// update would be said again after it.
var messageIDs = uuid.MustParse("0b5a6b3c-3d70-5f0e-8f0b-6a8d3a1d9c11")

// writer writes a robot's messages.
type writer struct {
	robot   string
	phrases phrases
	zone    *time.Location
}

// messages makes messages of a batch, as few as its size allows. The same batch always gets the
// same ids.
func (w writer) messages(batch []item, now time.Time) []outgoing {
	text := w.text(batch, now)
	if len(text) > maxText && len(batch) > 1 {
		half := len(batch) / 2
		return append(w.messages(batch[:half], now), w.messages(batch[half:], now)...)
	}
	id := uuid.NewSHA1(messageIDs, []byte(strings.Join([]string{w.robot, batch[0].id, batch[len(batch)-1].id}, "\x00")))
	return []outgoing{{robot.Message{UUID: id.String(), Title: w.title(batch), Text: text}, len(batch)}}
}

// group returns the items in groups of those with the same key, in the order in which the keys
// first come.
func group[K comparable](items []item, key func(item) K) [][]item {
	var out [][]item
	place := map[K]int{}
	for _, it := range items {
		k := key(it)
		i, known := place[k]
		if !known {
			i = len(out)
			place[k], out = i, append(out, nil)
		}
		out[i] = append(out[i], it)
	}
	return out
}

func byMeeting(it item) string { return it.meeting }

func byVerb(it item) events.Type { return it.did }

// persons counts the people that items are about.
func persons(items []item) int {
	return len(group(items, func(it item) [2]string { return [2]string{it.meeting, it.person} }))
}

// title is what a notification shows of a batch.
func (w writer) title(batch []item) string {
	p, meetings := w.phrases, group(batch, byMeeting)
	first := batch[0]
	if len(batch) == 1 {
		return p.inMeeting(first.title, p.one(first.who(p), first.did, first.again))
	}
	var parts []string
	for _, same := range group(batch, byVerb) {
		parts = append(parts, p.short(persons(same), same[0].did))
	}
	what := strings.Join(parts, p.comma)
	if len(meetings) == 1 {
		return p.inMeeting(first.title, what)
	}
	return p.inMeetings(p.meetings(len(meetings)), what)
}

// text is the Markdown of a batch: a section for each meeting.
func (w writer) text(batch []item, now time.Time) string {
	var paragraphs []string
	for _, meeting := range group(batch, byMeeting) {
		paragraphs = append(paragraphs, "#### "+meeting[0].title)
		if len(meeting) == 1 {
			paragraphs = append(paragraphs, w.sentence(meeting[0], now))
			continue
		}
		for _, same := range group(meeting, byVerb) {
			paragraphs = append(paragraphs, w.list(same, now)...)
		}
		if last := meeting[len(meeting)-1]; now.Sub(last.at) < recent {
			paragraphs = append(paragraphs, w.phrases.present(last.present))
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// sentence tells of the only event of a meeting.
func (w writer) sentence(it item, now time.Time) string {
	p := w.phrases
	text := w.when(it, now) + " " + p.one(it.who(p), it.did, it.again) + p.stop
	if now.Sub(it.at) < recent {
		text += p.space + p.present(it.present)
	}
	return text
}

// list tells of several events of one kind: how many people, and a line for each minute.
func (w writer) list(items []item, now time.Time) []string {
	p := w.phrases
	if len(items) == 1 {
		return []string{w.when(items[0], now) + " " + p.one(items[0].who(p), items[0].did, items[0].again) + p.stop}
	}
	var lines []string
	for _, minute := range group(items, func(it item) string { return w.when(it, now) }) {
		var names []string
		for _, it := range minute {
			name := it.who(p)
			if it.again {
				name += p.again
			}
			names = append(names, name)
		}
		lines = append(lines, "- "+w.when(minute[0], now)+" "+strings.Join(names, p.comma))
	}
	return []string{"**" + p.many(persons(items), items[0].did) + p.stop + "**", strings.Join(lines, "\n")}
}

// when is the time of an event to the minute, with the day unless that is today. One that is not
// known is marked.
func (w writer) when(it item, now time.Time) string {
	t, today := it.at.In(w.zone), now.In(w.zone)
	text := t.Format("15:04")
	if t.YearDay() != today.YearDay() || t.Year() != today.Year() {
		text = w.phrases.date(t)
	}
	if it.inferred {
		return "≈" + text
	}
	return text
}
