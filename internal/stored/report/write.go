package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/internal/base/plaintext"
)

// Format is a form in which a report is written.
type Format string

// The formats.
const (
	Table Format = "table" // for a terminal
	JSON  Format = "json"  // for programs
	CSV   Format = "csv"   // for spreadsheets; UTF-8 with a byte order mark, a line for each person
	SVG   Format = "svg"   // a timeline
	HTML  Format = "html"  // a page on its own, with the timeline
)

var formats = []Format{Table, JSON, CSV, SVG, HTML}

// ParseFormat returns the format of that name, or an error that lists them all.
func ParseFormat(name string) (Format, error) {
	if f := Format(name); slices.Contains(formats, f) {
		return f, nil
	}
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = string(f)
	}
	return "", fmt.Errorf("%q is none of %s", name, strings.Join(names, ", "))
}

// ContentType is the media type of the format.
func (f Format) ContentType() string {
	switch f {
	case JSON:
		return "application/json"
	case CSV:
		return "text/csv; charset=utf-8; header=present"
	case SVG:
		return "image/svg+xml"
	case HTML:
		return "text/html; charset=utf-8"
	default:
		return "text/plain; charset=utf-8"
	}
}

// writeJSON writes what a terminal would act on as escapes, which mean the same to programs.
func (r *Report) writeJSON(w io.Writer) error {
	text, err := json.Marshal(r, jsontext.WithIndent("  "), json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return err
	}
	lines := bytes.Split(text, []byte{'\n'})
	for i := range lines {
		lines[i] = plaintext.Escaped(lines[i])
	}
	_, err = w.Write(bytes.Join(lines, []byte{'\n'}))
	return err
}

// Write writes the report in a format. Whatever people call themselves, it stays text: it is no
// formula in a spreadsheet, no markup in a page, and does nothing to a terminal.
func (r *Report) Write(w io.Writer, format Format) error {
	switch format {
	case Table:
		return r.writeTable(w)
	case JSON:
		return r.writeJSON(w)
	case CSV:
		return r.writeCSV(w)
	case SVG:
		return r.writeSVG(w)
	case HTML:
		return r.writeHTML(w)
	}
	_, err := ParseFormat(string(format))
	return err
}
