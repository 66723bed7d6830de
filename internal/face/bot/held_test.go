package bot

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// night is a robot that says nothing for some minutes of the night.
func night(then string) string {
	return strings.Replace(office, "SECsimulatedrobotsecret", "SECsimulatedrobotsecret, in_quiet_hours: "+then+
		", quiet_hours: [{from: 23:00, to: 23:20}]", 1)
}

func TestWhatHappensInQuietHoursIsHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := w.rules(night("hold"))
	w.clock.set(12, 0)
	p := w.launch("a", rules, -1, false)
	w.ready("office")
	w.join("m", "Noon")
	w.told(0)
	p.stop()
	at := w.clock.set(23, 0)
	w.join("m", "Ann")
	w.join("m", "Bob")
	w.launch("b", rules, -1, false)
	w.told(0)
	said := w.sim.Robots()[0].Said
	require.Len(t, said, 2)
	assert.GreaterOrEqual(t, said[1].At, at.Add(20*time.Minute).UnixMilli())
	assert.Less(t, said[1].At, at.Add(30*time.Minute).UnixMilli())
	assert.Contains(t, said[1].Text, "- 23:00 Ann, Bob")
}

func TestWhatHappensInQuietHoursIsDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := w.rules(night("drop"))
	w.clock.set(12, 0)
	w.launch("a", rules, -1, false).stop()
	// The robot is new: it is told what comes after the process has claimed it.
	p := w.launch("b", rules, -1, false)
	w.ready("office")
	p.stop()
	w.join("m", "Noon")
	w.clock.set(23, 0)
	w.join("m", "Night")
	w.clock.set(12, 0)
	w.join("m", "Later")
	w.launch("c", rules, -1, false)
	w.joined = []string{"Noon", "Later"}
	w.told(0)
	assert.NotContains(t, w.counts(0), "Night")
}

func TestWhatIsTooOldIsNotTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := w.rules("max_age: 31h\n" + strings.TrimPrefix(office, "\n"))
	p := w.launch("a", rules, -1, false)
	w.ready("office")
	p.stop()
	w.clock.set(12, 0)
	w.join("m", "Old")
	w.clock.set(11, 0)
	w.join("m", "Young")
	w.clock.set(17, 0)
	w.launch("b", rules, -1, false)
	w.joined = []string{"Young"}
	w.told(0)
	assert.NotContains(t, w.counts(0), "Old")
	assert.Contains(t, w.log.String(), `"events are too old to be told" robot=office events=1`)
}

func TestTitles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.titled("m1", "Weekly")
	w.launch("a", w.rules(strings.Replace(office, "{robots: [office]}", "{robots: [office], meetings: {titles: [weekly, daily]}}", 1)), -1, false)
	w.ready("office")
	w.join("m1", "Ann") // the title is looked up
	w.told(0)
	w.join("m2", "Bob") // no title
	w.join("m1", "Mia") // once she is told of, Bob has been passed over
	w.joined = []string{"Mia"}
	w.told(0)
	w.titled("m2", "Daily")
	w.join("m2", "Chris") // the title has come
	w.joined = []string{"Chris"}
	w.told(0)
	assert.NotContains(t, w.counts(0), "Bob")
	assert.Contains(t, w.said(0)[2], "#### Daily\n")
	w.tell(events.MeetingUpdated, "m2", "Weekly")
	w.join("m2", "Dan") // it was renamed
	w.joined = []string{"Dan"}
	w.told(0)
	assert.Contains(t, w.said(0)[3], "#### Weekly\n")
	w.join("m4", "Eve", func(e *events.Event) { e.Member.Title = "Daily" })
	w.joined = []string{"Eve"}
	w.told(0)
	assert.Contains(t, w.said(0)[4], "#### Daily\n")
}

// What was told of a meeting before the stream is read is looked up: the last that is known.
func TestTitlesAreLookedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.titled("m1", "")
	w.tell(events.MeetingUpdated, "m1", "Weekly")
	w.titled("m2", "Daily")
	w.tell(events.MeetingUpdated, "m2", "Yearly")
	stream, err := w.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	known := titles{stream: stream}
	for meeting, want := range map[string]string{"m1": "Weekly", "m2": "Yearly", "m3": ""} {
		got, err := known.of(t.Context(), &events.Member{ConferenceID: meeting}, time.Now())
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

func TestTitlesAreForgotten(t *testing.T) {
	var known titles
	for i := range 3 * maxTitles {
		known.note(&events.Meeting{ConferenceID: name(i), Title: "t"})
		assert.LessOrEqual(t, len(known.known), maxTitles)
	}
}

// What is no event, or none of a person, does no harm.
func TestPoison(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.launch("a", w.rules(office), -1, false)
	w.ready("office")
	for _, payload := range []string{"", "{", "null", `{"specversion":"1.0","type":"conference.member.joined"}`, "\x1b[2J"} {
		w.store(string(events.Joined), []byte(payload))
	}
	ended := events.Event{
		ID: "x", Source: events.Source("", "m"), Type: events.MeetingEnded, Time: time.Now(), RecordedTime: time.Now(),
		Meeting: &events.Meeting{ConferenceID: "m", Reason: "ended"},
	}
	payload, err := events.Encode(ended)
	require.NoError(t, err)
	w.store(string(events.Joined), payload)
	w.join("m", "Ann")
	w.told(0)
	assert.GreaterOrEqual(t, strings.Count(w.log.String(), "a message in the stream is no event"), 5)
	assert.NotContains(t, w.log.String(), "\x1b")
}

// An entry that cannot be read is left alone, and said.
func TestCorruptEntry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := w.rules(office)
	p := w.launch("a", rules, -1, false)
	w.ready("office")
	p.stop()
	kv, err := w.js.KeyValue(t.Context(), Bucket)
	require.NoError(t, err)
	good, err := kv.Get(t.Context(), "office")
	require.NoError(t, err)
	_, err = kv.PutString(t.Context(), "office", "}{")
	require.NoError(t, err)
	w.launch("b", rules, -1, false)
	require.Eventually(t, func() bool { return strings.Contains(w.log.String(), "cannot be read") }, patience, time.Millisecond)
	w.join("m", "Ann")
	assert.Empty(t, w.said(0))
	_, err = kv.Put(t.Context(), "office", good.Value())
	require.NoError(t, err)
	w.told(0)
}

// Another stream that took the place of the one before is all new.
func TestAnotherStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := w.rules(office)
	p := w.launch("a", rules, -1, false)
	w.ready("office")
	for i := range 5 {
		w.join("m", name(i))
	}
	w.told(0)
	p.stop()
	require.NoError(t, w.js.DeleteStream(t.Context(), events.Stream))
	w.launch("b", rules, -1, false)
	require.Eventually(t, func() bool { return strings.Contains(w.log.String(), "has no stream CONFERENCE") }, patience, time.Millisecond)
	w.makeStream()
	w.join("m", "Ann")
	w.told(0)
}

// A clock that is set back does not silence the robot for as long.
func TestClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	w := &worker{st: state{Slots: []int64{noon.Add(24 * time.Hour).UnixMilli(), noon.Add(-time.Second).UnixMilli()}}}
	assert.Equal(t, []int64{noon.Add(requestTime + time.Minute + slack).UnixMilli()}, w.slots(noon))
}

func TestRobotThatHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.launch("a", w.rules(office), -1, false)
	w.ready("office")
	w.fault(fault.Fault{Kind: fault.RobotHang, Next: 1})
	w.join("m", "Ann")
	require.Eventually(t, func() bool { return w.sim.Robots()[0].Repeated == 1 }, patience, time.Millisecond)
	w.told(0)
}
