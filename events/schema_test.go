package events_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/c4342123/rollcall/events"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

func compiler(t *testing.T) *jsonschema.Compiler {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(events.Schema))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource(events.SchemaURI, doc))
	return c
}

func TestSchemaHoldsForEveryKind(t *testing.T) {
	c := compiler(t)
	whole, err := c.Compile(events.SchemaURI)
	require.NoError(t, err)
	for name, e := range kinds() {
		t.Run(name, func(t *testing.T) {
			payload, err := events.Encode(e)
			require.NoError(t, err)
			doc := parse(t, payload)
			require.NoError(t, whole.Validate(doc))
			data, err := c.Compile(events.DataSchema(e.Type))
			require.NoError(t, err, "dataschema resolves")
			require.NoError(t, data.Validate(doc["data"]))
		})
	}
}

func parse(t *testing.T, payload []byte) map[string]any {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	require.NoError(t, err)
	return doc.(map[string]any)
}

// TestSchemaNamesEveryField holds the schema to the fields of the types: none is undescribed or
// only described.
func TestSchemaNamesEveryField(t *testing.T) {
	var schema struct {
		Defs map[string]struct {
			Required   []string
			Properties map[string]any
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(events.Schema, &schema))
	for name, data := range map[string]any{"member": events.Member{}, "meeting": events.Meeting{}, "gap": events.Gap{}, "seal": events.Seal{}, "sight": events.Sight{}} {
		def := schema.Defs[name]
		required, fields := 0, reflect.TypeOf(data)
		require.Len(t, def.Properties, fields.NumField(), name)
		for field := range fields.Fields() {
			field, optional, _ := strings.Cut(field.Tag.Get("json"), ",")
			require.Contains(t, def.Properties, field)
			if optional == "" {
				require.Contains(t, def.Required, field)
				required++
			}
		}
		require.Len(t, def.Required, required, name)
	}
}

func TestSchemaRefuses(t *testing.T) {
	whole, err := compiler(t).Compile(events.SchemaURI)
	require.NoError(t, err)
	type doc = map[string]any
	data := func(d doc) doc { return d["data"].(doc) }
	for name, tc := range map[string]struct {
		kind   string
		change func(doc)
	}{
		"no id":                       {"joined", func(d doc) { delete(d, "id") }},
		"an id that is no UUID":       {"joined", func(d doc) { d["id"] = "1" }},
		"another specversion":         {"joined", func(d doc) { d["specversion"] = "0.3" }},
		"an unknown type":             {"joined", func(d doc) { d["type"] = "conference.member.waved" }},
		"a source of another kind":    {"joined", func(d doc) { d["source"] = "/zoom/x/conferences/1" }},
		"no subject of a member":      {"joined", func(d doc) { delete(d, "subject") }},
		"an empty subject":            {"joined", func(d doc) { d["subject"] = "" }},
		"no sequence of a member":     {"left", func(d doc) { delete(d, "sequence") }},
		"a sequence that is a number": {"left", func(d doc) { d["sequence"] = json.Number("1") }},
		"a sequence without zeros":    {"left", func(d doc) { d["sequence"] = "1" }},
		"a sequence of a meeting":     {"meeting_ended", func(d doc) { d["sequence"] = "0000000001" }},
		"a sequence of a gap":         {"meeting_gap_begun", func(d doc) { d["sequence"] = "0000000001" }},
		"time without milliseconds":   {"joined", func(d doc) { d["time"] = "2023-11-14T22:13:20Z" }},
		"time of another zone":        {"joined", func(d doc) { d["time"] = "2023-11-14T22:13:20.123+08:00" }},
		"month 13":                    {"joined", func(d doc) { d["time"] = "2023-13-14T22:13:20.123Z" }},
		"no recordedtime":             {"joined", func(d doc) { delete(d, "recordedtime") }},
		"no data":                     {"joined", func(d doc) { delete(d, "data") }},
		"an unknown reason":           {"joined", func(d doc) { data(d)["reason"] = "bored" }},
		"an unknown via":              {"joined", func(d doc) { data(d)["via"] = "mail" }},
		"visit 0":                     {"joined", func(d doc) { data(d)["visit"] = json.Number("0") }},
		"negative activeCount":        {"left", func(d doc) { data(d)["activeCount"] = json.Number("-1") }},
		"negative duration":           {"left", func(d doc) { data(d)["duration"] = json.Number("-1") }},
		"a time that is text":         {"joined", func(d doc) { data(d)["joinTime"] = "1700000000123" }},
		"no nickname":                 {"joined", func(d doc) { delete(data(d), "userNick") }},
		"a conferenceId with a dot":   {"joined", func(d doc) { data(d)["conferenceId"] = "a.b" }},
		"an unknown reason of an end": {"meeting_ended", func(d doc) { data(d)["reason"] = "bored" }},
		"an unknown reason of a gap":  {"meeting_gap_begun", func(d doc) { data(d)["reason"] = "bored" }},
		"a meeting of the source":     {"source_blind", func(d doc) { d["source"] = "/dingtalk/x/conferences/1" }},
		"no reason of the source":     {"source_seeing", func(d doc) { delete(data(d), "reason") }},
		"a sequence of the source":    {"source_blind", func(d doc) { d["sequence"] = "0000000001" }},
		"a meeting without its id":    {"meeting_ended", func(d doc) { d["source"] = "/dingtalk/x" }},
		"a title that is a number":    {"joined_titled", func(d doc) { data(d)["title"] = json.Number("1") }},
		"a sequence of an update":     {"meeting_updated", func(d doc) { d["sequence"] = "0000000001" }},
		"previous without salt":       {"joined_chained", func(d doc) { delete(d, "salt") }},
		"salt without previous":       {"joined_chained", func(d doc) { delete(d, "previous") }},
		"a hash in capitals":          {"joined_chained", func(d doc) { d["previous"] = strings.ToUpper(previousHash) }},
		"a seal without a key":        {"meeting_ended_sealed", func(d doc) { delete(data(d)["seal"].(doc), "key") }},
		"a signature of another size": {"meeting_gap_sealed", func(d doc) { data(d)["seal"].(doc)["signature"] = "AA" }},
		"data of a gap":               {"meeting_ended", func(d doc) { d["type"] = "conference.meeting.gap" }},
		"data of a meeting":           {"meeting_gap_begun", func(d doc) { d["type"] = "conference.meeting.ended" }},
		"data of a member":            {"meeting_started", func(d doc) { d["type"], d["subject"], d["sequence"] = "conference.member.left", "x", "0000000001" }},
	} {
		t.Run(name, func(t *testing.T) {
			payload, err := events.Encode(kinds()[tc.kind])
			require.NoError(t, err)
			d := parse(t, payload)
			require.NoError(t, whole.Validate(d))
			tc.change(d)
			require.Error(t, whole.Validate(d))
		})
	}
}

func TestSchemaLetsUnknownPropertiesPass(t *testing.T) {
	whole, err := compiler(t).Compile(events.SchemaURI)
	require.NoError(t, err)
	payload, err := events.Encode(member(nil))
	require.NoError(t, err)
	more := strings.Replace(string(payload), `"visit":1`, `"visit":1,"jobNumber":"42"`, 1)
	more = strings.Replace(more, `{`, `{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",`, 1)
	require.NoError(t, whole.Validate(parse(t, []byte(more))))
}
