package events_test

import (
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/c4342123/rollcall/events"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const at = int64(1_700_000_000_123)

// member is a joined event that lacks nothing.
func member(change func(*events.Event)) events.Event {
	e := events.Event{
		ID:     events.MemberID("6321a", "2iPOw", at, events.Joined),
		Source: events.Source("ding9f50", "6321a"), Type: events.Joined, Subject: "2iPOw",
		Time: time.UnixMilli(at).UTC(), RecordedTime: time.UnixMilli(at + 1500).UTC(), Sequence: 1,
		DataSchema: events.DataSchema(events.Joined),
		Member: &events.Member{
			ConferenceID: "6321a", UnionID: "2iPOw", UserNick: "Ann", Host: true, AttendStatus: 3, PreviousAttendStatus: 2,
			JoinTime: at, Reason: events.ReasonJoined, ObservedAfter: at - 500, ObservedBefore: at + 1000,
			Via: events.ViaPoll, ActiveCount: 1, Visit: 1,
		},
	}
	if change != nil {
		change(&e)
	}
	return e
}

// end makes an end of a member event.
func end(t events.Type, reason events.Reason, status int) func(*events.Event) {
	return func(e *events.Event) {
		m := e.Member
		e.ID, e.Type, e.Sequence = events.MemberID(m.ConferenceID, e.Subject, at, t), t, 2
		e.Time, e.RecordedTime = time.UnixMilli(at+60_000).UTC(), time.UnixMilli(at+61_500).UTC()
		m.AttendStatus, m.PreviousAttendStatus, m.LeaveTime, m.Duration = status, 3, at+60_000, 60_000
		m.Reason, m.ActiveCount, m.ObservedAfter, m.ObservedBefore = reason, 0, at+59_000, at+61_000
	}
}

func meeting(t events.Type, at int64, m events.Meeting) events.Event {
	m.ConferenceID, m.Title, m.CreatorID, m.CreatorNick = "6321a", "Weekly", "c1", "Chris"
	m.StartTime = 1_700_000_000_000
	return events.Event{
		ID: events.MeetingID("6321a", at, t, ""), Source: events.Source("", "6321a"), Type: t,
		Time: time.UnixMilli(at).UTC(), RecordedTime: time.UnixMilli(at + 700).UTC(),
		DataSchema: events.DataSchema(t), Meeting: &m,
	}
}

func gap(to int64, part string) events.Event {
	return events.Event{
		ID: events.MeetingID("6321a", at, events.MeetingGap, part), Source: events.Source("", "6321a"),
		Type: events.MeetingGap, Time: time.UnixMilli(at).UTC(), RecordedTime: time.UnixMilli(at + 700).UTC(),
		DataSchema: events.DataSchema(events.MeetingGap),
		Gap:        &events.Gap{ConferenceID: "6321a", From: at, To: to, Reason: "unavailable"},
	}
}

func sight(t events.Type, to int64) events.Event {
	return events.Event{
		ID: events.SightID("", at, t), Source: events.SourceOf(""), Type: t, Time: time.UnixMilli(max(at, to)).UTC(),
		RecordedTime: time.UnixMilli(max(at, to) + 700).UTC(), DataSchema: events.DataSchema(t),
		Sight: &events.Sight{From: at, To: to, Reason: events.SightQuotaExhausted},
	}
}

// kinds is an event of every kind.
func kinds() map[string]events.Event {
	return map[string]events.Event{
		"joined": member(nil),
		"rejoined": member(func(e *events.Event) {
			e.Sequence, e.Member.Visit, e.Member.Reason, e.Member.PreviousAttendStatus = 3, 2, events.ReasonRejoined, 6
			e.Member.Inferred, e.Member.Via = true, events.ViaPush
		}),
		"joined_initial": member(func(e *events.Event) {
			e.Member.Initial, e.Member.ObservedAfter, e.Member.PreviousAttendStatus = true, 0, 0
		}),
		"joined_titled": member(func(e *events.Event) { e.Member.Title = "Weekly 周会" }),
		"joined_guest": member(func(e *events.Event) {
			e.Subject = "guest:1700000000123:Guest"
			e.ID = events.MemberID("6321a", e.Subject, at, events.Joined)
			e.Member.UnionID, e.Member.UserNick, e.Member.Host = "", "Guest", false
			e.Member.OuterOrgMember, e.Member.PSTNJoin, e.Member.CoHost = true, true, true
		}),
		"left_former_host": member(func(e *events.Event) {
			end(events.Left, events.ReasonLeft, 6)(e)
			e.Member.Host, e.Member.EverHost, e.Member.EverCoHost = false, true, true
		}),
		"left":                 member(end(events.Left, events.ReasonLeft, 6)),
		"left_disconnected":    member(inferred(end(events.Left, events.ReasonDisconnected, 2))),
		"left_vanished":        member(inferred(end(events.Left, events.ReasonVanished, 0))),
		"left_meeting_ended":   member(end(events.Left, events.ReasonMeetingEnded, 3)),
		"kicked":               member(end(events.Kicked, events.ReasonKicked, 5)),
		"meeting_started":      meeting(events.MeetingStarted, 1_700_000_000_000, events.Meeting{Reason: events.StartWatched}),
		"meeting_updated":      meeting(events.MeetingUpdated, at+1000, events.Meeting{Reason: events.UpdateKnown}),
		"meeting_ended":        meeting(events.MeetingEnded, at+90_000, events.Meeting{EndTime: at + 90_000, Reason: events.EndEnded, People: 1, Peak: 1, PersonMinutes: 1.5}),
		"meeting_gap_begun":    gap(0, ""),
		"meeting_gap_finished": gap(at+30_000, "end"),
		"joined_chained":       chained(member(nil)),
		"meeting_restarted":    meeting(events.MeetingStarted, 1_700_000_000_000, events.Meeting{Reason: events.StartWatched, Restarted: true}),
		"meeting_ended_sealed": chained(meeting(events.MeetingEnded, at+90_000, events.Meeting{EndTime: at + 90_000, Reason: events.EndClosed, Seal: seal()})),
		"meeting_gap_sealed": with(chained(gap(at+30_000, "end")), func(e *events.Event) {
			e.Gap.Seal = seal()
		}),
		"person_erased": erased(),
		"person_forget": {
			ID: events.MeetingID("6321a", at, events.PersonForget, ""), Source: events.Source("", "6321a"), Type: events.PersonForget,
			Subject: "2iPOw", Time: time.UnixMilli(at).UTC(), RecordedTime: time.UnixMilli(at + 700).UTC(),
			DataSchema: events.DataSchema(events.PersonForget),
			Forget: &events.Forget{ConferenceID: "6321a", UnionID: "2iPOw", IDs: []string{
				events.MemberID("6321a", "2iPOw", at, events.Joined), events.MemberID("6321a", "2iPOw", at, events.Left),
			}},
		},
		"source_blind":  sight(events.SourceBlind, 0),
		"source_seeing": sight(events.SourceSeeing, at+7_200_000),
		"access_read": {
			ID: events.AccessID("", "0", at), Source: events.SourceOf(""), Type: events.AccessRead, Time: time.UnixMilli(at).UTC(),
			RecordedTime: time.UnixMilli(at + 700).UTC(), DataSchema: events.DataSchema(events.AccessRead),
			Access: &events.Access{What: "report", By: "token", Name: "office", Meeting: "6321a"},
		},
		"audit_checkpoint": {
			ID: events.CheckpointID("", 303, at), Source: events.SourceOf(""), Type: events.AuditCheckpoint, Time: time.UnixMilli(at).UTC(),
			RecordedTime: time.UnixMilli(at + 700).UTC(), DataSchema: events.DataSchema(events.AuditCheckpoint),
			Checkpoint: &events.Checkpoint{Checkpoint: "rollcall/default\n303\n" + strings.Repeat("A", 43) + "=\ntime 2023-11-14T22:13:20Z\n\n— rollcall/default " + strings.Repeat("A", 91) + "=\n"},
		},
	}
}

func erased() events.Event {
	return chained(events.Event{
		ID: events.MeetingID("6321a", at, events.PersonErased, ""), Source: events.Source("", "6321a"), Type: events.PersonErased,
		Time: time.UnixMilli(at).UTC(), RecordedTime: time.UnixMilli(at + 700).UTC(), DataSchema: events.DataSchema(events.PersonErased),
		Erased: &events.Erased{
			ConferenceID: "6321a", Events: 3, Reason: "asked for, 2026-11-30", By: "office", At: at, Seal: seal(),
			Holes: []events.Hole{
				{Sequence: 2, Hash: previousHash, Previous: events.NoHash}, {Sequence: 0, Hash: events.NoHash, Previous: previousHash}, {Sequence: 5},
			},
		},
	})
}

// previousHash is what events of the tests follow upon.
var previousHash = strings.Repeat("0123456789abcdef", 4)

// chained is an event as it stands in a chain.
func chained(e events.Event) events.Event {
	e.Previous, e.Salt = previousHash, "AAECAwQFBgcICQoLDA0ODw"
	return e
}

func seal() *events.Seal {
	return &events.Seal{
		Events: 7, Hash: previousHash, Key: "U" + strings.Repeat("A", 55),
		Signature: events.FormatSignature(make([]byte, 64)),
	}
}

func inferred(change func(*events.Event)) func(*events.Event) {
	return func(e *events.Event) { change(e); e.Member.Inferred = true }
}
