package fault

// Class is a kind of call, or a way of a push.
type Class string

// The calls the simulator tells apart.
const (
	ClassToken   Class = "token"   // any of the token calls
	ClassMembers Class = "members" // a page of a member list
	ClassInfo    Class = "info"    // one meeting's information
	ClassOrg     Class = "org"     // the organisation's live meetings
	ClassQuery   Class = "query"   // several meetings at once
	ClassGateway Class = "gateway" // the opening of a stream connection
)

// The ways of a push, which the simulator tells apart like calls.
const (
	ClassWebhook Class = "webhook"
	ClassStream  Class = "stream"
)

// ClassRobot is a message to a group robot.
const ClassRobot Class = "robot"

// Classes are those of calls, PushClasses those of pushes.
var (
	Classes     = []Class{ClassToken, ClassMembers, ClassInfo, ClassOrg, ClassQuery, ClassGateway}
	PushClasses = []Class{ClassWebhook, ClassStream}
)

// Kind names what goes wrong.
type Kind string

// Replies that take the place of the documented one. [Fault.Status] changes the HTTP status that is
// named here.
const (
	QPSApp      Kind = "qps-app"      // 403, the app calls this API too often in a second
	QPMApp      Kind = "qpm-app"      // 403, ... in a minute
	QPSAPI      Kind = "qps-api"      // 403, all tenants together call this API too often
	QPSSuite    Kind = "qps-suite"    // 403, the third-party app calls this API too often
	Quota       Kind = "quota"        // 403, the month's calls are used up
	Busy        Kind = "busy"         // 429 system.busy
	SystemError Kind = "system-error" // 500 systemError
	NotFound    Kind = "not-found"    // 404 roomNotFound
	Denied      Kind = "denied"       // 403 noPermission
	ParamError  Kind = "param-error"  // 400 paramError
	MissingRoom Kind = "missing-room" // 400 missingRoomId
	BadToken    Kind = "bad-token"    // 400 InvalidAuthentication; the token is good nevertheless
	ExpireToken Kind = "expire-token" // 400 InvalidAuthentication, and the token really is revoked
	HTML        Kind = "html"         // 200 with an HTML page
	Block       Kind = "block"        // 200 with {"status":1111,"wait":5,...}, the address block
	Empty       Kind = "empty"        // 200 without a body
	OtherJSON   Kind = "other-json"   // 200 with a JSON object of something else
	Huge        Kind = "huge"         // 200 with valid JSON of Fault.Bytes
	Hang        Kind = "hang"         // no reply until the client gives up, or ten minutes
	Reset       Kind = "reset"        // the connection is reset before a reply
)

// Damage to the reply that the platform documents.
const (
	Truncated   Kind = "truncated"    // half of the body, as if it were all
	Cut         Kind = "cut"          // the connection is reset in the middle of the body
	ContentType Kind = "content-type" // the body is labelled text/html
	Gzip        Kind = "gzip"         // the body is compressed, asked or not, and labelled so
	Delay       Kind = "delay"        // the reply comes Fault.Delay late
)

// Changes to the content of an honest page of a member list.
const (
	RepeatToken   Kind = "repeat-token"   // nextToken leads to this page again
	ZeroToken     Kind = "zero-token"     // nextToken is "0", on the last page too
	MissingToken  Kind = "missing-token"  // no nextToken, though more follows
	IgnoredCursor Kind = "ignored-cursor" // every page is the first one, with a token that was never given
	EndlessCursor Kind = "endless-cursor" // empty pages follow the last one, each with a new token
	LastToken     Kind = "last-token"     // the last page has a token, which leads to an empty page
	LastObject    Kind = "last-object"    // the last page has a token, which leads to an empty object
	WrongTotal    Kind = "wrong-total"    // totalCount is one too high
	MissingRows   Kind = "missing-rows"   // a share of the rows is missing, though counted
	Shuffle       Kind = "shuffle"        // the rows of the page are in another order
	UnknownStatus Kind = "unknown-status" // a share of the rows has attendStatus 0, 7 or 99
	UnknownFields Kind = "unknown-fields" // rows and reply carry undocumented fields
	MissingFields Kind = "missing-fields" // rows lack Fault.Fields
	InvalidUTF8   Kind = "invalid-utf8"   // nicknames (not guests') hold a byte that is no UTF-8
)

// What happens to a push, on its way to the webhook or over the stream. A damaged push is damaged
// whenever it is sent.
const (
	PushLost        Kind = "push-lost"         // it is never sent
	PushDoubled     Kind = "push-doubled"      // it is sent twice
	PushDelayed     Kind = "push-delayed"      // it is sent Fault.Delay late
	PushReordered   Kind = "push-reordered"    // it is sent after the meeting's next one, or Fault.Delay (1 s when 0) late
	PushGarbage     Kind = "push-garbage"      // it is no JSON
	PushTruncated   Kind = "push-truncated"    // half of it is missing
	PushUnknownType Kind = "push-unknown-type" // its EventType is one nobody documents
	PushNoUser      Kind = "push-no-user"      // userId is empty
	PushNoTimes     Kind = "push-no-times"     // joinTime, leaveTime and duration are missing
	PushOld         Kind = "push-old"          // its signed time stamp is a day old; webhook only
	PushForged      Kind = "push-forged"       // an untrue one with a wrong signature precedes it; webhook only
	PushWrongOwner  Kind = "push-wrong-owner"  // an untrue one addressed to another app precedes it; webhook only
)

// What happens to a stream connection when an event is sent on it, or when the control API says so.
const (
	StreamDisconnect Kind = "stream-disconnect" // it is told to connect anew, and closed when it does not
	StreamDrop       Kind = "stream-drop"       // it is reset; the event comes again
	StreamSilence    Kind = "stream-silence"    // it stays open, but nothing is sent or read any more
	StreamGarbage    Kind = "stream-garbage"    // frames that are no JSON, or of no known type, precede the event
	StreamHuge       Kind = "stream-huge"       // a frame of Fault.Bytes (64 MiB when 0) precedes the event
)

// What happens to a message to a group robot.
const (
	RobotBusy      Kind = "robot-busy"      // errcode -1
	RobotThrottled Kind = "robot-throttled" // 410100, and the robot is blocked
	RobotRefused   Kind = "robot-refused"   // 310000, as for a wrong signature
	RobotBadToken  Kind = "robot-bad-token" // 400101
	RobotContent   Kind = "robot-content"   // 430104, the message will never be said
	RobotHTML      Kind = "robot-html"      // an HTML page with status 502
	RobotReset     Kind = "robot-reset"     // the connection is reset, the message not said
	RobotLost      Kind = "robot-lost"      // the message is said, but the connection reset before the reply
	RobotHang      Kind = "robot-hang"      // the message is said, but nothing replied
)
