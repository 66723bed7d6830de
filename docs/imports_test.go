package docs

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mayImport says which of our packages each room may import, from the bottom up. A line covers the
// packages below its name too, unless they have a line of their own. Inside a room everything may
// import everything: Go refuses a circle.
var mayImport = []struct{ room, rooms string }{
	{"events", ""},
	{"events/consumer", "events"},
	{"diff", "events"},
	{"poller/condition", ""},
	{"poller/guarded", ""},
	{"poller/pace", ""},
	{"poller", "events diff poller/condition poller/guarded poller/pace"},
	{"publisher", "events diff"},

	{"internal/evidence", "events"},

	{"internal/base", ""},
	{"internal/config", "internal/base"},
	{"internal/base/logging", "internal/base internal/config"},
	{"internal/nats", "events internal/base internal/config"},
	{"internal/dingtalk", "events diff poller internal/base"},
	{"internal/fleet", "events poller internal/base internal/nats"},
	{"internal/stored", "events diff poller internal/evidence internal/base"},
	{"internal/stored/forget", "events diff poller publisher internal/evidence internal/base internal/stored"},
	{"internal/face", "events diff poller internal/base internal/config internal/nats internal/dingtalk internal/fleet internal/stored"},
	{"internal/privacy", "publisher internal/config internal/dingtalk"},
	{"internal/doctor", "events publisher internal/base internal/config internal/nats internal/dingtalk internal/privacy internal/fleet internal/stored internal/face"},
	{"internal/service", "events diff poller publisher internal/evidence internal/base internal/config internal/nats internal/dingtalk internal/privacy internal/fleet internal/stored internal/face"},

	// What tests Rollcall shares none of the code that it tests: the same mistake in both would be
	// seen by nobody.
	{"internal/simulator/history", ""},
	{"internal/simulator/fault", "internal/simulator/history"},
	{"internal/simulator", "internal/base internal/config internal/simulator/history internal/simulator/fault"},
	{"internal/testing", "events diff publisher internal/base internal/config internal/nats"},

	// Only the program knows everything, the simulator too, which `rollcall simulate` and `rollcall
	// demo` run.
	{"cmd/rollcall", "events diff poller publisher internal/evidence internal/base internal/config internal/nats internal/dingtalk internal/privacy internal/fleet " +
		"internal/stored internal/face internal/doctor internal/service internal/simulator"},
}

// Things that a package may know nothing of, as packages (with all below them) and functions.
var (
	inputAndOutput = []string{"net", "os", "io", "log", "syscall", "bufio", "embed.FS", "fmt.Print", "fmt.Printf", "fmt.Println", "fmt.Scan"}
	clocks         = []string{
		"context", "time.Now", "time.Since", "time.Until", "time.After", "time.AfterFunc", "time.Sleep",
		"time.Tick", "time.NewTicker", "time.NewTimer",
	}
	chance = []string{"math/rand", "crypto/rand", "github.com/google/uuid.New", "github.com/google/uuid.NewRandom"}
	http   = []string{"net/http"}
	// Not nkeys, which says how keys are written and asks no server.
	nats     = []string{"github.com/nats-io/nats.go", "github.com/nats-io/nats-server", "github.com/nats-io/jwt", "github.com/nats-io/nuid"}
	settings = []string{"github.com/alecthomas/kong", "os.Getenv", "os.LookupEnv", "os.Environ"}
	forTests = []string{
		"testing", "net/http/httptest", "github.com/stretchr/testify", "go.uber.org/goleak", "pgregory.net/rapid",
		"github.com/rogpeppe/go-internal",
	}
)

// knowsNothingOf is the last column of the table of packages in architecture.md. Like mayImport it
// leaves out what has a line of its own there.
var knowsNothingOf = []struct {
	room string
	of   [][]string
}{
	{"events", [][]string{inputAndOutput, clocks, chance, nats, settings}},
	{"diff", [][]string{inputAndOutput, clocks, chance, nats, settings}},
	{"poller/pace", [][]string{inputAndOutput, clocks, chance, nats, settings}},
	{"poller", [][]string{http, nats, settings}},
	{"publisher", [][]string{http, settings}},
	{"internal/evidence", [][]string{{"net", "os", "log", "syscall"}, clocks, chance, nats, settings}},
	{"internal/simulator/history", [][]string{inputAndOutput, clocks, nats, settings}},
	{"internal/simulator/fault", [][]string{inputAndOutput, clocks, nats, settings}},
	{"internal/dingtalk/api", [][]string{nats, settings}},
	{"internal/dingtalk", [][]string{nats}},
	{"internal/simulator/history", [][]string{inputAndOutput, clocks, nats, settings}},
	{"internal/simulator/fault", [][]string{inputAndOutput, clocks, nats, settings}},
}

// A room's folder is found at a glance as long as there are few.
const mostFolders = 15

// Other lines may name only rooms, which is what makes the order of the lines one.
func TestRoomsStandInOrder(t *testing.T) {
	seen := map[string]bool{}
	for _, line := range mayImport {
		for room := range strings.FieldsSeq(line.rooms) {
			assert.True(t, seen[room], "%s: %s stands further down or is no room", line.room, room)
		}
		seen[line.room] = true
	}
}

func TestImportsRunOneWay(t *testing.T) {
	for _, wrong := range wrongImports(product(t)) {
		t.Error(wrong)
	}
}

