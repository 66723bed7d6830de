package server

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/c4342123/rollcall/events"
)

var (
	// openAPI describes the HTTP interface.
	//
	//go:embed openapi.yaml
	openAPI string
	//go:embed asyncapi.yaml
	asyncAPITemplate string
	// asyncAPI describes the events in NATS, their schema included: JSON is YAML.
	asyncAPI = strings.Replace(asyncAPITemplate, "schema: SCHEMA", "schema: "+schema(), 1)
)

// schema is the schema of the events in one line.
func schema() string {
	var line bytes.Buffer
	if err := json.Compact(&line, events.Schema); err != nil {
		panic(err) // it is part of the program and tested
	}
	return line.String()
}

// description answers with a description of an interface.
func description(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		head(w, http.StatusOK, "application/yaml; charset=utf-8")
		_, _ = w.Write([]byte(text)) // who went away reads nothing more
	}
}
