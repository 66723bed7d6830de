package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/c4342123/rollcall/internal/simulator/history"
)

const pingPrefix = "ping-"

// pinger makes the pings of one connection and knows whether the last is answered.
type pinger struct {
	count   int
	last    frame
	overdue <-chan time.Time // when the last one should have been answered; nil when it is
}

// next returns another ping, to be answered within the time given.
func (p *pinger) next(now time.Time, patience time.Duration) frame {
	p.count++
	id := fmt.Sprintf("%s%d", pingPrefix, p.count)
	p.last = newFrame(frameSystem, topicPing, id, now, fmt.Appendf(nil, `{"opaque":"%s-%x"}`, id, history.Hash(id)))
	p.overdue = time.After(patience)
	return p.last
}

// answered takes an answer: it counts when it is the last ping's and returns its data.
func (p *pinger) answered(r response) {
	if r.Code == http.StatusOK && r.Headers["messageId"] == p.last.Headers["messageId"] && r.Data == p.last.Data {
		p.overdue = nil
	}
}

// isPong says whether a response is to a ping, and not to an event.
func isPong(r response) bool { return strings.HasPrefix(r.Headers["messageId"], pingPrefix) }
