package httpapi

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/face/oidc"
	"github.com/c4342123/rollcall/internal/stored/forget"
	"github.com/c4342123/rollcall/internal/stored/report"
)

// described is the HTTP interface as /openapi.yaml describes it.
var described = func() *openapi3.T {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(openAPI))
	if err != nil {
		panic(err)
	}
	return doc
}()

var describedRoutes = func() routers.Router {
	r, err := gorillamux.NewRouter(described)
	if err != nil {
		panic(err)
	}
	return r
}()

func init() {
	// A program that only passes a file on takes it for text.
	for _, kind := range []string{
		"text/html", "text/event-stream", "text/javascript", "text/css", "image/svg+xml",
	} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.RegisteredBodyDecoder("text/plain"))
	}
}

// conforms holds an answer against the description. What the description does not know is not to be
// answered with success.
func conforms(t *testing.T, r *http.Request, resp *http.Response) {
	t.Helper()
	if r.Method == http.MethodHead {
		return // GET without a body, of which no description speaks
	}
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	route, params, err := describedRoutes.FindRoute(r)
	if err != nil {
		assert.GreaterOrEqual(t, resp.StatusCode, 300, "%s %s is not described", r.Method, r.URL)
		return
	}
	assert.NoError(t, openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}), "%s %s", r.Method, r.URL)
}

func TestTheDescriptionIsOpenAPI(t *testing.T) {
	require.NoError(t, described.Validate(t.Context()))
	resp := request(t, Options{Access: withToken(t, "x")}, http.MethodGet, "/openapi.yaml", "")
	assert.Equal(t, "application/yaml; charset=utf-8", resp.Header.Get("Content-Type"))
	assert.Equal(t, openAPI, bodyOf(t, resp))
}

// Whatever is described is answered, with the methods that are described and no others.
func TestEveryDescribedPathIsServed(t *testing.T) {
	answers := func(http.ResponseWriter, *http.Request) {}
	opts := Options{Meetings: table(), Month: func() *Month { return nil }, Keys: fakeKeys(nil), Audit: &notes{}, LogIn: LogIn{Provider: oidc.New(oidc.Options{})}, Metrics: http.HandlerFunc(answers), Webhook: Webhook{Handler: http.HandlerFunc(answers)}}
	for path, item := range described.Paths.Map() {
		if strings.HasPrefix(path, webhookPath) {
			continue // its handler is tested where it is written
		}
		resp := request(t, opts, "REPORT", strings.NewReplacer("{conferenceId}", "a", "{id}", "a", "{name}", "app.js").Replace(path), "")
		allow := slices.DeleteFunc(strings.Split(resp.Header.Get("Allow"), ", "), func(m string) bool { return m == http.MethodHead })
		var methods []string
		for method := range item.Operations() {
			methods = append(methods, method)
		}
		assert.ElementsMatch(t, methods, allow, path)
	}
}

func TestEveryFieldIsDescribed(t *testing.T) {
	for name, body := range map[string]any{
		"MeetingList": listBody{}, "Meeting": meetingBody{}, "Person": personBody{}, "Problem": problem.Body{},
		"EndedList": endedListBody{}, "Ended": endedBody{}, "Report": report.Report{}, "Period": report.Period{}, "Gap": report.Gap{},
		"Attendee": report.Person{}, "Attendance": report.Attendance{}, "StoredPerson": forget.Person{}, "StoredMeeting": forget.Meeting{}, "StoredEntry": forget.Listed{}, "Erasure": forget.Answer{}, "Session": sessionBody{}, "Month": Month{}, "Quota": Quota{},
	} {
		var fields, properties []string
		for i, kind := 0, reflect.TypeOf(body); i < kind.NumField(); i++ {
			field, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			if field != "-" {
				fields = append(fields, field)
			}
		}
		for property := range described.Components.Schemas[name].Value.Properties {
			properties = append(properties, property)
		}
		assert.ElementsMatch(t, fields, properties, name)
	}
}

