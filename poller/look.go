package poller

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// errEnded says that the meeting is over; it leads to the close-out.
var errEnded = errors.New("meeting is over")

// look asks what is due about a meeting and stores what follows. The caller has the meeting busy.
func (p *Poller) look(ctx context.Context, m *meeting) outcome {
	p.counts.looks.Add(1)
	now := time.Now()
	listDue := !m.listDue.After(now)
	if m.heads >= 0 && p.infoDue(m, now) {
		changed, err := p.askInfo(ctx, m)
		if err != nil {
			return p.failed(ctx, m, err)
		}
		listDue = listDue || changed
	}
	if listDue {
		changed, err := p.askList(ctx, m, diff.Snapshot{Via: events.ViaPoll})
		if err != nil {
			return p.failed(ctx, m, err)
		}
		m.interval = nextInterval(m.interval, p.opts.MinInterval, p.opts.MaxInterval, changed)
		m.listDue = time.Now().Add(jittered(m.interval, p.opts.MinInterval, rand.Float64()))
	}
	m.failures, m.notFounds = 0, 0
	if m.status.LastError != "" {
		m.status.LastError = ""
		p.health.ok(areaMeeting + m.id)
	}
	if m.heads < 0 { // the first list came before the first information: people wait for it
		m.heads = m.record.State.Active
	}
	p.health.ok(areaUpstream)
	return outcome{next: p.untilNext(m)}
}

// untilNext is how long until something is due again.
func (p *Poller) untilNext(m *meeting) time.Duration {
	due := m.listDue
	for _, check := range []time.Time{m.lastCall.Add(checkAfter), m.lastInfo.Add(infoAfter)} {
		if check.Before(due) {
			due = check
		}
	}
	return max(time.Until(due), 0)
}

func (p *Poller) infoDue(m *meeting, now time.Time) bool {
	return m.notFounds > 0 || now.Sub(m.lastCall) >= checkAfter || now.Sub(m.lastInfo) >= infoAfter
}

// askInfo asks whether the meeting goes on, and tells whether its head-count has changed.
func (p *Poller) askInfo(ctx context.Context, m *meeting) (changed bool, err error) {
	m.lastCall = time.Now()
	m.lastInfo = m.lastCall
	info, err := p.source.Info(ctx, m.id)
	if err != nil {
		return false, err
	}
	changed = info.ActiveCount != m.heads && info.ActiveCount != m.record.State.Active
	m.heads = info.ActiveCount
	m.status.describe(info)
	if !info.Ended {
		return changed, nil
	}
	// One last look; a list that is gone leaves the close-out to what was announced.
	_, err = p.askList(ctx, m, diff.Snapshot{Via: events.ViaPoll, Over: true, EndTime: info.EndTime})
	if isTrouble(err, NotFound) || isTrouble(err, Denied) {
		err = p.closeOut(ctx, m, info.EndTime)
	}
	if err != nil {
		m.lastInfo = time.Time{} // the end is still to be done: ask again as soon as anything is asked
		return false, err
	}
	return false, errEnded
}

// askList reads the member list and stores what has changed.
func (p *Poller) askList(ctx context.Context, m *meeting, snap diff.Snapshot) (changed bool, err error) {
	m.lastCall = time.Now()
	snap.From = m.lastCall.UnixMilli()
	list, err := p.source.Members(ctx, m.id)
	if err != nil {
		return false, err
	}
	snap.At = max(time.Now().UnixMilli(), snap.From)
	snap.Rows = list.Rows
	if !list.Certain {
		snap.Kind = diff.Uncertain
		p.counts.uncertain.Add(1)
	}
	res, err := p.take(ctx, m, snap)
	if err != nil {
		return false, err
	}
	m.status.LastLook = time.UnixMilli(snap.At)
	return len(res.Events) > 0 || res.LookNow, nil
}

// closeOut ends a meeting whose list can no longer be read.
func (p *Poller) closeOut(ctx context.Context, m *meeting, endTime int64) error {
	at := time.Now().UnixMilli()
	_, err := p.take(ctx, m, diff.Snapshot{
		Kind: diff.Partial, From: at, At: at, Via: events.ViaPoll, Over: true, EndTime: endTime,
	})
	return err
}

// storeError is a failure to store what was seen: the next look will see it again.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// take compares a snapshot with what has been announced and stores the result.
func (p *Poller) take(ctx context.Context, m *meeting, snap diff.Snapshot) (diff.Result, error) {
	record, res, err := p.store.Update(ctx, m.record, func(s *diff.State) diff.Result {
		return diff.Compare(m.status.complete(s), snap)
	})
	if err != nil {
		p.health.failed(areaStore, err)
		return diff.Result{}, &storeError{err}
	}
	p.health.ok(areaStore)
	m.record = record
	p.counts.events.Add(uint64(len(res.Events)))
	p.counts.unknownStatus.Add(uint64(res.UnknownStatus))
	return res, nil
}

// failed decides when to look again after a look that found out nothing.
func (p *Poller) failed(ctx context.Context, m *meeting, err error) outcome {
	switch {
	case errors.Is(err, errEnded):
		p.log.Info("meeting ended", "meeting", m.id)
		return outcome{over: true}
	case ctx.Err() != nil:
		return outcome{}
	}
	p.counts.failures.Add(1)
	m.failures++
	m.status.LastError = err.Error()
	wait := retryAfter(m.failures)
	var source *SourceError
	if !errors.As(err, &source) {
		return outcome{next: jittered(wait, 0, rand.Float64())}
	}
	if source.Trouble != NotFound {
		m.notFounds = 0
	}
	switch source.Trouble {
	case NotFound:
		return p.notFound(ctx, m)
	case Denied:
		p.health.failed(areaMeeting+m.id, source)
		return outcome{next: jittered(max(source.Wait, deniedRetry), 0, rand.Float64())}
	case Throttled, Exhausted:
		p.health.failed(areaUpstream, source)
		wait = max(source.Wait, firstRetry)
		return outcome{next: wait + time.Duration(rand.Float64()*float64(firstRetry)), pause: wait}
	default:
		p.health.failed(areaUpstream, source)
		return outcome{next: jittered(max(wait, source.Wait), 0, rand.Float64())}
	}
}

// notFound counts the looks that found no such meeting: the second in a row is the end of it.
func (p *Poller) notFound(ctx context.Context, m *meeting) outcome {
	m.notFounds++
	if m.notFounds < 2 {
		return outcome{next: recheckAfter}
	}
	if err := p.closeOut(ctx, m, 0); err != nil {
		return outcome{next: jittered(retryAfter(m.failures), 0, rand.Float64())}
	}
	p.log.Info("meeting is not found any more", "meeting", m.id)
	return outcome{over: true}
}

func isTrouble(err error, t Trouble) bool {
	var source *SourceError
	return errors.As(err, &source) && source.Trouble == t
}
