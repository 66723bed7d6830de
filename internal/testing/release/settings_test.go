package release

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	commandLine = regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+)*)(  .*)?$`)
	flagLine    = regexp.MustCompile(`^ +(?:-[a-zA-Z], +)?(--[a-z][a-z-]*)(\S*)`)
	notes       = regexp.MustCompile(`\[([^\[\]]*)\]$`)
)

// TestGoldenSettings takes every command, argument, flag, variable and default from --help.
func TestGoldenSettings(t *testing.T) {
	_, list, found := strings.Cut(string(output(t, nil, "--help")), "Commands:")
	require.True(t, found)
	var lines []string
	commands := map[string][]string{} // those that have a flag, by the flag's line
	for _, match := range commandLine.FindAllStringSubmatch(list, -1) {
		command := match[1]
		help := string(output(t, nil, append(strings.Fields(command), "--help")...))
		_, usage, _ := strings.Cut(strings.SplitN(help, "\n", 2)[0], "rollcall ")
		lines = append(lines, usage)
		for _, flag := range flagsOf(help) {
			commands[flag] = append(commands[flag], command)
		}
	}
	require.NotEmpty(t, lines)
	for flag, of := range commands {
		lines = append(lines, fmt.Sprintf("%s of: %s", flag, strings.Join(slices.Sorted(slices.Values(of)), " ")))
	}
	Compare(t, "settings", lines)
}

// flagsOf reads the flags of a command's help: what they are called and what stands in the brackets
// behind their help.
func flagsOf(help string) []string {
	var flags []string
	current := ""
	add := func() {
		if match := flagLine.FindStringSubmatch(current); match != nil {
			line := match[1] + match[2]
			if said := notes.FindStringSubmatch(current); said != nil {
				line += " [" + said[1] + "]"
			}
			flags = append(flags, line)
		}
		current = ""
	}
	for line := range strings.SplitSeq(help, "\n") {
		switch {
		case flagLine.MatchString(line):
			add()
			current = line
		case strings.TrimSpace(line) == "":
			add()
		case current != "":
			current += " " + strings.TrimSpace(line)
		}
	}
	add()
	return flags
}
