package config

import (
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// helpWidth is where the help is wrapped on a wide terminal.
const helpWidth = 110

// describe completes the help of a flag with its environment variable and its default.
func (s *sources) describe(value *kong.Value) string {
	if value.Flag == nil {
		return value.Help
	}
	var notes []string
	if s.isSetting(value.Flag) {
		notes = append(notes, EnvName(value.Name))
		if _, secret := reflect.TypeAssert[Secret](value.Target); secret {
			notes[0] += " or ..." + strings.ToUpper(FileKey(fileSuffix))
		}
	}
	if value.HasDefault && value.Default != "" && !value.IsBool() {
		notes = append(notes, "default "+value.Default)
	}
	if len(notes) == 0 {
		return value.Help
	}
	return fmt.Sprintf("%s [%s]", value.Help, strings.Join(notes, ", "))
}

// inForce lists the settings of the command that was parsed.
func (s *sources) inForce(ctx *kong.Context) []Setting {
	var settings []Setting
	for _, flag := range ctx.Flags() {
		if s.isSetting(flag) && !flag.Hidden {
			settings = append(settings, Setting{
				Name:   flag.Name,
				Group:  flag.Group.Title,
				Value:  show(flag.Target.Interface()),
				Origin: s.resolved[flag.Name].origin,
			})
		}
	}
	return settings
}

// show returns a value the way it is written. The types of secrets mask themselves.
func show(value any) string {
	switch v := value.(type) {
	case time.Duration:
		return shortDuration(v)
	case slog.Level:
		return strings.ToLower(v.String())
	case fmt.Stringer:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}

// shortDuration leaves the zeros off that time.Duration writes: 720h, not 720h0m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// bare matches numbers and truth values, which people write without quotes.
var bare = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?|true|false)$`)

// WriteYAML writes settings as a settings file, secrets masked, each with a remark where it came
// from.
func WriteYAML(w io.Writer, settings []Setting) error {
	root := &yaml.Node{Kind: yaml.MappingNode}
	group := ""
	for _, setting := range settings {
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: FileKey(setting.Name)}
		value := &yaml.Node{Kind: yaml.ScalarNode, Value: setting.Value}
		if !bare.MatchString(setting.Value) {
			value.SetString(setting.Value) // in quotes where YAML would take it for something else
		}
		value.LineComment = remark(setting.Origin)
		if setting.Group != group {
			group = setting.Group
			key.HeadComment = group
		}
		root.Content = append(root.Content, key, value)
	}
	text, err := yaml.Marshal(root)
	if err != nil {
		return fmt.Errorf("cannot write the settings: %w", err)
	}
	_, err = w.Write(text)
	return err
}

func remark(origin Origin) string {
	text := origin.String()
	if origin.Level == File {
		text = fmt.Sprintf("%s:%d", origin.File, origin.Line)
	}
	if origin.SecretFile != "" {
		text += " is " + origin.SecretFile
	}
	return text
}
