package ended

import (
	"context"
	"errors"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/c4342123/rollcall/internal/stored/report"
)

// span is from when to when a meeting went on, and how long, as its report has it. Package report
// alone computes that: a meeting that was watched again went on in several periods, of which the
// event of its end knows nothing.
type span struct {
	sequence             uint64 // of the end it belongs to
	start, end, duration int64
}

// measure gives each meeting the times of its report. They are computed when the meeting is first
// found.
func (x *Index) measure(ctx context.Context, found []Meeting) error {
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	for i := range found {
		all.Go(func() error { return x.measureOne(ctx, &found[i]) })
	}
	return all.Wait()
}

func (x *Index) measureOne(ctx context.Context, m *Meeting) error {
	s, known := x.span(m.ConferenceID)
	if !known || s.sequence != m.sequence {
		r, err := report.Of(ctx, x.js, m.ConferenceID)
		switch {
		case errors.Is(err, report.ErrNoEvents): // they have expired in the meantime
			m.Duration = max(m.EndTime-m.StartTime, 0)
			return nil
		case err != nil:
			return err
		case r.Running(): // it was watched again in the meantime
			return nil
		}
		s = span{m.sequence, r.StartTime, r.EndTime, r.Duration}
		x.keep(m.ConferenceID, s)
	}
	m.StartTime, m.EndTime, m.Duration = s.start, s.end, s.duration
	return nil
}

func (x *Index) span(id string) (span, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s, known := x.spans[id]
	return s, known
}

func (x *Index) keep(id string, s span) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.spans) >= x.opts.Kept {
		clear(x.spans)
	}
	x.spans[id] = s
}
