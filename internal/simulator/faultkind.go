package simulator

import "slices"

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

var (
	classes     = []Class{ClassToken, ClassMembers, ClassInfo, ClassOrg, ClassQuery, ClassGateway}
	pushClasses = []Class{ClassWebhook, ClassStream}
)

// FaultKind names what goes wrong.
type FaultKind string

// Replies that take the place of the honest one. [Fault.Status] changes the HTTP status that is named here.
const (
	FaultQPSApp      FaultKind = "qps-app"      // 403, the app calls this API too often in a second
	FaultQPMApp      FaultKind = "qpm-app"      // 403, ... in a minute
	FaultQPSAPI      FaultKind = "qps-api"      // 403, all tenants together call this API too often
	FaultQPSSuite    FaultKind = "qps-suite"    // 403, the third-party app calls this API too often
	FaultQuota       FaultKind = "quota"        // 403, the month's calls are used up
	FaultBusy        FaultKind = "busy"         // 429 system.busy
	FaultSystemError FaultKind = "system-error" // 500 systemError
	FaultNotFound    FaultKind = "not-found"    // 404 roomNotFound
	FaultDenied      FaultKind = "denied"       // 403 noPermission
	FaultParamError  FaultKind = "param-error"  // 400 paramError
	FaultMissingRoom FaultKind = "missing-room" // 400 missingRoomId
	FaultBadToken    FaultKind = "bad-token"    // 400 InvalidAuthentication; the token is good nevertheless
	FaultExpireToken FaultKind = "expire-token" // 400 InvalidAuthentication, and the token really is revoked
	FaultHTML        FaultKind = "html"         // 200 with an HTML page
	FaultBlock       FaultKind = "block"        // 200 with {"status":1111,"wait":5,...}, the address block
	FaultEmpty       FaultKind = "empty"        // 200 without a body
	FaultOtherJSON   FaultKind = "other-json"   // 200 with a JSON object of something else
	FaultHuge        FaultKind = "huge"         // 200 with valid JSON of Fault.Bytes
	FaultHang        FaultKind = "hang"         // no reply until the client gives up, or ten minutes
	FaultReset       FaultKind = "reset"        // the connection is reset before a reply
)

// Damage to the honest reply.
const (
	FaultTruncated   FaultKind = "truncated"    // half of the body, as if it were all
	FaultCut         FaultKind = "cut"          // the connection is reset in the middle of the body
	FaultContentType FaultKind = "content-type" // the body is labelled text/html
	FaultGzip        FaultKind = "gzip"         // the body is compressed, asked or not, and labelled so
	FaultDelay       FaultKind = "delay"        // the reply comes Fault.Delay late
)

// Changes to the content of an honest page of a member list.
const (
	FaultRepeatToken   FaultKind = "repeat-token"   // nextToken leads to this page again
	FaultZeroToken     FaultKind = "zero-token"     // nextToken is "0", on the last page too
	FaultMissingToken  FaultKind = "missing-token"  // no nextToken, though more follows
	FaultIgnoredCursor FaultKind = "ignored-cursor" // every page is the first one, with a token that was never given
	FaultEndlessCursor FaultKind = "endless-cursor" // empty pages follow the last one, each with a new token
	FaultLastToken     FaultKind = "last-token"     // the last page has a token, which leads to an empty page
	FaultLastObject    FaultKind = "last-object"    // the last page has a token, which leads to an empty object
	FaultWrongTotal    FaultKind = "wrong-total"    // totalCount is one too high
	FaultMissingRows   FaultKind = "missing-rows"   // a share of the rows is missing, though counted
	FaultShuffle       FaultKind = "shuffle"        // the rows of the page are in another order
	FaultUnknownStatus FaultKind = "unknown-status" // a share of the rows has attendStatus 0, 7 or 99
	FaultUnknownFields FaultKind = "unknown-fields" // rows and reply carry fields nobody knows
	FaultMissingFields FaultKind = "missing-fields" // rows lack Fault.Fields
	FaultInvalidUTF8   FaultKind = "invalid-utf8"   // nicknames (not guests') hold a byte that is no UTF-8
)

