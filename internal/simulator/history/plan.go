package history

import "errors"

// ErrScenario is wrapped by every error about what a scenario, a meeting, an action or a fault
// says.
var ErrScenario = errors.New("invalid scenario")

// Rejoin is what a member list does when somebody returns. DingTalk does not document which of the
// two it is.
type Rejoin string

const (
	// ResetRow gives the person's row a new joinTime; the leaveTime of the visit before stays on
	// the open row.
	ResetRow Rejoin = "reset"
	// AddRow leaves the row as it is and adds another.
	AddRow Rejoin = "add"
)

// DeviceRows is how a member list shows a person's devices. DingTalk does not document which of the
// two it is.
type DeviceRows string

const (
	// RowPerDevice lists every device on a row of its own.
	RowPerDevice DeviceRows = "each"
	// OneRow lists a person on one row, open while any device is in the meeting.
	OneRow DeviceRows = "one"
)

// AtEnd is what becomes of the rows that are open when a meeting ends. DingTalk does not document
// it.
type AtEnd string

const (
	// CloseRows gives them status 6 and the meeting's end as leaveTime.
	CloseRows AtEnd = "close"
	// LeaveRowsOpen leaves them as they are.
	LeaveRowsOpen AtEnd = "leave-open"
)

// Plan is what is to happen in one meeting.
type Plan struct {
	ID    string   `yaml:"id"` // 1 to 128 of A-Z a-z 0-9 _ -
	Title string   `yaml:"title,omitempty"`
	Start Duration `yaml:"start,omitempty"` // until then there is no such meeting
	// End is when the meeting ends; without it the meeting goes on until it is ended live.
	End *Duration `yaml:"end,omitempty"`
	// Keep is how long after the end the member list can be read, compressed by Speed; 10 minutes
	// when nil.
	Keep *Duration `yaml:"keep,omitempty"`
	// KeepInfo is the same for the meeting's information; for ever when nil.
	KeepInfo   *Duration  `yaml:"keepInfo,omitempty"`
	Rejoin     Rejoin     `yaml:"rejoin,omitempty"`     // ResetRow when empty
	DeviceRows DeviceRows `yaml:"deviceRows,omitempty"` // RowPerDevice when empty
	AtEnd      AtEnd      `yaml:"atEnd,omitempty"`      // CloseRows when empty
	Unlisted   bool       `yaml:"unlisted,omitempty"`   // missing from the list of the organisation's meetings
	Denied     bool       `yaml:"denied,omitempty"`     // the app may not read it: 403 noPermission
	People     []Person   `yaml:"people,omitempty"`
	Actions    []Planned  `yaml:"actions,omitempty"`
	Churn      *Churn     `yaml:"churn,omitempty"`
}

// Person is somebody a meeting knows.
type Person struct {
	// ID names the person in actions; the UnionID, or a guest's Nick, when empty.
	ID      string  `yaml:"id,omitempty"`
	UnionID string  `yaml:"unionId,omitempty"` // the ID when empty; a guest has none
	Nick    string  `yaml:"nick"`
	Guest   bool    `yaml:"guest,omitempty"` // from outside, without a unionId
	Outer   bool    `yaml:"outer,omitempty"` // of another organisation; every guest is
	Phone   bool    `yaml:"phone,omitempty"` // joins by telephone (pstnJoin)
	Host    bool    `yaml:"host,omitempty"`
	CoHost  bool    `yaml:"coHost,omitempty"`
	Visits  []Visit `yaml:"visits,omitempty,flow"`
	Calls   []Ring  `yaml:"calls,omitempty,flow"`
}

// Visit is one stay of one device.
type Visit struct {
	From Duration  `yaml:"from"`
	To   *Duration `yaml:"to,omitempty"` // until the meeting's end when nil
	// Ends is how the visit ends: Leave (when empty), Kick, Drop or Vanish.
	Ends   Verb   `yaml:"ends,omitempty"`
	Device string `yaml:"device,omitempty"`
}

// Ring is one step of asking somebody in.
type Ring struct {
	At     Duration `yaml:"at"`
	Do     Verb     `yaml:"do"` // Invite, Call or Decline
	Device string   `yaml:"device,omitempty"`
}

// Planned is an action of a scenario.
type Planned struct {
	At     Duration `yaml:"at"`
	Do     Verb     `yaml:"do"`
	Person string   `yaml:"person,omitempty"`
	Device string   `yaml:"device,omitempty"`
	Nick   string   `yaml:"nick,omitempty"`
}
