package simulator

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
)

// Class is a kind of call.
type Class string

// The calls the simulator tells apart.
const (
	ClassToken   Class = "token"   // any of the token calls
	ClassMembers Class = "members" // a page of a member list
	ClassInfo    Class = "info"    // one meeting's information
	ClassOrg     Class = "org"     // the organisation's live meetings
	ClassQuery   Class = "query"   // several meetings at once
)

var classes = []Class{ClassToken, ClassMembers, ClassInfo, ClassOrg, ClassQuery}

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
	FaultWrongTotal    FaultKind = "wrong-total"    // totalCount is one too high
	FaultMissingRows   FaultKind = "missing-rows"   // a share of the rows is missing, though counted
	FaultShuffle       FaultKind = "shuffle"        // the rows of the page are in another order
	FaultUnknownStatus FaultKind = "unknown-status" // a share of the rows has attendStatus 0, 7 or 99
	FaultUnknownFields FaultKind = "unknown-fields" // rows and reply carry fields nobody knows
	FaultMissingFields FaultKind = "missing-fields" // rows lack Fault.Fields
	FaultInvalidUTF8   FaultKind = "invalid-utf8"   // nicknames (not guests') hold a byte that is no UTF-8
)

// Fault makes calls go wrong: the next Next of them, or each with Probability, or all when neither is given.
type Fault struct {
	ID    int       `yaml:"-" json:"id,omitempty"` // given by the simulator
	Kind  FaultKind `yaml:"kind" json:"kind"`
	Calls []Class   `yaml:"calls,omitempty,flow" json:"calls,omitempty"` // all classes it can hit when empty
	// Meeting limits the fault to calls that name this meeting.
	Meeting     string  `yaml:"meeting,omitempty" json:"meeting,omitempty"`
	Next        int     `yaml:"next,omitempty" json:"next,omitempty"`
	Probability float64 `yaml:"probability,omitempty" json:"probability,omitempty"`
	// From and To bound the fault, counted from the scenario's start or, in the control API, from now, and
	// compressed by Speed; without To it lasts.
	From Duration `yaml:"from,omitempty" json:"from,omitempty"`
	To   Duration `yaml:"to,omitempty" json:"to,omitempty"`

	Status     int      `yaml:"status,omitempty" json:"status,omitempty"`         // HTTP status of the replies above
	Delay      Duration `yaml:"delay,omitempty" json:"delay,omitempty"`           // real time, for FaultDelay
	RetryAfter int      `yaml:"retryAfter,omitempty" json:"retryAfter,omitempty"` // seconds, sent as a header with any kind
	Bytes      int64    `yaml:"bytes,omitempty" json:"bytes,omitempty"`           // for FaultHuge; 64 MiB when 0
	Share      float64  `yaml:"share,omitempty" json:"share,omitempty"`           // of rows; a half when 0
	Fields     []string `yaml:"fields,omitempty,flow" json:"fields,omitempty"`    // for FaultMissingFields
}

// stage is where in a call a kind of fault acts.
type stage uint8

const (
	stageReply stage = iota + 1 // instead of the honest reply
	stageRows                   // on the rows of a member list
	stageBody                   // on the bytes of the reply
	stageWait                   // before everything
)

// faultSpec says what a kind does. Code and message are those of an error body; without a code the kind has a
// function of its own.
type faultSpec struct {
	stage         stage
	status        int
	code, message string
}

const limitPrefix = "Forbidden.AccessDenied."