// wrongImports names every import of ours that mayImport does not allow, and every package that it
// does not cover.
func wrongImports(packages map[string]source) []string {
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		room := roomOf(name)
		if room < 0 {
			wrong = append(wrong, fmt.Sprintf("%s belongs to no room of mayImport", name))
			continue
		}
		allowed := append(strings.Fields(mayImport[room].rooms), mayImport[room].room)
		for _, imported := range packages[name].imports {
			ours, found := strings.CutPrefix(imported, module+"/")
			if found && !slices.ContainsFunc(allowed, func(room string) bool { return within(ours, room) }) {
				wrong = append(wrong, fmt.Sprintf("%s may not import %s", name, ours))
			}
		}
	}
	return wrong
}

// roomOf finds the line of mayImport that is about a package: the longest that covers it, or -1.
func roomOf(name string) int {
	best := -1
	for i, line := range mayImport {
		if within(name, line.room) && (best < 0 || len(line.room) > len(mayImport[best].room)) {
			best = i
		}
	}
	return best
}

func TestPackagesKnowNothingOfWhatTheyShouldNot(t *testing.T) {
	for _, wrong := range forbiddenUses(product(t)) {
		t.Error(wrong)
	}
}

// forbiddenUses names everything that a package imports or calls though knowsNothingOf forbids it.
// Nothing but tests, and what they share, knows of tools for tests.
func forbiddenUses(packages map[string]source) []string {
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		var forbidden []string
		if !forTest(name) {
			forbidden = forTests
		}
		for _, rule := range knowsNothingOf {
			if room := roomOf(name); within(name, rule.room) && (room < 0 || within(rule.room, mayImport[room].room)) {
				forbidden = append(slices.Concat(rule.of...), forbidden...)
			}
		}
		for _, imported := range packages[name].imports {
			ours, found := strings.CutPrefix(imported, module+"/")
			if slices.ContainsFunc(forbidden, func(what string) bool { return within(imported, what) }) ||
				found && forTest(ours) && !forTest(name) {
				wrong = append(wrong, fmt.Sprintf("%s may not import %s", name, imported))
			}
		}
		for _, function := range packages[name].uses {
			if slices.Contains(forbidden, function) {
				wrong = append(wrong, fmt.Sprintf("%s may not use %s", name, function))
			}
		}
	}
	return wrong
}

// forTest tells whether a package is for tests alone, which it is by its place or by its name, as
// net/http/httptest.
func forTest(name string) bool {
	return within(name, "internal/testing") || strings.HasSuffix(name, "test")
}

// What the simulator tests must not contain it, and the reverse: only the program and tests link
// both.
func TestSimulatorIsNotLinkedIntoWhatItTests(t *testing.T) {
	packages := product(t)
	require.Contains(t, packages, "internal/simulator")
	for name := range packages {
		if !within(name, "internal/simulator") && !within(name, "cmd") && !forTest(name) {
			assert.False(t, linked(packages, name)["internal/simulator"], "it is linked into %s", name)
		}
	}
	for _, tested := range []string{"poller", "publisher", "diff", "events", "internal/dingtalk/api", "internal/service"} {
		require.Contains(t, packages, tested)
		assert.False(t, linked(packages, "internal/simulator")[tested], "%s is linked into it", tested)
	}
}

func TestFoldersAreFew(t *testing.T) {
	for _, dir := range []string{root, root + "/internal"} {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		var folders []string
		for _, entry := range entries {
			if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
				folders = append(folders, entry.Name())
			}
		}
		assert.NotEmpty(t, folders)
		assert.LessOrEqual(t, len(folders), mostFolders, "%s: %v", dir, folders)
	}
}

// A rule that nothing can break would hold nothing: each kind of breach is found.
func TestBreachesAreFound(t *testing.T) {
	ours := func(names ...string) source {
		var s source
		for _, name := range names {
			s.imports = append(s.imports, module+"/"+name)
		}
		return s
	}
	assert.Equal(t, []string{
		"diff may not import poller",
		"internal/nowhere belongs to no room of mayImport",
		"internal/service may not import internal/simulator",
		"internal/stored/feed may not import internal/face/bot",
		"poller/pace may not import poller",
		"publisher may not import internal/base/pause",
	}, wrongImports(map[string]source{
		"diff":                 ours("events", "poller"),
		"internal/nowhere":     {},
		"internal/service":     ours("poller", "internal/simulator"),
		"internal/stored/feed": ours("internal/stored/reading", "internal/face/bot"),
		"poller":               ours("poller/pace"),
		"poller/pace":          ours("poller"),
		"publisher":            ours("diff", "internal/base/pause"),
	}))
	assert.ElementsMatch(t, []string{
		"diff may not import net/url",
		"diff may not use time.Now",
		"events may not use fmt.Println",
		"internal/dingtalk/api may not import github.com/nats-io/nats.go",
		"internal/service may not import testing",
		"internal/service may not import " + module + "/internal/dingtalk/wire/wiretest",
		"internal/service may not import " + module + "/internal/testing/port",
		"poller may not import github.com/nats-io/nats.go",
	}, forbiddenUses(map[string]source{
		"diff":                  {imports: []string{"net/url", "time"}, uses: []string{"time.Now", "time.UnixMilli"}},
		"events":                {imports: []string{"fmt"}, uses: []string{"fmt.Println", "fmt.Sprint"}},
		"events/consumer":       {imports: []string{"context", "github.com/nats-io/nats.go"}},
		"internal/dingtalk/api": {imports: []string{"github.com/nats-io/nats.go"}},
		"poller":                {imports: []string{"context", "github.com/nats-io/nats.go"}, uses: []string{"time.Now"}},
		"internal/service": {imports: []string{
			"testing", module + "/internal/testing/port", module + "/internal/dingtalk/wire/wiretest",
		}},
		"internal/testing/leak": {imports: []string{"testing"}},
	}))
}
