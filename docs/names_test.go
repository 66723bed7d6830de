package docs

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the documentation names between backquotes or as the target of a link.
var (
	quoted  = regexp.MustCompile("`([^`\n]+)`")
	linking = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	file    = regexp.MustCompile(`^[\w.\-/…]+$`)
	tests   = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w*…?`)
	tested  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)

	commands = regexp.MustCompile("go test [^`\n]+")
	folders  = regexp.MustCompile(`\./[\w/.]+`)
)

// repository is what there is to be named.
type repository struct {
	files map[string]bool // and folders, by their paths
	names map[string]bool // of files, without the folder
	tests []test          // their functions
}

// test is the function of a test, and the folder of its package.
type test struct{ name, folder string }

// TestNamesExist holds the documentation to names that exist: files, folders, tests, and the
// targets of links inside the repository.
func TestNamesExist(t *testing.T) {
	there := survey(t)
	pages, err := filepath.Glob("*.md")
	require.NoError(t, err)
	more, err := filepath.Glob("*/*.md")
	require.NoError(t, err)
	top, err := filepath.Glob(root + "/*.md")
	require.NoError(t, err)
	pages = slices.Concat(pages, more, top)
	require.Greater(t, len(pages), 5)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, missing := range there.missing(filepath.ToSlash(filepath.Join("docs", page)), string(text)) {
			assert.Fail(t, "named, but not there", "%s: %s", page, missing)
		}
	}
}

// missing are the names in a page that are nowhere in the repository.
func (r repository) missing(page, text string) []string {
	var missing []string
	for _, match := range quoted.FindAllStringSubmatch(text, -1) {
		if file.MatchString(match[1]) && !r.has(match[1]) {
			missing = append(missing, match[1])
		}
	}
	for _, match := range linking.FindAllStringSubmatch(text, -1) {
		target, _, _ := strings.Cut(match[1], "#")
		if target == "" || strings.Contains(target, "://") {
			continue
		}
		if !r.files[path.Join(path.Dir(page), target)] {
			missing = append(missing, target)
		}
	}
	for _, name := range tests.FindAllString(commands.ReplaceAllString(text, ""), -1) {
		if !r.tested(name, "./...") {
			missing = append(missing, name)
		}
	}
	return append(missing, r.mistaken(text)...)
}

// tested tells whether a package has a test of that name, or one that begins with it when it ends
// in an ellipsis.
func (r repository) tested(name, pattern string) bool {
	prefix, cut := strings.CutSuffix(name, "…")
	return slices.ContainsFunc(r.tests, func(t test) bool {
		return (t.name == name || cut && strings.HasPrefix(t.name, prefix)) && matches(t.folder, pattern)
	})
}

// mistaken are the commands in a page that run tests where there are none, or a test that is
// elsewhere.
func (r repository) mistaken(text string) []string {
	var mistaken []string
	for _, command := range commands.FindAllString(text, -1) {
		patterns := folders.FindAllString(command, -1)
		if len(patterns) == 0 {
			patterns = []string{"./..."}
		}
		for _, pattern := range patterns {
			folder := strings.TrimPrefix(strings.TrimSuffix(pattern, "/..."), "./")
			if pattern != "./..." && !r.files[folder] {
				mistaken = append(mistaken, command)
			}
		}
		for _, name := range tests.FindAllString(command, -1) {
			if !slices.ContainsFunc(patterns, func(pattern string) bool {
				return r.tested(strings.TrimSuffix(name, "…")+"…", pattern)
			}) {
				mistaken = append(mistaken, command)
			}
		}
	}
	return mistaken
}

// matches tells whether a folder is what a pattern of packages such as ./diff or ./internal/...
// means.
func matches(folder, pattern string) bool {
	pattern = strings.TrimPrefix(pattern, "./")
	if above, all := strings.CutSuffix(pattern, "..."); all {
		return within(folder, strings.TrimSuffix(above, "/"))
	}
	return folder == pattern
}

// has tells whether a text names something that is there, or looks like no name of a file of ours:
// not below one of the top folders and without the ending of source code.
func (r repository) has(name string) bool {
	name, cut := strings.CutSuffix(strings.TrimSuffix(name, "/"), "…")
	top, _, below := strings.Cut(name, "/")
	switch {
	case below && r.files[top] && cut:
		for known := range r.files {
			if strings.HasPrefix(known, name) {
				return true
			}
		}
		return false
	case below && r.files[top]:
		return r.files[name]
	case !below && strings.HasSuffix(name, ".go"):
		return r.names[name]
	}
	return true
}

// survey lists what is in the repository.
func survey(t *testing.T) repository {
	t.Helper()
	r := repository{files: map[string]bool{}, names: map[string]bool{}}
	require.NoError(t, filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules") {
			return filepath.SkipDir
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		r.files[filepath.ToSlash(relative)], r.names[entry.Name()] = true, true
		if strings.HasSuffix(name, "_test.go") {
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			for _, match := range tested.FindAllStringSubmatch(string(text), -1) {
				r.tests = append(r.tests, test{match[1], filepath.ToSlash(filepath.Dir(relative))})
			}
		}
		return nil
	}))
	return r
}

// Every package has its line in the table of architecture.md: what it does, and what it knows
// nothing of. What tests share may have one for all.
func TestEveryPackageIsInTheTable(t *testing.T) {
	text, err := os.ReadFile("architecture.md")
	require.NoError(t, err)
	for name := range product(t) {
		if !forTest(name) && !within(name, "cmd") {
			assert.True(t, strings.Contains(string(text), "`"+name+"`"), "%s is not in the table", name)
		}
	}
}

func TestMissingNamesAreFound(t *testing.T) {
	r := repository{
		files: map[string]bool{"diff": true, "diff/fold.go": true, "docs": true, "docs/semantics.md": true},
		names: map[string]bool{"diff": true, "fold.go": true},
		tests: []test{{"TestRule1", "diff"}, {"FuzzCompare", "diff"}, {"TestElsewhere", "poller"}},
	}
	assert.Empty(t, r.missing("docs/a.md", "`diff/fold.go`, `fold.go`, `diff/f…`, `text/html`, [b](semantics.md#rule), [c](https://x.example/y), "+
		"`TestRule…`, TestRule1, `go test ./diff -fuzz FuzzCompare`, `internal/…`"))
	assert.Equal(t, []string{"diff/gone.go", "gone.go", "diff/g…", "gone.md", "TestRule", "go test -fuzz FuzzRules"}, r.missing(
		"docs/a.md", "`diff/gone.go`, `gone.go`, `diff/g…` [b](gone.md) `TestRule` `go test -fuzz FuzzRules`"))
	assert.Equal(t, []string{"go test ./gone -bench .", "go test ./diff -run TestElsewhere"}, r.missing(
		"docs/a.md", "`go test ./gone -bench .`, `go test ./diff -run TestElsewhere`, `go test ./... -run TestElsewhere`"))
}
