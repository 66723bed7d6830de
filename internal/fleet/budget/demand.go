package budget

import (
	"context"
	"maps"
	"slices"
	"time"
)

// habitsKey is where the hours are kept in which calls are wanted.
const habitsKey = "hours"

// demand counts the calls that are wanted, by hour since 1970, until that is stored.
type demand struct {
	wanted map[int64]float64
	blind  int64 // the hour that tells nothing, as calls were refused in it
	told   int64 // the last hour of which it is stored that calls may have been wanted in it
	begun  starts
}

func newDemand() demand { return demand{wanted: map[int64]float64{}} }

func (d *demand) add(now time.Time) {
	hour := hourOf(now)
	if hour != d.blind {
		d.wanted[hour]++
	}
}

// refused says that this hour tells nothing.
func (d *demand) refused(now time.Time) {
	d.blind = hourOf(now)
	delete(d.wanted, d.blind)
}

// take returns what was counted, and, if the time is known, that nothing was wanted in this hour if
// so: that is worth knowing, too.
func (d *demand) take(now time.Time, known bool) map[int64]float64 {
	taken := maps.Clone(d.wanted)
	if hour := hourOf(now); known && hour != d.blind {
		taken[hour] += 0
	}
	return taken
}

// isNews tells whether what was taken is worth storing.
func (d *demand) isNews(taken map[int64]float64) bool {
	for hour, wanted := range taken {
		if wanted > 0 || hour != d.told {
			return true
		}
	}
	return false
}

// stored forgets what was taken before.
func (d *demand) stored(taken map[int64]float64) {
	for hour, wanted := range taken {
		d.told = max(d.told, hour)
		if d.wanted[hour] -= wanted; d.wanted[hour] <= 0 {
			delete(d.wanted, hour)
		}
	}
}

// storeDemand adds the calls that were wanted to what all replicas have learned, and takes that
// over. After an answer that did not come they may be counted twice, which does no harm.
func (m *Month) storeDemand(ctx context.Context) error {
	m.mu.Lock()
	wanted, begun := m.asked.take(m.time()), m.asked.begun
	news := m.asked.isNews(wanted) || begun != starts{}
	m.mu.Unlock()
	if !news {
		return nil
	}
	learned, err := m.store.learn(ctx, wanted, begun, m.opts.Location)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked.stored(wanted)
	m.asked.begun.subtract(begun)
	m.hours.set(learned.weigh())
	m.hours.starts = learned.Starts
	return nil
}

// learn adds to what the replicas have learned of the hours, and returns that.
func (s *store) learn(ctx context.Context, wanted map[int64]float64, begun starts, in *time.Location) (h *habits, err error) {
	err = untilFirst(ctx, func() error {
		h = new(habits)
		revision, err := s.load(ctx, habitsKey, h)
		if err != nil {
			return err
		}
		for _, hour := range slices.Sorted(maps.Keys(wanted)) {
			h.add(hour, wanted[hour], in)
		}
		h.Starts.add(begun)
		_, err = s.save(ctx, habitsKey, h, revision)
		return err
	})
	return h, err
}
