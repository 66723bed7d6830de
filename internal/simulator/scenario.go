package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// Scenario is what a simulator plays. All its times are offsets from the scenario's start; negative
// ones lie before it, so that a meeting can be running already.
type Scenario struct {
	Name        string `yaml:"name,omitempty"`
	Description string `yaml:"description,omitempty"`
	// Seed decides everything left to chance; 0 means 1.
	Seed uint64 `yaml:"seed,omitempty"`
	// Speed compresses the offsets: at 10 everything happens ten times as fast. 0 means 1.
	Speed    float64        `yaml:"speed,omitempty"`
	Settings Settings       `yaml:"settings,omitempty"`
	Meetings []history.Plan `yaml:"meetings,omitempty"`
	// Generate adds random meetings to Meetings.
	Generate *history.Generate `yaml:"generate,omitempty"`
	Faults   []fault.Fault     `yaml:"faults,omitempty"`
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

// ParseScenario reads a scenario from YAML (or JSON). Unknown keys are refused, with the line; so
// is a scenario that contradicts itself, such as one in which somebody leaves before they join.
// Errors wrap [history.ErrScenario].
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
		return fmt.Errorf("%w: longer than %d bytes", history.ErrScenario, maxScenarioBytes)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: it is empty", history.ErrScenario)
		}
		return fmt.Errorf("%w: %w", history.ErrScenario, config.PlainYAML(err))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the first document", history.ErrScenario)
	}
	return nil
}
