package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/c4342123/rollcall/internal/config"
)

// ErrScenario is wrapped by every error about what a scenario, a meeting, an action or a fault says.
var ErrScenario = errors.New("invalid scenario")

// Scenario is what a simulator plays. All its times are offsets from the scenario's start; negative ones lie before
// it, so that a meeting can be running already.
type Scenario struct {
	Name        string `yaml:"name,omitempty"`
	Description string `yaml:"description,omitempty"`
	// Seed decides everything left to chance; 0 means 1.
	Seed uint64 `yaml:"seed,omitempty"`
	// Speed compresses the offsets: at 10 everything happens ten times as fast. 0 means 1.
	Speed    float64   `yaml:"speed,omitempty"`
	Settings Settings  `yaml:"settings,omitempty"`
	Meetings []Meeting `yaml:"meetings,omitempty"`
	// Generate adds random meetings to Meetings.
	Generate *Generate `yaml:"generate,omitempty"`
	Faults   []Fault   `yaml:"faults,omitempty"`
}

// Rejoin is what a member list does when somebody returns. DingTalk does not document which of the two it is.
type Rejoin string

const (
	// ResetRow gives the person's row a new joinTime; the leaveTime of the visit before stays on the open row.
	ResetRow Rejoin = "reset"
	// AddRow leaves the row as it is and adds another.
	AddRow Rejoin = "add"
)

// DeviceRows is how a member list shows a person's devices. DingTalk does not document which of the two it is.
type DeviceRows string

const (
	// RowPerDevice lists every device on a row of its own.
	RowPerDevice DeviceRows = "each"
	// OneRow lists a person on one row, open while any device is in the meeting.
	OneRow DeviceRows = "one"
)

// AtEnd is what becomes of the rows that are open when a meeting ends. DingTalk does not document it.
type AtEnd string

const (
	// CloseRows gives them status 6 and the meeting's end as leaveTime.
	CloseRows AtEnd = "close"
	// LeaveRowsOpen leaves them as they are.
	LeaveRowsOpen AtEnd = "leave-open"
)

// Meeting is the plan of one meeting.
type Meeting struct {
	ID    string   `yaml:"id"` // 1 to 128 of A-Z a-z 0-9 _ -
	Title string   `yaml:"title,omitempty"`
	Start Duration `yaml:"start,omitempty"` // until then there is no such meeting
	// End is when the meeting ends; without it the meeting goes on until it is ended live.
	End *Duration `yaml:"end,omitempty"`
	// Keep is how long after the end the member list can be read, compressed by Speed; 10 minutes when nil.
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

// maxScenarioBytes bounds a scenario file and the body of a control call.
const maxScenarioBytes = 16 << 20

// LoadScenario reads a scenario file; see [ParseScenario].
func LoadScenario(path string) (*Scenario, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxScenarioBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	sc, err := ParseScenario(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return sc, nil
}

// ParseScenario reads a scenario from YAML (or JSON). Unknown keys are refused, with the line; so is a scenario that
// contradicts itself, such as one in which somebody leaves before they join. Errors wrap [ErrScenario].
func ParseScenario(data []byte) (*Scenario, error) {
	sc := new(Scenario)
	if err := decodeStrict(data, sc); err != nil {
		return nil, err
	}
	if err := sc.Validate(); err != nil {
		return nil, err
	}
	return sc, nil
}

// YAML writes the scenario as [ParseScenario] reads it.
func (sc *Scenario) YAML() ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(sc); err != nil {
		return nil, fmt.Errorf("write scenario: %w", err)
	}
	return out.Bytes(), enc.Close()
}

// decodeStrict reads exactly one YAML document into v, and refuses keys v does not have.
func decodeStrict(data []byte, v any) error {
	if len(data) > maxScenarioBytes {
		return fmt.Errorf("%w: longer than %d bytes", ErrScenario, maxScenarioBytes)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: it is empty", ErrScenario)
		}
		return fmt.Errorf("%w: %w", ErrScenario, config.PlainYAML(err))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the first document", ErrScenario)
	}
	return nil
}
