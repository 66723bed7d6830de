package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Under /v1 whatever would be ignored is refused by name, and nothing is that is described.
func TestUnknownQueryParameters(t *testing.T) {
	opts := Options{Meetings: table(state(t, "a", "")), Past: &fakePast{}, Month: func() *Month { return nil }, Audit: &notes{}, Keys: fakeKeys(nil)}
	paths := 0
	for path, item := range described.Paths.Map() {
		if !strings.HasPrefix(path, "/v1/") {
			continue
		}
		paths++
		target := strings.NewReplacer("{conferenceId}", "a", "{id}", "a").Replace(path)
		for method, operation := range item.Operations() {
			says := problemOf(t, request(t, opts, method, target+"?serch=x", ""), http.StatusBadRequest)
			assert.Contains(t, says, `"serch"`)
			for _, p := range operation.Parameters {
				if p.Value.In != "query" {
					continue
				}
				assert.Contains(t, says, p.Value.Name, "%s %s", method, path)
				says := problemOf(t, request(t, opts, method, target+"?serch=x&"+p.Value.Name+"=@", ""), http.StatusBadRequest)
				assert.Contains(t, says, `"serch"`, "%s %s: %s is known", method, path, p.Value.Name)
			}
		}
	}
	assert.Equal(t, 8, paths)
	watched := request(t, opts, http.MethodGet, "/v1/meetings/a", "")
	assert.Equal(t, http.StatusOK, watched.StatusCode, "nothing was done")
}

func TestQueriesThatAreNone(t *testing.T) {
	opts := Options{Meetings: table(state(t, "a", "")), Past: &fakePast{}}
	for query, says := range map[string]string{
		"x":                             `"x"`,
		"=x":                            `""`,
		"State=ended":                   `"State"`,
		"state=ended&serch=weekly":      `"serch"`,
		"state=ended&state=watched":     "state: is given 2 times",
		"state=ended&search=a;search=b": "semicolon",
		"search=%zz":                    "%zz",
		"%73erch=a":                     `"serch"`,
	} {
		assert.Contains(t, problemOf(t, request(t, opts, http.MethodGet, "/v1/meetings?"+query, ""), http.StatusBadRequest), says, query)
	}
	for _, query := range []string{"", "&", "state=", "search=&limit=1", "%73tate=watched"} {
		assert.Equal(t, http.StatusOK, request(t, opts, http.MethodGet, "/v1/meetings?"+query, "").StatusCode, query)
	}
	// Who may not ask is told that and nothing else.
	opts.Access = withToken(t, "secret")
	problemOf(t, request(t, opts, http.MethodGet, "/v1/meetings?serch=x", ""), http.StatusUnauthorized)
}

// What browsers and probes call takes what it is given: they add parameters of their own.
func TestQueriesElsewhere(t *testing.T) {
	opts := Options{Meetings: table(), Metrics: http.HandlerFunc(live)}
	for _, path := range []string{"/", "/assets/app.js", "/login", "/livez", "/readyz", "/metrics", "/openapi.yaml", "/asyncapi.yaml"} {
		assert.Equal(t, http.StatusOK, request(t, opts, http.MethodGet, path+"?utm_source=x&utm_source=y", "").StatusCode, path)
	}
}

func TestSearchingWhatIsWatched(t *testing.T) {
	opts := Options{Meetings: table(state(t, "a1", "Weekly"), state(t, "a2", "Retro"), state(t, "b", "weekly 周会"))}
	for query, want := range map[string][]string{
		"":                      {"a1", "a2", "b"},
		"search=WEEKLY":         {"a1", "b"},
		"search=%E5%91%A8":      {"b"},
		"search=a&limit=1":      {"a1"},
		"limit=2":               {"a1", "a2"},
		"state=watched&limit=9": {"a1", "a2", "b"},
		"search=nobody":         nil,
	} {
		body := jsonOf[listBody](t, request(t, opts, http.MethodGet, "/v1/meetings?"+query, ""), http.StatusOK)
		assert.Equal(t, "watched", body.State)
		var got []string
		for _, m := range body.Meetings {
			got = append(got, m.ConferenceID)
		}
		slices.Sort(got)
		assert.Equal(t, want, got, query)
	}
	problemOf(t, request(t, opts, http.MethodGet, "/v1/meetings?limit=0", ""), http.StatusBadRequest)
}
