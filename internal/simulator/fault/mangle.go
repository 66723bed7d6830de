package fault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// badByte stands for a byte that is no UTF-8 until the page is written: no text of ours contains
// it.
const badByte = "\uE000"

// harmlessFields may be missing from any row without changing what the list says.
var harmlessFields = []string{"conferenceId", "duration", "host", "coHost", "pstnJoin"}

// Page is a page of a member list before it is changed, with what the faults that change it need to
// know of the list. Numbers of rows count from 0.
type Page struct {
	// Body is the page on the wire: an object with memberModels, which are objects, totalCount and
	// nextToken.
	Body any
	// From is the number of the page's first row, Asked the one asked for, which may be beyond the
	// last, Rows how many the whole list has.
	From, Asked, Rows int
	// Token makes the token of the page that begins with a row.
	Token func(from int) string
	// Opening returns the memberModels that the call would have got without a token.
	Opening func() any
}

// loosePage is a page whose fields can be anything.
type loosePage struct {
	page  map[string]any
	rows  []map[string]any
	was   int // rows of the page before it is changed
	of    Page
	empty bool // an empty object takes the place of the page
	rng   *rand.Rand
}

// Mangle returns the body of a page as the faults that change its content leave it. What they leave
// to chance is decided by rng. The error says that Body is not what it has to be.
func (p Page) Mangle(faults []Fault, rng *rand.Rand) ([]byte, error) {
	l := loosePage{of: p, rng: rng}
	if err := l.loosen(); err != nil {
		return nil, fmt.Errorf("change a page: %w", err)
	}
	for _, f := range faults {
		l.apply(f)
	}
	if l.page["memberModels"] = l.rows; l.empty {
		clear(l.page)
	}
	body, err := json.Marshal(l.page)
	if err != nil {
		return nil, fmt.Errorf("change a page: %w", err)
	}
	return bytes.ReplaceAll(body, []byte(badByte), []byte{0xff}), nil
}

func (p *loosePage) loosen() error {
	var rows struct {
		MemberModels []map[string]any `json:"memberModels"`
	}
	if err := reshape(p.of.Body, &rows); err != nil {
		return err
	}
	p.rows, p.was = rows.MemberModels, len(rows.MemberModels)
	return reshape(p.of.Body, &p.page)
}

// reshape puts what from is on the wire into a map or a list of them.
func reshape(from, to any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // keeps every digit of a number
	return dec.Decode(to)
}

func (p *loosePage) apply(f Fault) {
	switch f.Kind {
	case RepeatToken:
		p.page["nextToken"] = p.of.Token(p.of.From)
	case ZeroToken:
		p.page["nextToken"] = "0"
	case MissingToken:
		delete(p.page, "nextToken")
	case IgnoredCursor, EndlessCursor, LastToken, LastObject:
		p.misguide(f.Kind)
	case WrongTotal:
		if n, ok := p.page["totalCount"].(json.Number); ok {
			total, _ := n.Int64() // it was an int
			p.page["totalCount"] = total + 1
		}
	case Shuffle:
		p.rng.Shuffle(len(p.rows), func(i, j int) { p.rows[i], p.rows[j] = p.rows[j], p.rows[i] })
	case MissingRows:
		p.loseRows(f.share())
	default:
		p.changeRows(f)
	}
}

// misguide gives out tokens that do not lead through the list. Tokens beyond the last row are good
// for that.
func (p *loosePage) misguide(kind Kind) {
	of := p.of
	last := of.From+p.was == of.Rows
	switch {
	case kind == IgnoredCursor:
		p.rows = nil
		_ = reshape(of.Opening(), &p.rows) // as the page itself was
		p.page["nextToken"] = of.Token(of.Asked + max(len(p.rows), 1))
	case last && (kind == EndlessCursor || p.was > 0):
		p.page["nextToken"] = of.Token(of.Asked + max(p.was, 1))
	case last && kind == LastObject:
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
	if f.Kind == UnknownFields {
		p.page["serverHint"] = map[string]any{"zone": []int{1, 2, 3}}
	}
	for i, row := range p.rows {
		switch f.Kind {
		case UnknownStatus:
			if p.rng.Float64() < f.share() {
				row["attendStatus"] = unknown[i%len(unknown)]
			}
		case UnknownFields:
			row["jobNumber"] = "0042"
			row["deviceModel"] = map[string]any{"vendor": nil, "levels": []float64{1.5, -2e300}}
		case MissingFields:
			fields := f.Fields
			if len(fields) == 0 {
				fields = harmlessFields
			}
			for _, field := range fields {
				delete(row, field)
			}
		case InvalidUTF8:
			if nick, ok := row["userNick"].(string); ok && row["unionId"] != "" {
				row["userNick"] = nick + badByte
			}
		}
	}
}
