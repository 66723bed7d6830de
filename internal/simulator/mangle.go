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
	again string
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
	p.page["memberModels"] = p.rows
	rep := jsonReply(http.StatusOK, p.page)
	rep.body = bytes.ReplaceAll(rep.body, []byte(badByte), []byte{0xff})
	return rep
}

func loosen(page *memberPage) (loosePage, error) {
	out := loosePage{again: page.again}
	data, err := json.Marshal(page)
	if err != nil {
		return out, err
	}
	var rows struct {
		MemberModels []map[string]any `json:"memberModels"`
	}
	if err := decodeNumbers(data, &out.page); err != nil {
		return out, err
	}
	if err := decodeNumbers(data, &rows); err != nil {
		return out, err
	}
	out.rows = rows.MemberModels
	return out, nil
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
		p.page["nextToken"] = p.again
	case FaultZeroToken:
		p.page["nextToken"] = "0"
	case FaultMissingToken:
		delete(p.page, "nextToken")
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
