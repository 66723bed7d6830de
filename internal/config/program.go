package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/base/proxy"
)

const envConfig = envPrefix + "CONFIG"

// Program is one call of the program, with everything handed in that it may touch.
type Program struct {
	Name        string
	Description string
	// Args are the command line's words without the program's name.
	Args []string
	// Environ is the environment as os.Environ returns it.
	Environ        []string
	Stdout, Stderr io.Writer
}

// Invocation is what a command gets to know besides its own fields.
type Invocation struct {
	Stdout, Stderr io.Writer
	// LookupEnv looks a variable of the environment up.
	LookupEnv func(name string) (string, bool)
	// Settings are those of the command, in the order of its help.
	Settings []Setting
	// Warnings are what is worth logging about how the settings were given.
	Warnings []string
	// Cautions are about where secrets came from.
	Cautions []Caution
}

// Command is what the fields of a grammar that have the tag cmd:"" point to.
type Command interface {
	// Run does the work. Its error is printed to stderr in one line and decides the exit status: 2
	// for a [UsageError], that of an [ExitError], else 1.
	Run(ctx context.Context, invocation *Invocation) error
}

// CheckProxy returns a [UsageError] when the environment names a proxy that cannot be used. Every
// command that talks to DingTalk calls it first: net/http would bypass such a proxy without a word.
func (i *Invocation) CheckProxy() error {
	if err := proxy.Check(i.LookupEnv); err != nil {
		return &UsageError{Err: err}
	}
	return nil
}

// Origin returns where the setting with that flag name came from.
func (i *Invocation) Origin(setting string) Origin {
	for _, s := range i.Settings {
		if s.Name == setting {
			return s.Origin
		}
	}
	return Origin{}
}

// Assumed tells whether the setting with that flag name was not set: it has its default.
func (i *Invocation) Assumed(setting string) bool { return i.Origin(setting).Level == Default }

// globals are the flags of every command.
type globals struct {
	Config string `placeholder:"FILE" help:"Read settings from this YAML file [ROLLCALL_CONFIG]."`
}

// Run parses the command line by grammar, a pointer to a struct whose fields are the commands, and
// runs the one that is named. It returns the exit status.
//
// The fields of a command are its flags; by embedding [Settings], [Client] or [Demo] it has those
// settings, read and checked when Run is called.
func (p Program) Run(ctx context.Context, grammar any) int {
	if len(p.Args) == 0 {
		p.Stdout, p.Args = p.Stderr, []string{"--help"}
		_ = p.Run(ctx, grammar)
		return ExitUsage
	}
	err := p.run(ctx, grammar)
	code, show := exitCode(err)
	if show {
		text := strings.ReplaceAll(err.Error(), "\n", "; ") // and what others sent in it
		_, _ = fmt.Fprintf(p.Stderr, "%s: %s\n", p.Name, plaintext.Clean(text, len(text)))
	}
	return code
}

func (p Program) run(ctx context.Context, grammar any) error {
	sources, err := newSources(p.Environ)
	if err != nil {
		return err
	}
	var global globals
	helped, loaded := false, false
	parser, err := kong.New(grammar, append(mappers(),
		kong.Name(p.Name), kong.Description(p.Description), kong.Writers(p.Stdout, p.Stderr),
		kong.Embed(&global), kong.Resolvers(sources), kong.WithHyphenPrefixedParameters(true),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: helpWidth}),
		kong.ValueFormatter(sources.describe),
		kong.Exit(func(int) { helped = true }), // what kong does once it has printed the help
		kong.WithBeforeResolve(func(ctx *kong.Context) error {
			if helped || loaded { // kong calls this once for every word of the command line
				return nil
			}
			loaded = true
			return sources.load(ctx, configFlag(ctx))
		}),
	)...)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(helpArgs(p.Args, parser.Model.Node))
	if helped {
		return nil
	}
	if err != nil {
		return usage(sources.complete(err))
	}
	invocation := &Invocation{
		Stdout: p.Stdout, Stderr: p.Stderr, LookupEnv: lookup(p.Environ),
		Settings: sources.inForce(parsed), Warnings: sources.warnings,
		Cautions: sources.cautions(parsed),
	}
	command, ok := reflect.TypeAssert[Command](parsed.Selected().Target.Addr())
	if !ok {
		return fmt.Errorf("the command %s has no method Run", parsed.Command())
	}
	return sources.complete(command.Run(ctx, invocation))
}

// configFlag returns what --config says on the command line.
func configFlag(ctx *kong.Context) string {
	for _, step := range ctx.Path {
		if step.Flag != nil && step.Flag.Name == "config" {
			return ctx.FlagValue(step.Flag).(string)
		}
	}
	return ""
}

// helpArgs makes every way to ask for help one that kong knows: "help" and "help COMMAND", and
// --help among words that would not parse.
func helpArgs(args []string, root *kong.Node) []string {
	if args[0] == "help" {
		return append(slices.Clone(args[1:]), "--help")
	}
	end := slices.Index(args, "--")
	if end < 0 {
		end = len(args)
	}
	words := args[:end]
	if !slices.Contains(words, "--help") && !slices.Contains(words, "-h") {
		return args
	}
	var named []string
	for node, i := root, 0; i < len(words); i++ {
		if child := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == words[i] }); child >= 0 {
			node, named = node.Children[child], append(named, words[i])
		}
	}
	return append(named, "--help")
}

// usage makes every error of parsing a [UsageError].
func usage(err error) error {
	if known, ok := errors.AsType[*UsageError](err); ok {
		return known // without the flag that kong puts in front
	}
	var parse *kong.ParseError
	if word, ok := strings.CutPrefix(err.Error(), "unexpected argument "); ok && errors.As(err, &parse) && parse.Context.Selected() == nil {
		return Usagef("", "unknown command %s", word)
	}
	return &UsageError{Err: err}
}

func lookup(environ []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, variable := range slices.Backward(environ) {
			if value, found := strings.CutPrefix(variable, name+"="); found {
				return value, true
			}
		}
		return "", false
	}
}
