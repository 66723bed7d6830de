package events

import _ "embed"

// SchemaURI is where the JSON Schema of the events is found. It ends in the version of the
// contract.
const SchemaURI = "https://github.com/c4342123/rollcall/blob/main/events/schema/v1.json"

// Schema is the JSON Schema of every event, as published at [SchemaURI].
//
//go:embed schema/v1.json
var Schema []byte

// DataSchema is the URI of the schema that the data of an event of type t follows.
func DataSchema(t Type) string {
	const of = SchemaURI + "#/$defs/"
	switch {
	case t.OfMember():
		return of + "member"
	case t == MeetingGap:
		return of + "gap"
	case t.OfSource():
		return of + "sight"
	case t == PersonErased:
		return of + "erased"
	case t == PersonForget:
		return of + "forget"
	case t == AuditCheckpoint:
		return of + "checkpoint"
	case t == AccessRead:
		return of + "access"
	default:
		return of + "meeting"
	}
}
