package history

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"go.yaml.in/yaml/v3"
)

// Duration is a time.Duration that scenario files and the control API write as "1m30s", "0.5s" or a
// bare 0.
type Duration time.Duration

// maxDuration bounds every duration of a scenario, so that sums of them stay far from overflow.
const maxDuration = 10 * 365 * 24 * time.Hour

// String writes d as time.Duration does.
func (d Duration) String() string { return time.Duration(d).String() }

// UnmarshalYAML reads a duration and names the line of one that cannot be read.
func (d *Duration) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: want a duration such as 1m30s", node.Line)
	}
	if err := d.parse(node.Value); err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	return nil
}

// UnmarshalJSON reads a duration from a JSON string, or from the number 0.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		text = string(data)
	}
	return d.parse(text)
}

// MarshalYAML writes the duration as UnmarshalYAML reads it.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }

// MarshalJSON writes the duration as UnmarshalJSON reads it.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

func (d *Duration) parse(text string) error {
	v, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 1m30s or 500ms", text)
	}
	if v > maxDuration || v < -maxDuration {
		return fmt.Errorf("duration %s is beyond ten years", text)
	}
	*d = Duration(v)
	return nil
}

// After returns the Unix time in ms at which the offset d of something that began at start is
// played.
func (d Duration) After(start int64, speed float64) int64 {
	return start + int64(math.Round(float64(d)/float64(time.Millisecond)/speed))
}