// What happens to a push, on its way to the webhook or over the stream. A damaged push is damaged whenever it is sent.
const (
	FaultPushLost        FaultKind = "push-lost"         // it is never sent
	FaultPushDoubled     FaultKind = "push-doubled"      // it is sent twice
	FaultPushDelayed     FaultKind = "push-delayed"      // it is sent Fault.Delay late
	FaultPushReordered   FaultKind = "push-reordered"    // it is sent after the meeting's next one, or Fault.Delay (1 s when 0) late
	FaultPushGarbage     FaultKind = "push-garbage"      // it is no JSON
	FaultPushTruncated   FaultKind = "push-truncated"    // half of it is missing
	FaultPushUnknownType FaultKind = "push-unknown-type" // its EventType is one nobody documents
	FaultPushNoUser      FaultKind = "push-no-user"      // userId is empty
	FaultPushNoTimes     FaultKind = "push-no-times"     // joinTime, leaveTime and duration are missing
	FaultPushOld         FaultKind = "push-old"          // its signed time stamp is a day old; webhook only
	FaultPushForged      FaultKind = "push-forged"       // an untrue one with a wrong signature precedes it; webhook only
	FaultPushWrongOwner  FaultKind = "push-wrong-owner"  // an untrue one addressed to another app precedes it; webhook only
)

// What happens to a stream connection when an event is sent on it, or when [Simulator.DisturbStreams] says so.
const (
	FaultStreamDisconnect FaultKind = "stream-disconnect" // it is told to connect anew, and closed when it does not
	FaultStreamDrop       FaultKind = "stream-drop"       // it is reset; the event comes again
	FaultStreamSilence    FaultKind = "stream-silence"    // it stays open, but nothing is sent or heard any more
	FaultStreamGarbage    FaultKind = "stream-garbage"    // frames that are no JSON, or of no known type, precede the event
	FaultStreamHuge       FaultKind = "stream-huge"       // a frame of Fault.Bytes (64 MiB when 0) precedes the event
)

// What happens to a message to a group robot.
const (
	FaultRobotBusy      FaultKind = "robot-busy"      // errcode -1
	FaultRobotThrottled FaultKind = "robot-throttled" // 410100, and the robot is blocked
	FaultRobotRefused   FaultKind = "robot-refused"   // 310000, as for a wrong signature
	FaultRobotBadToken  FaultKind = "robot-bad-token" // 400101
	FaultRobotContent   FaultKind = "robot-content"   // 430104, the message will never be said
	FaultRobotHTML      FaultKind = "robot-html"      // an HTML page with status 502
	FaultRobotReset     FaultKind = "robot-reset"     // the connection is reset, the message not said
	FaultRobotLost      FaultKind = "robot-lost"      // the message is said, but the connection reset before the reply
	FaultRobotHang      FaultKind = "robot-hang"      // the message is said, but nothing replied
)

// stage is where in a call a kind of fault acts.
type stage uint8

const (
	stageReply stage = iota + 1 // instead of the honest reply
	stageRows                   // on the rows of a member list
	stageBody                   // on the bytes of the reply
	stageWait                   // before everything
	stagePush                   // on a push
	stageLink                   // on a stream connection
	stageRobot                  // on a message to a robot
)

// faultSpec says what a kind does. Code and message are those of an error body; without a code the kind has a
// function of its own.
type faultSpec struct {
	stage         stage
	status        int
	code, message string
	only          Class // all classes of the stage when empty
}

// fits says whether a fault of this kind can hit calls or pushes of the class.
func (s faultSpec) fits(class Class) bool {
	if s.only != "" {
		return class == s.only
	}
	if s.stage == stagePush {
		return slices.Contains(pushClasses, class)
	}
	return slices.Contains(classes, class)
}

const limitPrefix = "Forbidden.AccessDenied."

