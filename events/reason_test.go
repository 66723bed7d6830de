package events_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/c4342123/rollcall/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSchemaNamesEveryReason holds the schema's reasons to those there are.
func TestSchemaNamesEveryReason(t *testing.T) {
	var schema struct {
		Defs map[string]struct {
			Properties struct{ Reason struct{ Enum []string } }
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(events.Schema, &schema))
	want := map[string][]string{}
	for _, kind := range events.Types() {
		reasons := events.Reasons(kind)
		if kind != events.PersonErased && kind != events.PersonForget && kind != events.AuditCheckpoint && kind != events.AccessRead { // the first is free text, the others have none
			require.NotEmpty(t, reasons, kind)
		}
		_, def, found := strings.Cut(events.DataSchema(kind), "#/$defs/")
		require.True(t, found)
		want[def] = append(want[def], reasons...)
	}
	for def, reasons := range want {
		slices.Sort(reasons)
		reasons = slices.Compact(reasons) // types may share some
		assert.ElementsMatch(t, reasons, schema.Defs[def].Properties.Reason.Enum, def)
	}
	assert.Empty(t, events.Reasons("conference.member.waved"))
}

// TestTheRulesNameEveryReason holds the table of docs/semantics.md to the reasons there are: the
// line of a type names all of its reasons and no others.
func TestTheRulesNameEveryReason(t *testing.T) {
	rules, err := os.ReadFile("../docs/semantics.md")
	require.NoError(t, err)
	for _, kind := range events.Types() {
		row, found := []byte("| `"+string(kind)+"` | "), false
		for line := range bytes.Lines(rules) {
			if !bytes.HasPrefix(line, row) {
				continue
			}
			found = true
			var named []string
			for i, part := range strings.Split(string(line[len(row):]), "`") {
				if i%2 == 1 {
					named = append(named, part)
				}
			}
			assert.ElementsMatch(t, events.Reasons(kind), named, kind)
		}
		assert.True(t, found, "no line for %s", kind)
	}
}
