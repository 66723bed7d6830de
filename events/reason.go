package events

// Reason says why an attendance began or ended.
type Reason string

// The reasons of member events.
const (
	ReasonJoined       Reason = "joined"        // the person's first attendance
	ReasonRejoined     Reason = "rejoined"      // the person was there before
	ReasonLeft         Reason = "left"          // the member list shows that the person left
	ReasonKicked       Reason = "kicked"        // the member list shows that the person was removed
	ReasonDisconnected Reason = "disconnected"  // the person is listed as called or failed, no longer as present
	ReasonVanished     Reason = "vanished"      // two complete lists in a row lacked the person
	ReasonMeetingEnded Reason = "meeting_ended" // the meeting was over with the person still in it
)

// The reasons of [MeetingStarted] and [MeetingUpdated].
const (
	StartWatched  = "watched" // Rollcall watches the meeting from now on
	UpdateKnown   = "known"   // something has become known that was not
	UpdateChanged = "changed" // something that was known is different now
)

// The reasons of [MeetingEnded]: how the end was noticed.
const (
	EndEnded    = "ended"     // DingTalk says that the meeting has ended, when it is asked about it
	EndNotFound = "not_found" // two looks in a row did not find the meeting any more
	EndClosed   = "closed"    // a push from DingTalk said so
)

// The reasons of [MeetingGap]: why the meeting could not be looked at.
const (
	GapThrottled      = "throttled"       // DingTalk asked for a pause: too many calls
	GapQuotaExhausted = "quota_exhausted" // the month's calls are used up
	GapNoPermission   = "no_permission"   // the app may not read the meeting
	GapNotFound       = "not_found"       // the last look did not find the meeting
	GapUnavailable    = "unavailable"     // DingTalk did not answer, or made no sense
	GapDown           = "down"            // Rollcall was not running
	GapStoreLost      = "store_lost"      // what was stored of the meeting is gone
)

// The reasons of [SourceBlind] and [SourceSeeing]: why nobody looked for live meetings.
const (
	SightQuotaExhausted = "quota_exhausted" // the month's calls are used up
	SightResting        = "resting"         // the month's calls allowed no list for so long
	SightThrottled      = "throttled"       // DingTalk asked for a pause: too many calls
	SightNoPermission   = "no_permission"   // the app may not list the meetings
	SightUnavailable    = "unavailable"     // DingTalk did not answer, or made no sense
	SightDown           = "down"            // Rollcall was not running
)

// Reasons returns every reason that an event of type t may have; none for a type that is no
// event's. A later Rollcall may have more of them.
func Reasons(t Type) []string {
	switch t {
	case Joined:
		return texts(ReasonJoined, ReasonRejoined)
	case Left:
		return texts(ReasonLeft, ReasonDisconnected, ReasonVanished, ReasonMeetingEnded)
	case Kicked:
		return texts(ReasonKicked)
	case MeetingStarted:
		return []string{StartWatched}
	case MeetingUpdated:
		return []string{UpdateKnown, UpdateChanged}
	case MeetingEnded:
		return []string{EndEnded, EndNotFound, EndClosed}
	case MeetingGap:
		return []string{
			GapThrottled, GapQuotaExhausted, GapNoPermission, GapNotFound, GapUnavailable, GapDown, GapStoreLost,
		}
	case SourceBlind, SourceSeeing:
		return []string{SightQuotaExhausted, SightResting, SightThrottled, SightNoPermission, SightUnavailable, SightDown}
	default:
		return nil
	}
}

func texts(reasons ...Reason) []string {
	out := make([]string, 0, len(reasons))
	for _, r := range reasons {
		out = append(out, string(r))
	}
	return out
}
