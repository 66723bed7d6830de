package fault

import "slices"

// Stage is where in a call a kind of fault acts.
type Stage uint8

// The stages of a call, a push, a stream connection and a message to a robot.
const (
	StageReply Stage = iota + 1 // instead of the reply
	StageRows                   // on the rows of a member list
	StageBody                   // on the bytes of the reply
	StageWait                   // before everything
	StagePush                   // on a push
	StageLink                   // on a stream connection
	StageRobot                  // on a message to a robot
)

// spec says what a kind does. Code and message are those of an error body; without a code the kind
// has a function of its own.
type spec struct {
	stage         Stage
	status        int
	code, message string
	only          Class // all classes of the stage when empty
}

// fits says whether a fault of this kind can hit calls or pushes of the class.
func (s spec) fits(class Class) bool {
	if s.only != "" {
		return class == s.only
	}
	if s.stage == StagePush {
		return slices.Contains(PushClasses, class)
	}
	return slices.Contains(Classes, class)
}

const limitPrefix = "Forbidden.AccessDenied."

var specs = map[Kind]spec{
	QPSApp:      {stage: StageReply, status: 403, code: limitPrefix + "QpsLimitForAppkeyAndApi", message: "The app's calls per second of this API are used up."},
	QPMApp:      {stage: StageReply, status: 403, code: limitPrefix + "QpmLimitForAppkeyAndApi", message: "The app's calls per minute of this API are used up."},
	QPSAPI:      {stage: StageReply, status: 403, code: limitPrefix + "QpsLimitForApi", message: "This API's calls per second are used up."},
	QPSSuite:    {stage: StageReply, status: 403, code: limitPrefix + "QpsLimitForSuitekeyAndOrgAndApi", message: "The suite's calls per second of this API are used up."},
	Quota:       {stage: StageReply, status: 403, code: limitPrefix + "ApiCountLimitForOrg", message: "The organisation's calls of this month are used up."},
	Busy:        {stage: StageReply, status: 429, code: "system.busy", message: "The system is busy, try again later."},
	SystemError: {stage: StageReply, status: 500, code: "systemError", message: "System error."},
	NotFound:    {stage: StageReply, status: 404, code: "roomNotFound", message: "The room does not exist."},
	Denied:      {stage: StageReply, status: 403, code: "noPermission", message: "No permission."},
	ParamError:  {stage: StageReply, status: 400, code: "paramError", message: "Parameter error."},
	MissingRoom: {stage: StageReply, status: 400, code: "missingRoomId", message: "The room id is missing."},
	BadToken:    {stage: StageReply, status: 400, code: "InvalidAuthentication", message: "The access token is invalid or expired."},
	ExpireToken: {stage: StageReply, status: 400, code: "InvalidAuthentication", message: "The access token is invalid or expired."},
	HTML:        {stage: StageReply, status: 200},
	Block:       {stage: StageReply, status: 200},
	Empty:       {stage: StageReply, status: 200},
	OtherJSON:   {stage: StageReply, status: 200},
	Huge:        {stage: StageReply, status: 200},
	Hang:        {stage: StageReply},
	Reset:       {stage: StageReply},

	Truncated:   {stage: StageBody},
	Cut:         {stage: StageBody},
	ContentType: {stage: StageBody},
	Gzip:        {stage: StageBody},
	Delay:       {stage: StageWait},

	RepeatToken:   {stage: StageRows, only: ClassMembers},
	ZeroToken:     {stage: StageRows, only: ClassMembers},
	MissingToken:  {stage: StageRows, only: ClassMembers},
	IgnoredCursor: {stage: StageRows, only: ClassMembers},
	EndlessCursor: {stage: StageRows, only: ClassMembers},
	LastToken:     {stage: StageRows, only: ClassMembers},
	LastObject:    {stage: StageRows, only: ClassMembers},
	WrongTotal:    {stage: StageRows, only: ClassMembers},
	MissingRows:   {stage: StageRows, only: ClassMembers},
	Shuffle:       {stage: StageRows, only: ClassMembers},
	UnknownStatus: {stage: StageRows, only: ClassMembers},
	UnknownFields: {stage: StageRows, only: ClassMembers},
	MissingFields: {stage: StageRows, only: ClassMembers},
	InvalidUTF8:   {stage: StageRows, only: ClassMembers},

	PushLost:        {stage: StagePush},
	PushDoubled:     {stage: StagePush},
	PushDelayed:     {stage: StagePush},
	PushReordered:   {stage: StagePush},
	PushGarbage:     {stage: StagePush},
	PushTruncated:   {stage: StagePush},
	PushUnknownType: {stage: StagePush},
	PushNoUser:      {stage: StagePush},
	PushNoTimes:     {stage: StagePush},
	PushOld:         {stage: StagePush, only: ClassWebhook},
	PushForged:      {stage: StagePush, only: ClassWebhook},
	PushWrongOwner:  {stage: StagePush, only: ClassWebhook},

	StreamDisconnect: {stage: StageLink, only: ClassStream},
	StreamDrop:       {stage: StageLink, only: ClassStream},
	StreamSilence:    {stage: StageLink, only: ClassStream},
	StreamGarbage:    {stage: StageLink, only: ClassStream},
	StreamHuge:       {stage: StageLink, only: ClassStream},

	RobotBusy:      {stage: StageRobot, only: ClassRobot},
	RobotThrottled: {stage: StageRobot, only: ClassRobot},
	RobotRefused:   {stage: StageRobot, only: ClassRobot},
	RobotBadToken:  {stage: StageRobot, only: ClassRobot},
	RobotContent:   {stage: StageRobot, only: ClassRobot},
	RobotHTML:      {stage: StageRobot, only: ClassRobot},
	RobotReset:     {stage: StageRobot, only: ClassRobot},
	RobotLost:      {stage: StageRobot, only: ClassRobot},
	RobotHang:      {stage: StageRobot, only: ClassRobot},
}

// Stage returns where in a call a fault of this kind acts; 0 for an unknown kind.
func (k Kind) Stage() Stage { return specs[k].stage }

// Reply returns the HTTP status of the reply that a fault of this kind sends, and the code and
// message of its error body; "" for a kind whose reply is no error body.
func (k Kind) Reply() (status int, code, message string) {
	spec := specs[k]
	return spec.status, spec.code, spec.message
}

// Kinds returns the names of all kinds of faults, sorted.
func Kinds() []string {
	kinds := make([]string, 0, len(specs))
	for kind := range specs {
		kinds = append(kinds, string(kind))
	}
	slices.Sort(kinds)
	return kinds
}
