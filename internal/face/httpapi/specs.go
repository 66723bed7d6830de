package httpapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/problem"
)

var (
	// openAPI describes the HTTP interface.
	//
	//go:embed openapi.yaml
	openAPI string
	//go:embed asyncapi.yaml
	asyncAPITemplate string
	// asyncAPI describes the events in NATS, their schema included: JSON is YAML.
	asyncAPI = strings.Replace(asyncAPITemplate, "schemas: SCHEMAS", "schemas: "+schemas(), 1)
)

// schemas is the schema of the events and all that it refers to, each as a schema of its own, in
// one line. It is no longer a document then, so it refers to its parts, and is identified, as the
// document does that it is pasted into.
func schemas() string {
	pasted := bytes.ReplaceAll(events.Schema, []byte("#/$defs/"), []byte("#/components/schemas/"))
	var event, all map[string]json.RawMessage
	err := json.Unmarshal(pasted, &event)
	if err == nil {
		err = json.Unmarshal(event["$defs"], &all)
	}
	for _, keyword := range []string{"$defs", "$id", "$schema"} {
		delete(event, keyword)
	}
	if err == nil {
		all["event"], err = json.Marshal(event)
	}
	line, failed := json.Marshal(all)
	if err = errors.Join(err, failed); err != nil {
		panic(err) // it is part of the program and tested
	}
	return string(line)
}

// description answers with a description of an interface.
func description(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		problem.Head(w, http.StatusOK, "application/yaml; charset=utf-8")
		_, _ = w.Write([]byte(text)) // a client that is gone gets no more
	}
}
