package publisher

import (
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// busyGrace is how long a server may be too busy for a commit before that counts as a failure. A
// cluster is, for some milliseconds, now and then.
const busyGrace = time.Second

// shape is what a server needs room for to take a batch.
type shape struct {
	messages int
	bytes    int // of all messages together
}

func shapeOf(group []*job) shape {
	s := shape{messages: messages(group)}
	for _, j := range group {
		s.bytes += j.size
	}
	return s
}

// covers tells whether there is room for other where there is room for s.
func (s shape) covers(other shape) bool {
	return s.messages >= other.messages && s.bytes >= other.bytes
}

// attempted reports how an attempt to store a batch went, which was first tried at the time began.
// Answers that are about single meetings say nothing about the store.
func (p *Publisher) attempted(group []*job, a answer, began time.Time) {
	var said *ServerError
	answered := errors.As(a.err, &said)
	switch a.verdict {
	case committed:
		p.stored(shapeOf(group))
	case unknown:
		p.failed(a.err)
	case busy:
		if !answered || time.Since(began) >= busyGrace {
			p.failed(a.err)
		}
	case refused:
		if answered && len(group) == 1 { // of several, each is tried by itself next
			p.refusedOne(shapeOf(group))
			p.failed(a.err)
			p.suspectConfig(said)
		}
	}
}

// suspectConfig has the stream's configuration compared soon, if it may be why the server refused
// something.
func (p *Publisher) suspectConfig(said *ServerError) {
	switch said.Code {
	case codeAccountExceeded, codeInsufficient, codeMemoryExceeded, codeStorageExceeded, codeStoreFailed:
		return // no matter of the configuration, or not of the part that is ours to change
	}
	p.compareConfigSoon()
}

// refusedOne keeps the shape of a batch that the server refused.
func (p *Publisher) refusedOne(s shape) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusedLast = s
}

// refusedShape is the shape that the server refused last and has not taken since.
func (p *Publisher) refusedShape() shape {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refusedLast
}

// stored reports that the server took a batch. If it has refused a larger one before, that one
// would be refused again, and nothing is reported.
func (p *Publisher) stored(s shape) {
	p.mu.Lock()
	covered := s.covers(p.refusedLast)
	if covered {
		p.refusedLast = shape{}
	}
	p.mu.Unlock()
	if covered && p.opts.Attempted != nil {
		p.opts.Attempted(nil)
	}
}

func (p *Publisher) failed(err error) {
	if p.opts.Attempted != nil {
		p.opts.Attempted(err)
	}
}

const (
	// padSubject takes messages that only show that there is room. Nothing reads it.
	padSubject = "rollcall.trial"
	// trialTTL is the shortest a message can have.
	padTTL = "1s"
)

// padded puts as much before a message that the server takes both only if it would take a batch of
// the shape that it refused last.
func padded(s shape, last *nats.Msg) []*nats.Msg {
	fillers := s.messages - 1
	missing := s.bytes - len(last.Data) - headerSize(last.Header)
	if missing > 0 {
		fillers = max(fillers, 1)
	}
	msgs := make([]*nats.Msg, 0, fillers+1)
	for i := range fillers {
		h := nats.Header{nats.MsgTTLHdr: {padTTL}, "Rollcall-Trial": {strconv.Itoa(i + 1)}}
		size := max(0, missing/fillers-headerSize(h)+1)
		msgs = append(msgs, &nats.Msg{Subject: ingest + padSubject, Header: h, Data: make([]byte, size)})
	}
	return append(msgs, last)
}
