package release

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// kinds are those of the golden files.
var kinds = []string{"settings", "routes", "subjects", "metrics", "schema"}

// TestChangelog asks that whatever differs between the golden files of now and of the last release
// stands in CHANGELOG.md under [Unreleased], by its name in backquotes: the first word of its line,
// such as `conference.meeting.updated`, `/v1/events`, `rollcall_ready` or `member.visit`; a setting
// is also found as a variable or a key of the settings file.
func TestChangelog(t *testing.T) {
	text := string(readFile(t, filepath.Join(root(t), "CHANGELOG.md")))
	for _, kind := range kinds {
		now := golden(t, "now", kind)
		require.NotEmpty(t, now, kind)
		for _, name := range unsaid(golden(t, "last", kind), now, unreleased(text)) {
			assert.Fail(t, fmt.Sprintf("CHANGELOG.md does not say under [Unreleased] what has changed of the %s: `%s`", kind, name))
		}
	}
}

func TestUnsaid(t *testing.T) {
	last := []string{"--gone=N [ROLLCALL_GONE] of: serve", "--kept=N of: serve", "--other=N [ROLLCALL_OTHER, default 1] of: serve", "/v1/a GET"}
	now := []string{"--kept=N of: serve", "--new-one=N of: serve", "--other=N [ROLLCALL_OTHER, default 2] of: serve", "/v1/a GET ?b"}
	for said, want := range map[string][]string{
		"":                               {"--gone", "--new-one", "--other", "/v1/a"},
		"gone --new-one other /v1/a":     {"--gone", "--new-one", "--other", "/v1/a"}, // not in backquotes
		"`--gone` `--new` `--other`":     {"--new-one", "/v1/a"},
		"`--gone=5`, `ROLLCALL_NEW_ONE`": {"--other", "/v1/a"},
		"`other: 2` `new_one` `--gone`":  {"/v1/a"},
		"`GET /v1/a` `--gone` `--new-one` `--other`": nil,
		"`/v1/ab` `--gone` `--new-one` `--other`":    {"/v1/a"},
	} {
		assert.Equal(t, want, unsaid(last, now, said), said)
	}
	assert.Equal(t, "\n- `a`", unreleased("# Changelog\n## [Unreleased]\n- `a`\n## [1.0.0] - 2026-01-01\n- `b`\n"))
	assert.Empty(t, unreleased("# Changelog\n## [1.0.0] - 2026-01-01\n- `b`\n"))
}

// unreleased is what a change log says of the time since the last release.
func unreleased(changelog string) string {
	_, rest, _ := strings.Cut(changelog, "## [Unreleased]")
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

var quoted = regexp.MustCompile("`([^`]+)`")

// unsaid are the names of what differs between two lists and is not named in a text.
func unsaid(last, now []string, text string) []string {
	said := map[string]bool{}
	for _, match := range quoted.FindAllStringSubmatch(text, -1) {
		for word := range strings.FieldsSeq(match[1]) {
			said[setting(strings.TrimRight(word, ",:"))] = true
		}
	}
	var names []string
	for _, line := range append(without(last, now), without(now, last)...) {
		name, _, _ := strings.Cut(strings.Fields(line)[0], "=")
		if !said[setting(name)] {
			names = append(names, name)
		}
	}
	return sorted(names)
}

// without returns the lines that are not among others.
func without(lines, others []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return slices.Contains(others, line) })
}

// setting makes one word of the ways to write a setting; other words stay what they are.
func setting(word string) string {
	word, _, _ = strings.Cut(word, "=")
	word = strings.TrimPrefix(word, "ROLLCALL_")
	word = strings.TrimPrefix(word, "--")
	if strings.ContainsAny(word, "./{") {
		return word
	}
	return strings.ToLower(strings.ReplaceAll(word, "-", "_"))
}
