package publisher

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxDuplicates is how often a commit is sent again that the server calls a duplicate although the
// state says that it is not stored. A cluster may know of a batch a moment before its state can be
// read.
const maxDuplicates = 3

// errBatchTooLarge says that a single commit has more messages than this server takes in one batch.
var errBatchTooLarge = errors.New("the server takes fewer messages in one batch")

// commit stores the jobs of a batch and finishes every one of them, at the latest when ctx ends. A
// batch that is refused because of one job is halved until that job is found, so that the others
// are stored.
func (p *Publisher) commit(ctx context.Context, group []*job) {
	again := untilAnswered()
	duplicates, began := 0, time.Now()
	for {
		a := p.send(ctx, group)
		if ctx.Err() == nil {
			p.attempted(group, a, began)
		}
		switch {
		case a.verdict == committed:
			p.finishAll(group, a.sequence)
			return
		case a.verdict.rejects() && len(group) > 1:
			half := len(group) / 2
			p.commit(ctx, group[:half])
			p.commit(ctx, group[half:])
			return
		case a.verdict.rejects():
			if a.verdict == duplicate {
				duplicates++
			}
			if p.rejected(ctx, group[0], a, duplicates >= p.maxResends()) {
				return
			}
		case a.verdict == unknown:
			markUnknown(group)
		}
		_ = p.checkGone(a.err)
		p.log.Debug("a commit is sent again", "meetings", len(group), "answer", a.verdict.String(), "error", a.err)
		if p.nc.IsClosed() || sleep(ctx, again.NextBackOff()) != nil {
			p.giveUp(group, a.err)
			return
		}
		if group[0].unknown && p.recognise(ctx, group) {
			return
		}
	}
}

func markUnknown(group []*job) {
	for _, j := range group {
		j.unknown = true
	}
}

// finishAll finishes the jobs of a batch whose last message is stored at sequence: a batch is
// stored in one piece.
func (p *Publisher) finishAll(group []*job, sequence uint64) {
	after := offsets(group)
	for i, j := range group {
		p.finish(j, sequence-after[i], nil)
	}
}

// recognise asks the leader what became of a batch that got no answer, and finishes it if it was
// stored. The batch that stored the first job stored all of them, in this order and in one piece,
// as groups are only ever halved.
func (p *Publisher) recognise(ctx context.Context, group []*job) bool {
	s, err := p.read(ctx, group[0].meeting)
	if err != nil || !group[0].wrote(s) {
		return false
	}
	after := offsets(group)
	p.finishAll(group, s.revision+after[0])
	return true
}

// rejected handles a single job that the server refused, and tells whether it is finished. The
// stored state tells what happened: it is the job's own (an earlier attempt was stored after all),
// that of another writer (a conflict), or still the one the job starts from.
func (p *Publisher) rejected(ctx context.Context, j *job, a answer, lastDuplicate bool) bool {
	s, err := p.read(ctx, j.meeting)
	switch {
	case err != nil:
		return false
	case j.wrote(s):
		p.finish(j, s.revision, nil)
	case a.verdict == refused:
		p.finish(j, 0, a.err)
	case a.verdict == tooLarge:
		p.finish(j, 0, errBatchTooLarge)
	case s.revision != j.base:
		p.finish(j, 0, fmt.Errorf("%w: it is at %d, not at %d", ErrConflict, s.revision, j.base))
	case a.verdict == duplicate && lastDuplicate && !j.unknown:
		p.finish(j, 0, p.refusedAsDuplicate(ctx, j, s, a.err))
	default:
		// A clustered server may refuse the only writer: nothing changed, so it can be sent again.
		return false
	}
	return true
}

// giveUp finishes jobs whose time is over.
func (p *Publisher) giveUp(group []*job, last error) {
	for _, j := range group {
		sentinel := ErrUnavailable
		if j.unknown {
			sentinel = ErrUnknownOutcome
		}
		p.finish(j, 0, fmt.Errorf("%w: %w", sentinel, last))
	}
	p.log.Debug("a commit is given up", "meetings", len(group), "error", last)
}