var faultSpecs = map[FaultKind]faultSpec{
	FaultQPSApp:      {stage: stageReply, status: 403, code: limitPrefix + "QpsLimitForAppkeyAndApi", message: "The app's calls per second of this API are used up."},
	FaultQPMApp:      {stage: stageReply, status: 403, code: limitPrefix + "QpmLimitForAppkeyAndApi", message: "The app's calls per minute of this API are used up."},
	FaultQPSAPI:      {stage: stageReply, status: 403, code: limitPrefix + "QpsLimitForApi", message: "This API's calls per second are used up."},
	FaultQPSSuite:    {stage: stageReply, status: 403, code: limitPrefix + "QpsLimitForSuitekeyAndOrgAndApi", message: "The suite's calls per second of this API are used up."},
	FaultQuota:       {stage: stageReply, status: 403, code: limitPrefix + "ApiCountLimitForOrg", message: "The organisation's calls of this month are used up."},
	FaultBusy:        {stage: stageReply, status: 429, code: "system.busy", message: "The system is busy, try again later."},
	FaultSystemError: {stage: stageReply, status: 500, code: "systemError", message: "System error."},
	FaultNotFound:    {stage: stageReply, status: 404, code: "roomNotFound", message: "The room does not exist."},
	FaultDenied:      {stage: stageReply, status: 403, code: "noPermission", message: "No permission."},
	FaultParamError:  {stage: stageReply, status: 400, code: "paramError", message: "Parameter error."},
	FaultMissingRoom: {stage: stageReply, status: 400, code: "missingRoomId", message: "The room id is missing."},
	FaultBadToken:    {stage: stageReply, status: 400, code: "InvalidAuthentication", message: "The access token is invalid or expired."},
	FaultExpireToken: {stage: stageReply, status: 400, code: "InvalidAuthentication", message: "The access token is invalid or expired."},
	FaultHTML:        {stage: stageReply, status: 200},
	FaultBlock:       {stage: stageReply, status: 200},
	FaultEmpty:       {stage: stageReply, status: 200},
	FaultOtherJSON:   {stage: stageReply, status: 200},
	FaultHuge:        {stage: stageReply, status: 200},
	FaultHang:        {stage: stageReply},
	FaultReset:       {stage: stageReply},

	FaultTruncated:   {stage: stageBody},
	FaultCut:         {stage: stageBody},
	FaultContentType: {stage: stageBody},
	FaultGzip:        {stage: stageBody},
	FaultDelay:       {stage: stageWait},

	FaultRepeatToken:   {stage: stageRows, only: ClassMembers},
	FaultZeroToken:     {stage: stageRows, only: ClassMembers},
	FaultMissingToken:  {stage: stageRows, only: ClassMembers},
	FaultIgnoredCursor: {stage: stageRows, only: ClassMembers},
	FaultEndlessCursor: {stage: stageRows, only: ClassMembers},
	FaultLastToken:     {stage: stageRows, only: ClassMembers},
	FaultLastObject:    {stage: stageRows, only: ClassMembers},
	FaultWrongTotal:    {stage: stageRows, only: ClassMembers},
	FaultMissingRows:   {stage: stageRows, only: ClassMembers},
	FaultShuffle:       {stage: stageRows, only: ClassMembers},
	FaultUnknownStatus: {stage: stageRows, only: ClassMembers},
	FaultUnknownFields: {stage: stageRows, only: ClassMembers},
	FaultMissingFields: {stage: stageRows, only: ClassMembers},
	FaultInvalidUTF8:   {stage: stageRows, only: ClassMembers},

	FaultPushLost:        {stage: stagePush},
	FaultPushDoubled:     {stage: stagePush},
	FaultPushDelayed:     {stage: stagePush},
	FaultPushReordered:   {stage: stagePush},
	FaultPushGarbage:     {stage: stagePush},
	FaultPushTruncated:   {stage: stagePush},
	FaultPushUnknownType: {stage: stagePush},
	FaultPushNoUser:      {stage: stagePush},
	FaultPushNoTimes:     {stage: stagePush},
	FaultPushOld:         {stage: stagePush, only: ClassWebhook},
	FaultPushForged:      {stage: stagePush, only: ClassWebhook},
	FaultPushWrongOwner:  {stage: stagePush, only: ClassWebhook},

	FaultStreamDisconnect: {stage: stageLink, only: ClassStream},
	FaultStreamDrop:       {stage: stageLink, only: ClassStream},
	FaultStreamSilence:    {stage: stageLink, only: ClassStream},
	FaultStreamGarbage:    {stage: stageLink, only: ClassStream},
	FaultStreamHuge:       {stage: stageLink, only: ClassStream},

	FaultRobotBusy:      {stage: stageRobot, only: ClassRobot},
	FaultRobotThrottled: {stage: stageRobot, only: ClassRobot},
	FaultRobotRefused:   {stage: stageRobot, only: ClassRobot},
	FaultRobotBadToken:  {stage: stageRobot, only: ClassRobot},
	FaultRobotContent:   {stage: stageRobot, only: ClassRobot},
	FaultRobotHTML:      {stage: stageRobot, only: ClassRobot},
	FaultRobotReset:     {stage: stageRobot, only: ClassRobot},
	FaultRobotLost:      {stage: stageRobot, only: ClassRobot},
	FaultRobotHang:      {stage: stageRobot, only: ClassRobot},
}

// FaultKinds returns the names of all kinds of faults, sorted.
func FaultKinds() []string {
	kinds := make([]string, 0, len(faultSpecs))
	for kind := range faultSpecs {
		kinds = append(kinds, string(kind))
	}
	slices.Sort(kinds)
	return kinds
}
