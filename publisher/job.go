package publisher

import (
	"cmp"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/c4342123/rollcall/diff"
)

// job is one commit of one meeting that fits into a batch. Its messages, and with them the
// transaction's id, stay the same however often they are sent.
type job struct {
	meeting     string
	base        uint64 // the revision the commit starts from
	folded      bool   // it starts from a state that was rebuilt from all events
	transaction string
	expiry      expiry
	key         diff.Key    // that the state is sealed with
	next        *diff.State // as it is stored
	msgs        []*nats.Msg // the state's message is the last
	size        int         // of the messages, in bytes, roughly

	// unknown says that the job was sent at least once and may be stored. Only the committer uses
	// it.
	unknown bool
	// withdrawn says that the caller gave the commit up before it was sent. Guarded by
	// Publisher.mu.
	withdrawn bool

	done     chan struct{} // closed once revision and err are set
	revision uint64
	err      error
}

func newJob(base Record) *job {
	return &job{
		meeting:     base.State.ConferenceID,
		base:        base.Revision,
		folded:      base.Folded > 0,
		transaction: nuid.Next(),
		done:        make(chan struct{}),
	}
}

// state is the message that carries the state.
func (j *job) state() *nats.Msg { return j.msgs[len(j.msgs)-1] }

// wrote tells whether a stored state is this commit's.
func (j *job) wrote(s stored) bool { return s.transaction == j.transaction }

// firstEvent names the commit's first event for an error.
func (j *job) firstEvent() string {
	return cmp.Or(j.msgs[0].Header.Get(nats.MsgIdHdr), "none")
}

// claim takes a job to be sent, unless it was withdrawn.
func (p *Publisher) claim(j *job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j.withdrawn {
		return false
	}
	p.inflight[j.meeting] = j
	return true
}

// withdraw takes a job back and tells whether that was in time.
func (p *Publisher) withdraw(j *job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inflight[j.meeting] == j {
		return false
	}
	select {
	case <-j.done:
		return false
	default:
	}
	j.withdrawn = true
	return true
}

// finish ends a job with its outcome.
func (p *Publisher) finish(j *job, revision uint64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	j.revision, j.err = revision, err
	if p.inflight[j.meeting] == j {
		delete(p.inflight, j.meeting)
	}
	if err == nil {
		p.noteSequence(revision)
		delete(p.setBack, j.meeting)
	}
	close(j.done)
}

// underway returns the meeting's commit that is with the committer, nil when there is none.
func (p *Publisher) underway(conferenceID string) *job {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inflight[conferenceID]
}

// offsets returns, for every job of a batch, how many messages of the batch come after the job's
// state.
func offsets(group []*job) []uint64 {
	out := make([]uint64, len(group))
	after := uint64(0)
	for i := len(group) - 1; i >= 0; i-- {
		out[i] = after
		after += uint64(len(group[i].msgs))
	}
	return out
}

// messages counts the messages of a batch.
func messages(group []*job) int {
	n := 0
	for _, j := range group {
		n += len(j.msgs)
	}
	return n
}
