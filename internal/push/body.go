package push

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// wireOptions: one bad byte in a nickname must not void a push, a name that comes twice counts the last time, and the
// stream connection is said to begin names with small letters where the callback begins them with capitals.
var wireOptions = json.JoinOptions(
	jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true), json.MatchCaseInsensitiveNames(true),
)

// head is what events of every type begin with.
type head struct {
	EventType text   `json:"EventType"`
	EventID   text   `json:"eventId"`
	EventTime millis `json:"EventTime"`
}

// body is the JSON of the meeting events. What DingTalk documents in two types, or not at all, is not read. Neither are
// the status of a meeting and the attendStatus of a member: conference_created carries the status that elsewhere means
// ended, so the scene alone tells what happened.
type body struct {
	Scene   text          `json:"changeScene"`
	Meeting *meetingModel `json:"openConfModel"`
	Members []memberModel `json:"openMemberModels"`
}

type meetingModel struct {
	ConferenceID text   `json:"conferenceId"`
	Title        text   `json:"title"`
	StartTime    millis `json:"startTime"`
	CreatorID    text   `json:"creatorId"`
	CreatorNick  text   `json:"creatorNick"`
}

// memberModel is one device of one person. userId holds the unionId, and is empty for people from outside.
type memberModel struct {
	UserID       text   `json:"userId"`
	UserNick     text   `json:"userNick"`
	ConferenceID text   `json:"conferenceId"`
	JoinTime     millis `json:"joinTime"`
	LeaveTime    millis `json:"leaveTime"`
	Host         flag   `json:"host"`
	CoHost       flag   `json:"coHost"`
	PSTNJoin     flag   `json:"pstnJoin"`
}