// tree is a YAML document as JSON would be read.
func tree(t *testing.T, text string) (out any) {
	t.Helper()
	var read any
	require.NoError(t, yaml.Unmarshal([]byte(text), &read))
	data, err := json.Marshal(read)
	require.NoError(t, err)
	out, err = jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	return out
}

func TestTheDescriptionIsAsyncAPI(t *testing.T) {
	file, err := os.Open("testdata/asyncapi-3.0.0.schema.json.gz")
	require.NoError(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	schema, err := jsonschema.UnmarshalJSON(unzipped)
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	require.NoError(t, c.AddResource("asyncapi.json", schema))
	official, err := c.Compile("asyncapi.json")
	require.NoError(t, err)
	resp := request(t, Options{Access: withToken(t, "x")}, http.MethodGet, "/asyncapi.yaml", "")
	require.NoError(t, official.Validate(tree(t, bodyOf(t, resp))))
}

// The channels are the subjects there are.
func TestTheDescriptionOfTheEvents(t *testing.T) {
	doc := tree(t, asyncAPI).(map[string]any)
	var addresses []string
	for _, channel := range doc["channels"].(map[string]any) {
		addresses = append(addresses, channel.(map[string]any)["address"].(string))
	}
	want := []string{"conference.id.{conferenceId}.member.{verb}", "conference.id.{conferenceId}.meeting.{verb}", "conference.id.{conferenceId}.person.erased"}
	for _, kind := range events.Types() {
		want = append(want, string(kind))
	}
	assert.ElementsMatch(t, want, addresses)
	assert.Len(t, doc["operations"], len(want), "each is told")
	assert.Equal(t, "3.0.0", doc["asyncapi"], "what generators read")
}

// follow calls visit for every object within a document.
func follow(at any, visit func(map[string]any)) {
	switch v := at.(type) {
	case []any:
		for _, each := range v {
			follow(each, visit)
		}
	case map[string]any:
		visit(v)
		for _, each := range v {
			follow(each, visit)
		}
	}
}

// Every reference in the description leads somewhere within it, and what is pasted in does not
// claim to be a document.
func TestReferencesInTheDescriptionOfTheEvents(t *testing.T) {
	doc := tree(t, asyncAPI)
	found := 0
	follow(doc, func(object map[string]any) {
		for _, keyword := range []string{"$id", "$schema", "$defs", "schemaFormat"} {
			_, is := object[keyword]
			assert.False(t, is, keyword)
		}
		if kind, is := object["contentType"]; is {
			assert.Equal(t, events.ContentType, kind)
		}
		ref, is := object["$ref"].(string)
		if !is {
			return
		}
		found++
		at := doc
		for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			within, _ := at.(map[string]any)
			at = within[name]
		}
		assert.NotNil(t, at, ref)
	})
	assert.Greater(t, found, 40)
}

// The schema of the messages is that of the events, in another place.
func TestTheSchemaInTheDescriptionOfTheEvents(t *testing.T) {
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("asyncapi.json", tree(t, asyncAPI)))
	schema, err := c.Compile("asyncapi.json#/components/messages/gap/payload")
	require.NoError(t, err)
	text, err := events.Encode(events.Event{
		ID: "5a4aa9ec-2a3f-5c8f-8d0f-6c7e2a3f4b1d", Source: events.Source("corp", "a"), Type: events.Joined, Subject: "ann", Sequence: 1,
		Time: time.UnixMilli(joined), RecordedTime: time.UnixMilli(joined),
		Member: &events.Member{ConferenceID: "a", UnionID: "ann", Reason: events.ReasonJoined, Via: events.ViaPoll, Visit: 1},
	})
	require.NoError(t, err)
	assert.NoError(t, schema.Validate(tree(t, string(text))))
	for _, wrong := range []string{`"sequence":`, `"joinTime":`, `"dataschema":`, `"type":`, `"data":`} {
		assert.Error(t, schema.Validate(tree(t, strings.Replace(string(text), wrong, `"x":`, 1))), wrong)
	}
}
