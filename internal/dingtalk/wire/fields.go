package wire

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
)

// Field is a field of what DingTalk sends.
type Field uint8

// The fields that are read, by what they are part of: the member list, the information on a
// meeting, the organisation's list, the token's reply, pushes, frames of the stream connection, and
// the replies of its gateway. A field that ends with Row is a whole element of a list.
const (
	List Field = iota
	ListToken
	ListTotal
	MemberRow
	MemberID
	MemberNick
	MemberJoin
	MemberLeave
	MemberStatus
	MemberHost
	MemberCoHost
	MemberOuter
	MemberPSTN
	InfoTitle
	InfoCreator
	InfoCreatorNick
	InfoStart
	InfoEnd
	InfoStatus
	InfoActive
	InfoAttended
	Org
	OrgMore
	OrgToken
	OrgTotal
	OrgRow
	OrgID
	OrgTitle
	OrgCreator
	OrgCreatorNick
	OrgStart
	OrgEnd
	OrgStatus
	Token
	TokenLife
	PushType
	PushID
	PushTime
	PushScene
	PushMeeting
	PushMeetingID
	PushTitle
	PushCreator
	PushCreatorNick
	PushStart
	PushMembers
	PushMemberRow
	PushMemberID
	PushMemberNick
	PushMemberMeeting
	PushMemberJoin
	PushMemberLeave
	PushMemberHost
	PushMemberCoHost
	PushMemberPSTN
	FrameHeaders
	Gateway

	numFields
)

// fieldNames are fixed, so that they may be labels of a metric.
var fieldNames = [numFields]string{
	List: "members.memberModels", ListToken: "members.nextToken", ListTotal: "members.totalCount",
	MemberRow: "member", MemberID: "member.unionId", MemberNick: "member.userNick", MemberJoin: "member.joinTime",
	MemberLeave: "member.leaveTime", MemberStatus: "member.attendStatus", MemberHost: "member.host",
	MemberCoHost: "member.coHost", MemberOuter: "member.outerOrgMember", MemberPSTN: "member.pstnJoin",
	InfoTitle: "info.title", InfoCreator: "info.creatorId", InfoCreatorNick: "info.creatorNick", InfoStart: "info.startTime",
	InfoEnd: "info.endTime", InfoStatus: "info.status", InfoActive: "info.activeNum", InfoAttended: "info.attendNum",
	Org: "meetings.onGoingConfList", OrgMore: "meetings.hasMore", OrgToken: "meetings.nextToken", OrgTotal: "meetings.totalCount",
	OrgRow: "meeting", OrgID: "meeting.conferenceId", OrgTitle: "meeting.title", OrgCreator: "meeting.creatorId",
	OrgCreatorNick: "meeting.creatorNick", OrgStart: "meeting.startTime", OrgEnd: "meeting.endTime", OrgStatus: "meeting.status",
	Token: "token.accessToken", TokenLife: "token.expireIn",
	PushType: "push.EventType", PushID: "push.eventId", PushTime: "push.EventTime", PushScene: "push.changeScene",
	PushMeeting: "push.openConfModel", PushMeetingID: "push.openConfModel.conferenceId", PushTitle: "push.openConfModel.title",
	PushCreator: "push.openConfModel.creatorId", PushCreatorNick: "push.openConfModel.creatorNick",
	PushStart: "push.openConfModel.startTime", PushMembers: "push.openMemberModels", PushMemberRow: "push.member",
	PushMemberID: "push.member.userId", PushMemberNick: "push.member.userNick", PushMemberMeeting: "push.member.conferenceId",
	PushMemberJoin: "push.member.joinTime", PushMemberLeave: "push.member.leaveTime", PushMemberHost: "push.member.host",
	PushMemberCoHost: "push.member.coHost", PushMemberPSTN: "push.member.pstnJoin",
	FrameHeaders: "frame.headers", Gateway: "gateway",
}

// String names the field: what it is part of, a dot, and the name it has on the wire.
func (f Field) String() string {
	if f < numFields {
		return fieldNames[f]
	}
	return fmt.Sprintf("field %d", uint8(f))
}

// Oddities counts the values that were not of the documented type, by field. Of the values
// themselves nothing is kept or said. It is safe for concurrent use, and a nil one counts nothing.
type Oddities struct {
	log    *slog.Logger
	counts [numFields][2]atomic.Uint64 // odd ones, unreadable ones
}

// NewOddities returns a count of nothing. It logs the first odd and the first unreadable value of
// each field; a nil log is fine.
func NewOddities(log *slog.Logger) *Oddities {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Oddities{log: log}
}

// Note takes note of how a value of a field could be read.
func (o *Oddities) Note(f Field, r Reading) {
	if r == Plain || o == nil {
		return
	}
	if o.counts[f][r-1].Add(1) > 1 {
		return
	}
	if r == Unreadable {
		o.log.Warn("DingTalk sent a value that cannot be read", "field", f.String())
	} else {
		o.log.Info("DingTalk sent a value of another type than documented, which is understood", "field", f.String())
	}
}

// Count is how often a field was of another type than documented.
type Count struct {
	Field string
	// Understood are the values whose meaning was clear all the same, Unreadable the others.
	Understood, Unreadable uint64
}

// Counts returns the fields that have been odd at all, in a fixed order.
func (o *Oddities) Counts() []Count {
	var out []Count
	if o == nil {
		return nil
	}
	for f := range numFields {
		c := Count{Field: f.String(), Understood: o.counts[f][Odd-1].Load(), Unreadable: o.counts[f][Unreadable-1].Load()}
		if c.Understood+c.Unreadable > 0 {
			out = append(out, c)
		}
	}
	return out
}

// String says which fields have been odd and how often; it is empty when none was.
func (o *Oddities) String() string {
	var b strings.Builder
	for _, c := range o.Counts() {
		if b.Len() > 0 {
			b.WriteString(", ")
		} else {
			b.WriteString("of another type than documented: ")
		}
		fmt.Fprintf(&b, "%s %d times", c.Field, c.Understood+c.Unreadable)
		if c.Unreadable > 0 {
			fmt.Fprintf(&b, " (%d unreadable)", c.Unreadable)
		}
	}
	return b.String()
}
