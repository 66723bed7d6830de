package bot

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
)

// file is a rules file as it is written; see docs/bot.md.
type file struct {
	Language language             `yaml:"language"`
	Timezone string               `yaml:"timezone"`
	Batch    *duration            `yaml:"batch"`
	MaxAge   *duration            `yaml:"max_age"`
	Robots   map[string]robotFile `yaml:"robots"`
	Rules    []ruleFile           `yaml:"rules"`
}

type robotFile struct {
	URL        string        `yaml:"url"`
	Token      config.Secret `yaml:"token"`
	TokenFile  string        `yaml:"token_file"`
	TokenEnv   string        `yaml:"token_env"`
	Secret     config.Secret `yaml:"secret"`
	SecretFile string        `yaml:"secret_file"`
	SecretEnv  string        `yaml:"secret_env"`
	Language   language      `yaml:"language"`
	QuietHours []period      `yaml:"quiet_hours"`
	// Digest says when the robot tells of a meeting in one message, when it is over.
	Digest digest `yaml:"digest"`
	// InQuietHours says what becomes of what happens in quiet hours.
	InQuietHours choice `yaml:"in_quiet_hours"`
}

type ruleFile struct {
	Robots   []reference `yaml:"robots"`
	Meetings struct {
		IDs    []meetingID `yaml:"ids"`
		Titles patterns    `yaml:"titles"`
	} `yaml:"meetings"`
	People struct {
		IDs    words    `yaml:"ids"`
		Names  patterns `yaml:"names"`
		Guests guests   `yaml:"guests"`
	} `yaml:"people"`
	Tell    []verb `yaml:"tell"`
	Initial bool   `yaml:"initial"`
}

// at puts the line in front of what is wrong with a value, as the YAML library does.
func at(node *yaml.Node, err error) error { return fmt.Errorf("line %d: %w", node.Line, err) }

// pickWord reads one of several words.
func pickWord[T ~string](node *yaml.Node, into *T, allowed ...T) error {
	if node.Kind != yaml.ScalarNode || !slices.Contains(allowed, T(node.Value)) {
		return at(node, fmt.Errorf("want one of %v", allowed))
	}
	*into = T(node.Value)
	return nil
}

// language is that of a robot's messages.
type language string

const (
	english language = "en"
	chinese language = "zh"
)

// UnmarshalYAML reads a language.
func (l *language) UnmarshalYAML(node *yaml.Node) error { return pickWord(node, l, english, chinese) }

// choice is what becomes of what happens in quiet hours.
type choice string

const (
	hold choice = "hold"
	drop choice = "drop"
)

// UnmarshalYAML reads a choice.
func (c *choice) UnmarshalYAML(node *yaml.Node) error { return pickWord(node, c, hold, drop) }

// digest says when a robot tells of a meeting in one message, when it is over.
type digest string

const (
	digestAuto   digest = "auto" // while the month's pushes run short
	digestAlways digest = "always"
	digestNever  digest = "never"
)

// UnmarshalYAML reads when there is one.
func (d *digest) UnmarshalYAML(node *yaml.Node) error {
	return pickWord(node, d, digestAuto, digestAlways, digestNever)
}

// guests says which part people from outside the organisation have in a rule.
type guests string

const (
	guestsOnly guests = "only"
	guestsNone guests = "none"
	guestsToo  guests = "too"
)

// UnmarshalYAML reads which part guests have.
func (g *guests) UnmarshalYAML(node *yaml.Node) error {
	return pickWord(node, g, guestsOnly, guestsNone, guestsToo)
}

// verb is what a person does, as a rule names it.
type verb string

var verbs = map[verb]events.Type{"joined": events.Joined, "left": events.Left, "kicked": events.Kicked}

// UnmarshalYAML reads a verb.
func (v *verb) UnmarshalYAML(node *yaml.Node) error {
	return pickWord(node, v, "joined", "left", "kicked")
}

// reference is the name of a robot, and where it stands.
type reference struct {
	name string
	line int
}

// UnmarshalYAML reads a name.
func (r *reference) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode {
		return at(node, errors.New("want the name of a robot"))
	}
	*r = reference{node.Value, node.Line}
	return nil
}

// meetingID is a conferenceId.
type meetingID string

// UnmarshalYAML reads a conferenceId.
func (m *meetingID) UnmarshalYAML(node *yaml.Node) error {
	if err := events.CheckConferenceID(node.Value); err != nil {
		return at(node, err)
	}
	*m = meetingID(node.Value)
	return nil
}

// duration is a time.Duration, written as 3s or 72h, that is not negative.
type duration time.Duration

// UnmarshalYAML reads a duration.
func (d *duration) UnmarshalYAML(node *yaml.Node) error {
	v, err := time.ParseDuration(node.Value)
	if err != nil || v < 0 {
		return at(node, errors.New("want a duration such as 3s, 10m, 72h or 0"))
	}
	*d = duration(v)
	return nil
}
