package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// fileSuffix makes the setting that names a secret's file out of the secret's.
const fileSuffix = "-file"

// sources is where settings come from when no flag gives them: it is kong's resolver.
type sources struct {
	env      map[string]string // the ROLLCALL_ variables that are not empty
	path     string            // the settings file; empty when there is none
	file     map[string]entry
	known    map[string]*kong.Flag // every setting there is, by flag name
	resolved map[string]found      // what was found for the settings of the command
	warnings []string
}

// found is the value of a setting as it is written at its origin.
type found struct {
	text   string
	origin Origin
}

func newSources(environ []string) (*sources, error) {
	var all struct {
		Settings
		Bot Bot `embed:"" group:"Bot"`
	}
	parser, err := kong.New(&all, append(mappers(), kong.NoDefaultHelp())...)
	if err != nil {
		return nil, err
	}
	s := &sources{env: map[string]string{}, known: map[string]*kong.Flag{}, resolved: map[string]found{}}
	for _, flag := range parser.Model.Flags {
		s.known[flag.Name] = flag
	}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, envPrefix) && value != "" {
			s.env[name] = value
		}
	}
	return s, nil
}

// isSetting says whether a command's flag is one of our settings and not the command's own.
func (s *sources) isSetting(flag *kong.Flag) bool {
	known := s.known[flag.Name]
	return known != nil && flag.Group != nil && flag.Group.Key == known.Group.Key
}

// load reads what the settings of the command have besides its flags. It is called once the command
// line is parsed.
func (s *sources) load(ctx *kong.Context, configFlag string) error {
	var settings []*kong.Flag
	for _, flag := range ctx.Flags() {
		if s.isSetting(flag) {
			settings = append(settings, flag)
		}
	}
	if len(settings) == 0 {
		return nil
	}
	if err := s.checkEnvironment(); err != nil {
		return err
	}
	if err := s.loadFile(configFlag); err != nil {
		return err
	}
	given := flagsGiven(ctx)
	for _, flag := range settings {
		if err := s.find(flag, given); err != nil {
			return err
		}
	}
	return nil
}

func (s *sources) loadFile(configFlag string) (err error) {
	s.path = configFlag
	if s.path == "" {
		s.path = s.env[envConfig]
	}
	if s.path == "" {
		return nil
	}
	if s.file, err = readSettings(s.path); err != nil {
		return Usagef("", "%w", err)
	}
	keys := make(map[string]bool, len(s.known))
	for name := range s.known {
		keys[FileKey(name)] = true
	}
	for _, key := range slices.Sorted(maps.Keys(s.file)) {
		if !keys[key] {
			hint := suggest(strings.ReplaceAll(key, "-", "_"), slices.Sorted(maps.Keys(keys)))
			return Usagef("", "%s:%d: unknown setting %s%s", s.path, s.file[key].line, key, hint)
		}
	}
	return nil
}

// serviceLink matches the variables that Kubernetes sets in every pod for a service whose name
// begins with rollcall.
var serviceLink = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// checkEnvironment looks for variables that are no setting. One that is nearly a setting is a slip
// and refused; any other may belong to another program, a compose file or a script, and only causes
// a warning.
func (s *sources) checkEnvironment() error {
	names := []string{envConfig}
	for name := range s.known {
		names = append(names, EnvName(name))
	}
	slices.Sort(names)
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		if _, ours := slices.BinarySearch(names, name); ours || serviceLink.MatchString(name) {
			continue
		}
		hint := suggest(name, names)
		if hint != "" {
			return Usagef("", "unknown setting %s in the environment%s", name, hint)
		}
		s.warnings = append(s.warnings, fmt.Sprintf("%s in the environment is no setting; it is ignored", name))
	}
	return nil
}

func suggest(word string, candidates []string) string {
	if near := nearest(word, candidates); near != "" {
		return fmt.Sprintf(", did you mean %s?", near)
	}
	return ""
}

// flagsGiven returns the text of every flag that is on the command line; of a secret's only that it
// is there.
func flagsGiven(ctx *kong.Context) map[string]found {
	given := map[string]found{}
	for _, step := range ctx.Path {
		if step.Flag != nil {
			text := fmt.Sprint(ctx.FlagValue(step.Flag))
			given[step.Flag.Name] = found{text, Origin{Level: Flag, Name: "--" + step.Flag.Name}}
		}
	}
	return given
}

// at looks a setting up on one level.
func (s *sources) at(level Level, name string, given map[string]found) (found, bool) {
	switch level {
	case Flag:
		value, set := given[name]
		return value, set
	case Environment:
		value, set := s.env[EnvName(name)]
		return found{value, Origin{Level: Environment, Name: EnvName(name)}}, set
	default:
		e, set := s.file[FileKey(name)]
		return found{e.value, Origin{Level: File, Name: FileKey(name), File: s.path, Line: e.line}}, set
	}
}

// find keeps the value of a setting from the highest level that has one. A secret and the file it
// is in are one setting: the higher of the two wins, and both on one level contradict each other.
func (s *sources) find(flag *kong.Flag, given map[string]found) error {
	for _, level := range []Level{Flag, Environment, File} {
		value, set := s.at(level, flag.Name, given)
		if _, secret := reflect.TypeAssert[Secret](flag.Target); secret {
			file, fileSet := s.at(level, flag.Name+fileSuffix, given)
			switch {
			case set && fileSet:
				return &UsageError{flag.Name, &value.origin, fmt.Errorf("is set together with %s; one of them is allowed", file.origin)}
			case fileSet:
				var err error
				if value, err = fromFile(flag.Name, file); err != nil {
					return err
				}
				set = true
			}
		}
		if set {
			return s.keep(flag, value)
		}
	}
	return nil
}

func fromFile(name string, file found) (found, error) {
	secret, err := readSecret(file.text)
	if err != nil {
		return found{}, &UsageError{name + fileSuffix, &file.origin, err}
	}
	file.origin.SecretFile = file.text
	return found{secret, file.origin}, nil
}

// keep records a value and tries it, so that a malformed one is reported with the place it came
// from.
func (s *sources) keep(flag *kong.Flag, value found) error {
	s.resolved[flag.Name] = value
	if value.origin.Level == Flag && value.origin.SecretFile == "" {
		return nil // kong has read it from the command line already
	}
	scan := kong.Scan().PushTyped(value.text, kong.FlagValueToken)
	trial := reflect.New(flag.Target.Type()).Elem()
	if err := flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: scan}, trial); err != nil {
		return &UsageError{flag.Name, &value.origin, err}
	}
	return nil
}

// Validate implements [kong.Resolver].
func (s *sources) Validate(*kong.Application) error { return nil }

// Resolve implements [kong.Resolver]: kong asks for every flag that is not on the command line.
func (s *sources) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, set := s.resolved[flag.Name]
	if !set || !s.isSetting(flag) {
		return nil, nil
	}
	return value.text, nil
}

// complete adds where the setting came from to an error that names one.
func (s *sources) complete(err error) error {
	var usage *UsageError
	if errors.As(err, &usage) && usage.Origin == nil {
		if value, set := s.resolved[usage.Setting]; set {
			usage.Origin = &value.origin
		} else if s.known[usage.Setting] == nil { // a command's own flag, which can be given nowhere else
			usage.Origin = &Origin{Level: Flag, Name: "--" + usage.Setting}
		}
	}
	return err
}
