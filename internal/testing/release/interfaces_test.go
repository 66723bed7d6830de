package release

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/c4342123/rollcall/internal/testing/disk"
)

// TestGoldenInterfaces asks a running service for its routes, and its NATS for the streams and
// subjects it has.
func TestGoldenInterfaces(t *testing.T) {
	_, dingtalk := simulate(t, time.Now())
	s := serve(t, dingtalk, disk.Fast(t))
	Compare(t, "routes", routes(t, "http://"+s.http))

	conn, err := nats.Connect(s.url())
	require.NoError(t, err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	lines := slices.Concat(channels(t, "http://"+s.http), streams(t, js))
	// Some of what is stored comes by and by, and goes again.
	want := golden(t, "now", "subjects")
	looks := 0
	assert.Eventually(t, func() bool {
		lines, looks = sorted(append(lines, subjects(t, js)...)), looks+1
		if *update {
			return looks > 100
		}
		return len(lines) >= len(want)
	}, patience, 100*time.Millisecond)
	Compare(t, "subjects", lines)
}

// described is what of /openapi.yaml and /asyncapi.yaml names routes and subjects.
type described struct {
	// Paths have an operation for each method, and parameters that are none's own.
	Paths    map[string]map[string]yaml.Node
	Channels map[string]struct{ Address string }
}

func describe(t *testing.T, url string) (d described) {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &d))
	return d
}

// routes are the paths of /openapi.yaml with the methods that the service says it allows there.
func routes(t *testing.T, base string) []string {
	t.Helper()
	var lines []string
	for path, methods := range describe(t, base+"/openapi.yaml").Paths {
		line := path + " " + allowed(t, base+strings.NewReplacer("{", "", "}", "").Replace(path))
		query := map[string]bool{}
		for name, node := range methods {
			if name == "parameters" {
				continue
			}
			var method struct {
				Parameters []struct{ Name, In string }
			}
			require.NoError(t, node.Decode(&method))
			for _, p := range method.Parameters {
				query[p.Name] = query[p.Name] || p.In == "query"
			}
		}
		for _, name := range slices.Sorted(maps.Keys(query)) {
			if query[name] {
				line += " ?" + name
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// allowed asks by a method that there is nowhere.
func allowed(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "REPORT", url, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode, url)
	return resp.Header.Get("Allow")
}

func channels(t *testing.T, base string) []string {
	t.Helper()
	var lines []string
	for _, channel := range describe(t, base+"/asyncapi.yaml").Channels {
		lines = append(lines, channel.Address+" published")
	}
	return lines
}

// streams are the streams, with what decides who may read and write what.
func streams(t *testing.T, js jetstream.JetStream) []string {
	t.Helper()
	var lines []string
	list := js.ListStreams(t.Context())
	for info := range list.Info() {
		c := info.Config
		line := fmt.Sprintf("%s stream, takes %s", c.Name, strings.Join(c.Subjects, " "))
		if c.SubjectTransform != nil {
			line += fmt.Sprintf(", stored as %s", c.SubjectTransform.Destination)
		}
		if c.RePublish != nil {
			line += fmt.Sprintf(", published from %s to %s", c.RePublish.Source, c.RePublish.Destination)
		}
		lines = append(lines, line)
	}
	require.NoError(t, list.Err())
	return lines
}

// names stand in place of what differs from run to run.
var names = []struct {
	of *regexp.Regexp
	by string
}{
	{regexp.MustCompile(`^(rollcall\.audit\.tile)\.[0-9]+$`), "$1.{index}"},
	{regexp.MustCompile(`^(rollcall\.[a-z]+)\.[0-9]+\.(ended|live|meanwhile)$`), "$1.{shard}.{conferenceId}"},
	{regexp.MustCompile(`\.[0-9]{4}-[0-9]{2}$`), ".{month}"},
	{regexp.MustCompile(`\.[0-9A-Za-z]{22}$`), ".{nuid}"},
	{regexp.MustCompile(`\.U[A-Z2-7]{55}$`), ".{key}"},
}

// subjects are those that something is stored on, besides events.
func subjects(t *testing.T, js jetstream.JetStream) []string {
	t.Helper()
	var lines []string
	list := js.ListStreams(t.Context())
	for info := range list.Info() {
		stream, err := js.Stream(t.Context(), info.Config.Name)
		require.NoError(t, err)
		full, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(">"))
		require.NoError(t, err)
		for subject := range full.State.Subjects {
			if strings.HasPrefix(subject, "conference.") {
				continue // which have come depends on the moment
			}
			for _, name := range names {
				subject = name.of.ReplaceAllString(subject, name.by)
			}
			lines = append(lines, subject+" stored in "+info.Config.Name)
		}
	}
	require.NoError(t, list.Err())
	return lines
}
