package release

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// property is what of a JSON Schema decides what an event may hold.
type property struct {
	Ref      string              `json:"$ref"`
	Type     string              `json:"type"`
	Const    string              `json:"const"`
	Enum     []string            `json:"enum"`
	Format   string              `json:"format"`
	Required []string            `json:"required"`
	Fields   map[string]property `json:"properties"`
	Defs     map[string]property `json:"$defs"`
}

// TestGoldenSchema takes every type and every field of an event from the schema that the program
// publishes; package events holds the schema to what is encoded.
func TestGoldenSchema(t *testing.T) {
	var schema property
	require.NoError(t, json.Unmarshal(events.Schema, &schema))
	lines := schema.fields("event")
	for _, name := range slices.Sorted(maps.Keys(schema.Defs)) {
		lines = append(lines, schema.Defs[name].fields(name)...)
	}
	for _, kind := range events.Types() {
		_, data, _ := strings.Cut(events.DataSchema(kind), "#/$defs/")
		lines = append(lines, fmt.Sprintf("%s has the data of: %s", kind, data))
	}
	Compare(t, "schema", lines)
}

// fields is a line for each field of an object, whose name comes first.
func (p property) fields(of string) []string {
	var lines []string
	for name, field := range p.Fields {
		line := fmt.Sprintf("%s.%s %s", of, name, field.what())
		if !slices.Contains(p.Required, name) {
			line += " optional"
		}
		lines = append(lines, line)
	}
	return lines
}

func (p property) what() string {
	if len(p.Enum) > 0 || p.Const != "" {
		return strings.Trim("one of: "+strings.Join(p.Enum, " ")+" "+p.Const, " ")
	}
	what := strings.TrimPrefix(p.Ref, "#/$defs/") + p.Type
	if p.Format != "" {
		what += "(" + p.Format + ")"
	}
	return what
}
