package bot

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // for machines that know no time zones

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk/robot"
)

// The defaults of a rules file.
const (
	// DefaultBatch is how long further events are waited for before a message is made of them.
	DefaultBatch = 3 * time.Second
	// DefaultMaxAge is how old an event may be to be told: a weekend's.
	DefaultMaxAge = 72 * time.Hour
)

const (
	maxRobots = 100
	maxRules  = 1000
	maxBatch  = 10 * time.Minute
)

// robotName is what can be part of the name of a consumer and of a key.
var robotName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Rules say which group robots there are and what each is told. They are made by [Load].
type Rules struct {
	robots []target
	batch  time.Duration
	maxAge time.Duration // 0 for any
	zone   *time.Location
}

// target is a robot with what it is told.
type target struct {
	name     string
	options  robot.Options
	language language
	quiet    quiet
	digest   digest
	rules    []rule
}

// Load reads a rules file. lookupEnv finds the variables that hold secrets. Errors name the place
// in the file and never show a secret.
func Load(path string, lookupEnv func(string) (string, bool)) (*Rules, error) {
	var f file
	if err := config.ReadStrictYAML(path, &f); err != nil {
		return nil, err
	}
	rules, err := f.compile(lookupEnv)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rules, nil
}

func (f file) compile(lookupEnv func(string) (string, bool)) (*Rules, error) {
	out := &Rules{batch: DefaultBatch, maxAge: DefaultMaxAge}
	if f.Batch != nil {
		out.batch = time.Duration(*f.Batch)
	}
	if f.MaxAge != nil {
		out.maxAge = time.Duration(*f.MaxAge)
	}
	switch {
	case len(f.Robots) == 0:
		return nil, errors.New("robots: there is none")
	case len(f.Rules) == 0:
		return nil, errors.New("rules: there is none")
	case len(f.Robots) > maxRobots || len(f.Rules) > maxRules:
		return nil, fmt.Errorf("more than %d robots or %d rules", maxRobots, maxRules)
	case out.batch > maxBatch:
		return nil, fmt.Errorf("batch: %s is more than %s", out.batch, maxBatch)
	}
	var err error
	if out.zone, err = time.LoadLocation(cmp.Or(f.Timezone, "Local")); err != nil {
		return nil, fmt.Errorf("timezone: there is no %q", f.Timezone)
	}
	told, err := f.rulesByRobot()
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(f.Robots)) {
		t, err := f.Robots[name].compile(name, lookupEnv)
		if err == nil && len(told[name]) == 0 {
			err = errors.New("no rule names it")
		}
		if err != nil {
			return nil, fmt.Errorf("robots: %s: %w", name, err)
		}
		t.rules, t.quiet.zone, t.language = told[name], out.zone, cmp.Or(t.language, f.Language, english)
		out.robots = append(out.robots, t)
	}
	return out, nil
}

func (f file) rulesByRobot() (map[string][]rule, error) {
	told := map[string][]rule{}
	for i, r := range f.Rules {
		if len(r.Robots) == 0 {
			return nil, fmt.Errorf("rules: rule %d names no robot", i+1)
		}
		for _, ref := range r.Robots {
			if _, ok := f.Robots[ref.name]; !ok {
				return nil, fmt.Errorf("line %d: there is no robot %q", ref.line, ref.name)
			}
			told[ref.name] = append(told[ref.name], r.compile())
		}
	}
	return told, nil
}

func (f robotFile) compile(name string, lookupEnv func(string) (string, bool)) (target, error) {
	t := target{name: name, language: f.Language, quiet: quiet{periods: f.QuietHours, drop: f.InQuietHours == drop}, digest: cmp.Or(f.Digest, digestAuto)}
	if !robotName.MatchString(name) {
		return t, errors.New("a name is 1 to 64 of A-Z a-z 0-9 _ -")
	}
	for i, p := range f.QuietHours {
		if err := p.check(); err != nil {
			return t, fmt.Errorf("quiet_hours: period %d %w", i+1, err)
		}
	}
	base, err := url.Parse(cmp.Or(f.URL, robot.DefaultURL))
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Hostname() == "" || base.User != nil || base.RawQuery != "" {
		return t, fmt.Errorf("url: want the address without path and token, such as %s", robot.DefaultURL)
	}
	token, err := secret{"token", f.Token, f.TokenFile, f.TokenEnv}.read(lookupEnv)
	if err != nil {
		return t, err
	}
	sign, err := secret{"secret", f.Secret, f.SecretFile, f.SecretEnv}.read(lookupEnv)
	if err != nil {
		return t, err
	}
	t.options = robot.Options{URL: strings.TrimRight(base.String(), "/"), Token: token.Reveal(), Secret: sign.Reveal()}
	return t, nil
}

// secret is a secret of the file, given in one of three ways.
type secret struct {
	key   string
	value config.Secret
	file  string
	env   string
}

func (s secret) read(lookupEnv func(string) (string, bool)) (config.Secret, error) {
	ways := 0
	for _, given := range []bool{s.value != "", s.file != "", s.env != ""} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return "", fmt.Errorf("%[1]s: is wanted, as one of %[1]s, %[1]s_file or %[1]s_env", s.key)
	}
	value := s.value
	switch {
	case s.file != "":
		var err error
		if value, err = config.ReadSecretFile(s.file); err != nil {
			return "", fmt.Errorf("%s_file: %w", s.key, err)
		}
	case s.env != "":
		text, _ := lookupEnv(s.env)
		if value = config.Secret(text); value == "" {
			return "", fmt.Errorf("%s_env: the environment has no %s", s.key, s.env)
		}
	}
	return value, nil
}

func (f ruleFile) compile() rule {
	r := rule{
		titles: f.Meetings.Titles, people: f.People.IDs, names: f.People.Names,
		guests: cmp.Or(f.People.Guests, guestsToo), initial: f.Initial, types: []events.Type{events.Joined},
	}
	for _, id := range f.Meetings.IDs {
		r.meetings = append(r.meetings, string(id))
	}
	if len(f.Tell) > 0 {
		r.types = nil
		for _, v := range f.Tell {
			r.types = append(r.types, verbs[v])
		}
	}
	return r
}
