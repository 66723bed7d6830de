package api

import "slices"

// patience is how many pages in a row may bring nothing before a list counts as one that makes no
// progress, and how many pages may follow once far more has come than totalCount says. A list that
// moves while it is read can repeat a whole page, so that one such page proves nothing.
const patience = 3

// progress follows a list from page to page and decides whether the next page is worth a call: a
// cursor that is ignored, or never ends, would use up the month's calls.
type progress struct {
	pages int
	seen  []string // the tokens of pages asked for
	total int64    // the last totalCount; -1 when no page gave one
	idle  int      // pages in a row that brought nothing new
	spare int      // pages read since twice as much had come as totalCount says

	// recounted says that totalCount changed between two pages: people came or went meanwhile.
	recounted bool
	// stuck says that the list was left before its end, as it made no progress.
	stuck bool
}

func (p *progress) reset() {
	clear(p.seen)
	*p = progress{seen: p.seen[:0], total: -1}
}

// counted takes note of a page's totalCount.
func (p *progress) counted(total int64) {
	p.recounted = p.recounted || p.total >= 0 && p.total != total
	p.total = total
}

// complete tells whether count different entries are exactly as many as totalCount says.
func (p *progress) complete(count int) bool { return p.total >= 0 && int64(count) == p.total }

// more tells whether to read on after a page that gave the token next: of count different entries
// read so far, fresh came with this page.
//
// A token is followed even when totalCount is reached: what that counts is nowhere documented, and
// if it were, say, the people present, a list cut there would lack some of them. So a token on the
// last page costs one call, see beyondEnd.
func (p *progress) more(next string, count, fresh int) bool {
	p.pages++
	if fresh > 0 {
		p.idle = 0
	} else {
		p.idle++
	}
	if p.pages > 1 && p.total >= 0 && int64(count-fresh) >= 2*p.total {
		p.spare++
	}
	switch {
	case isLastToken(next):
		return false
	case slices.Contains(p.seen, next):
		p.stuck = !p.complete(count)
		return false
	case p.idle >= patience, p.spare >= patience, p.pages >= maxPages:
		p.stuck = true
		return false
	}
	p.seen = append(p.seen, next)
	return true
}

// beyondEnd tells whether a page that brought nothing new, though it has a token again, came after
// the last one: count different entries had been read before, and were all.
func (p *progress) beyondEnd(next string, count, fresh int) bool {
	return p.pages > 0 && fresh == 0 && !isLastToken(next) && p.complete(count)
}

// isLastToken recognises the token of a last page, which is none.
func isLastToken(token string) bool { return token == "" || token == "0" }
