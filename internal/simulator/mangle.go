package simulator

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
)

// badByte stands for a byte that is no UTF-8 until the page is written: no text of ours contains it.
const badByte = "\uE000"

// harmlessFields may be missing from any row without changing what the list says.
var harmlessFields = []string{"conferenceId", "duration", "host", "coHost", "pstnJoin"}

// loosePage is a page whose fields can be anything.
type loosePage struct {
	page  map[string]any
	rows  []map[string]any
	of    *memberPage
	empty bool // an empty object takes the place of the page
	rng   *rand.Rand
}

// mangle changes the content of a page as the faults demand.
func (s *Simulator) mangle(page *memberPage, faults []Fault) reply {
	p, err := loosen(page)
	if err != nil {
		return reply{status: http.StatusInternalServerError, contentType: "text/plain", body: []byte(err.Error())}
	}
	p.rng = s.rng
	for _, f := range faults {
		p.apply(f)
	}
	if p.page["memberModels"] = p.rows; p.empty {
		clear(p.page)
	}
	rep := jsonReply(http.StatusOK, p.page)
	rep.body = bytes.ReplaceAll(rep.body, []byte(badByte), []byte{0xff})
	return rep
}

func loosen(page *memberPage) (loosePage, error) {
	out := loosePage{of: page}
	if err := reshape(page, &out.page); err != nil {
		return out, err
	}
	return out, reshape(page.MemberModels, &out.rows)
}

// reshape puts what from is on the wire into a map or a list of them.
func reshape(from, to any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return decodeNumbers(data, to)
}

// decodeNumbers keeps every digit of a number.
func decodeNumbers(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return dec.Decode(v)
}

func (p *loosePage) apply(f Fault) {
	switch f.Kind {
	case FaultRepeatToken:
		p.page["nextToken"] = p.of.again()
	case FaultZeroToken:
		p.page["nextToken"] = "0"
	case FaultMissingToken:
		delete(p.page, "nextToken")
	case FaultIgnoredCursor, FaultEndlessCursor, FaultLastToken, FaultLastObject:
		p.misguide(f.Kind)
	case FaultWrongTotal:
		if n, ok := p.page["totalCount"].(json.Number); ok {
			total, _ := n.Int64() // it was an int
			p.page["totalCount"] = total + 1
		}
	case FaultShuffle:
		p.rng.Shuffle(len(p.rows), func(i, j int) { p.rows[i], p.rows[j] = p.rows[j], p.rows[i] })
	case FaultMissingRows:
		p.loseRows(f.share())
	default:
		p.changeRows(f)
	}
}

// misguide gives out tokens that do not lead through the list. Tokens beyond the last row are good for that.
func (p *loosePage) misguide(kind FaultKind) {
	of := p.of
	last := of.from+len(of.MemberModels) == of.rows
	switch {
	case kind == FaultIgnoredCursor:
		p.rows = nil
		_ = reshape(of.opening().MemberModels, &p.rows) // as the page itself was
		p.page["nextToken"] = pageToken(of.asked+max(len(p.rows), 1), of.scope)
	case last && (kind == FaultEndlessCursor || len(of.MemberModels) > 0):
		p.page["nextToken"] = pageToken(of.asked+max(len(of.MemberModels), 1), of.scope)
	case last && kind == FaultLastObject:
		p.empty = true
	}
}

// loseRows leaves out a share of the rows, at least one.
func (p *loosePage) loseRows(share float64) {
	kept := make([]map[string]any, 0, len(p.rows))
	for _, row := range p.rows {
		if p.rng.Float64() >= share {
			kept = append(kept, row)
		}
	}
	if len(kept) == len(p.rows) && len(kept) > 0 {
		kept = kept[1:]
	}
	p.rows = kept
}

func (p *loosePage) changeRows(f Fault) {
	unknown := []int{0, 7, 99}
	if f.Kind == FaultUnknownFields {
		p.page["serverHint"] = map[string]any{"zone": []int{1, 2, 3}}
	}
	for i, row := range p.rows {
		switch f.Kind {
		case FaultUnknownStatus:
			if p.rng.Float64() < f.share() {
				row["attendStatus"] = unknown[i%len(unknown)]
			}
		case FaultUnknownFields:
			row["jobNumber"] = "0042"
			row["deviceModel"] = map[string]any{"vendor": nil, "levels": []float64{1.5, -2e300}}
		case FaultMissingFields:
			fields := f.Fields
			if len(fields) == 0 {
				fields = harmlessFields
			}
			for _, field := range fields {
				delete(row, field)
			}
		case FaultInvalidUTF8:
			if nick, ok := row["userNick"].(string); ok && row["unionId"] != "" {
				row["userNick"] = nick + badByte
			}
		}
	}
}