var faultSpecs = map[FaultKind]faultSpec{
	FaultQPSApp:      {stageReply, 403, limitPrefix + "QpsLimitForAppkeyAndApi", "The app's calls per second of this API are used up."},
	FaultQPMApp:      {stageReply, 403, limitPrefix + "QpmLimitForAppkeyAndApi", "The app's calls per minute of this API are used up."},
	FaultQPSAPI:      {stageReply, 403, limitPrefix + "QpsLimitForApi", "This API's calls per second are used up."},
	FaultQPSSuite:    {stageReply, 403, limitPrefix + "QpsLimitForSuitekeyAndOrgAndApi", "The suite's calls per second of this API are used up."},
	FaultQuota:       {stageReply, 403, limitPrefix + "ApiCountLimitForOrg", "The organisation's calls of this month are used up."},
	FaultBusy:        {stageReply, 429, "system.busy", "The system is busy, try again later."},
	FaultSystemError: {stageReply, 500, "systemError", "System error."},
	FaultNotFound:    {stageReply, 404, "roomNotFound", "The room does not exist."},
	FaultDenied:      {stageReply, 403, "noPermission", "No permission."},
	FaultParamError:  {stageReply, 400, "paramError", "Parameter error."},
	FaultMissingRoom: {stageReply, 400, "missingRoomId", "The room id is missing."},
	FaultBadToken:    {stageReply, 400, "InvalidAuthentication", "The access token is invalid or expired."},
	FaultExpireToken: {stageReply, 400, "InvalidAuthentication", "The access token is invalid or expired."},
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

	FaultRepeatToken:   {stage: stageRows},
	FaultZeroToken:     {stage: stageRows},
	FaultMissingToken:  {stage: stageRows},
	FaultWrongTotal:    {stage: stageRows},
	FaultMissingRows:   {stage: stageRows},
	FaultShuffle:       {stage: stageRows},
	FaultUnknownStatus: {stage: stageRows},
	FaultUnknownFields: {stage: stageRows},
	FaultMissingFields: {stage: stageRows},
	FaultInvalidUTF8:   {stage: stageRows},
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

const (
	maxFaults    = 1000
	maxHugeBytes = int64(1) << 40
)

// validate says what is wrong with a fault, at is where it stands.
func (f Fault) validate(at string) error {
	spec, ok := faultSpecs[f.Kind]
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s (%s): %s", ErrScenario, at, f.Kind, fmt.Sprintf(format, args...))
	}
	switch {
	case !ok:
		return wrong("no such kind; there are %s", strings.Join(FaultKinds(), ", "))
	case f.Next < 0:
		return wrong("next is negative")
	case !isShare(f.Probability):
		return wrong("probability is %v, not between 0 and 1", f.Probability)
	case f.Next > 0 && f.Probability > 0:
		return wrong("next and probability exclude each other")
	case !isShare(f.Share):
		return wrong("share is %v, not between 0 and 1", f.Share)
	case f.To != 0 && f.To <= f.From:
		return wrong("it ends at %s, not after it begins at %s", f.To, f.From)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return wrong("status %d is no HTTP status of a reply", f.Status)
	case f.Status != 0 && spec.status == 0:
		return wrong("it has no status to change")
	case f.Kind == FaultDelay && f.Delay <= 0:
		return wrong("delay is missing")
	case f.RetryAfter < 0 || f.RetryAfter > math.MaxInt32:
		return wrong("retryAfter is out of range")
	case f.Bytes < 0 || f.Bytes > maxHugeBytes:
		return wrong("bytes is not between 0 and %d", maxHugeBytes)
	}
	for _, class := range f.Calls {
		if !slices.Contains(classes, class) {
			return wrong("no calls of class %q; there are %v", class, classes)
		}
		if spec.stage == stageRows && class != ClassMembers {
			return wrong("it changes member lists, which calls of class %q do not return", class)
		}
	}
	return nil
}

// hits says whether the fault is meant for calls of this class, about this meeting ("" for none).
func (f Fault) hits(class Class, meeting string) bool {
	if f.Meeting != "" && f.Meeting != meeting {
		return false
	}
	if faultSpecs[f.Kind].stage == stageRows && class != ClassMembers {
		return false
	}
	return len(f.Calls) == 0 || slices.Contains(f.Calls, class)
}

// status returns the HTTP status of a fault that takes the reply's place.
func (f Fault) status() int {
	if f.Status != 0 {
		return f.Status
	}
	return faultSpecs[f.Kind].status
}

// share returns the part of the rows that a fault damages.
func (f Fault) share() float64 {
	if f.Share == 0 {
		return 0.5
	}
	return f.Share
}

// retryHeader sets the Retry-After header the fault asks for.
func (f Fault) retryHeader(h http.Header) {
	if f.RetryAfter > 0 {
		h.Set("Retry-After", fmt.Sprint(f.RetryAfter))
	}
}
