package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/c4342123/rollcall/internal/base/plaintext"
)

// byteOrderMark makes spreadsheets read UTF-8: without it Excel turns Chinese names into rubbish.
const byteOrderMark = "\ufeff"

// csvHeader names the columns. New ones only ever come at the end.
var csvHeader = []string{
	"person", "name", "roles", "visits", "first_joined", "last_left", "total_seconds", "total", "share_percent",
	"ended", "inferred", "time_zone", "attendances",
}

// writeCSV writes a line for each person. Times are the reader's, in the form of RFC 3339; the last
// column has every attendance to the millisecond, as an interval of ISO 8601 and how it ended.
func (r *Report) writeCSV(w io.Writer) error {
	if _, err := io.WriteString(w, byteOrderMark); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true // RFC 4180
	if err := out.Write(csvHeader); err != nil {
		return err
	}
	for i := range r.People {
		if err := out.Write(r.csvLine(&r.People[i])); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (r *Report) csvLine(p *Person) []string {
	first, last := r.at(p.FirstJoined), ""
	zones := zone(first)
	if p.LastLeft > 0 {
		left := r.at(p.LastLeft)
		last = left.Format(time.RFC3339)
		if z := zone(left); z != zones {
			zones += " " + z
		}
	}
	visits := make([]string, len(p.Attendances))
	for i, a := range p.Attendances {
		end := ".." // an interval without an end, as ISO 8601-2 has it
		if a.LeaveTime > 0 {
			end = r.precise(a.LeaveTime, a.LeaveInferred)
		}
		visits[i] = r.precise(a.JoinTime, a.JoinInferred) + "/" + end + " " + a.ended()
	}
	return []string{
		Harmless(p.Person), Harmless(p.name()), strings.Join(p.roles(), " "), strconv.Itoa(len(p.Attendances)),
		first.Format(time.RFC3339), last,
		strconv.FormatFloat(float64(p.Total)/1000, 'f', 3, 64), span2text(p.Total), fmt.Sprintf("%.1f", p.Share*100),
		Harmless(p.endings()), yesNo(p.Inferred), zones, Harmless(strings.Join(visits, " | ")),
	}
}

// zone names the time zone of t by its distance from UTC.
func zone(t time.Time) string {
	if _, offset := t.Zone(); offset == 0 {
		return "UTC"
	}
	return "UTC" + t.Format("-07:00")
}

// precise writes a time to the millisecond; an approximate one is marked as ISO 8601-2 does, with a
// tilde behind it.
func (r *Report) precise(ms int64, inferred bool) string {
	text := r.at(ms).Format("2006-01-02T15:04:05.000Z07:00")
	if inferred {
		text += "~"
	}
	return text
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// Harmless makes sure that no spreadsheet takes a text, or a part of it, for a formula. What begins
// like one gets an apostrophe in front, which spreadsheets take for "this is text". So does what
// stands behind anything that a spreadsheet may take for the separator of columns, whatever it was
// told: many split at semicolons or tabs, and then quotes around the whole text do not count as
// quotes. Control characters are taken out.
func Harmless(s string) string {
	var out strings.Builder
	begins := true
	for _, r := range plaintext.Clean(s, len(s)) {
		if begins && formula(r) {
			out.WriteByte('\'')
		}
		out.WriteRune(r)
		begins = separates(r) || begins && blank(r)
	}
	return out.String()
}

// formula tells whether what begins with r may be a formula. The full-width forms are those that
// Excel in Chinese and Japanese takes for the narrow ones.
func formula(r rune) bool { return strings.ContainsRune("=+-@＝＋－＠", r) }

// separates tells whether a spreadsheet may take r for what stands between two cells.
func separates(r rune) bool { return strings.ContainsRune(",;|\t\r\n", r) }

// blank tells whether r is nothing to see, or a quotation mark, in front of what a cell begins
// with.
func blank(r rune) bool {
	return r == '"' || r == '\'' || r == unicode.ReplacementChar || unicode.IsSpace(r) || !unicode.IsGraphic(r)
}
