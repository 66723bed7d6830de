package simulator

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// Options configure a simulator. The zero value plays the demo from now on.
type Options struct {
	// Scenario is what to play; [Demo] when nil. It is not changed.
	Scenario *Scenario
	// Seed and Speed take the place of the scenario's when they are not 0.
	Seed  uint64
	Speed float64
	// Settings take the place of the scenario's, each that is not its zero value.
	Settings Settings
	// Faults are added to the scenario's.
	Faults []fault.Fault
	// Start is when the scenario's offsets begin; the time of New when zero.
	Start time.Time
	// Now is the clock; time.Now when nil. It decides what is listed, not how long a delay takes.
	Now func() time.Time
	// NewCipher makes what pushes to a webhook are encrypted with; needed if there is one.
	NewCipher func(token, aesKey, ownerKey string) (Cipher, error)
	// Logger gets every call at debug level, without tokens; none when nil.
	Logger *slog.Logger
}

// Simulator plays a scenario. All its methods are safe for concurrent use.
type Simulator struct {
	settings Settings
	speed    float64
	seed     uint64
	start    int64 // Unix milliseconds
	created  int64 // Unix milliseconds
	now      func() time.Time
	// otherClock says that now is not the machine's clock.
	otherClock bool
	logger     *slog.Logger
	callback   *ciphers      // nil without a webhook
	news       chan struct{} // wakes RunPushes

	mu       sync.Mutex
	meetings *history.Meetings
	faults   *fault.Set
	tokens   *tokens
	limits   *limits
	stats    *stats
	rng      *rand.Rand // decides about faults and short pages
	requests uint64

	pushes    *pushCount
	backlog   []plannedPush // made and not yet sent
	gateway   gateway
	robots    []*robot
	pushRng   *rand.Rand // decides about pushes
	ticketRng *rand.Rand
}

// New returns a simulator, or an error that wraps [history.ErrScenario] and says what is wrong with
// what it is to play.
func New(o Options) (*Simulator, error) {
	sc := o.Scenario
	if sc == nil {
		sc = Demo()
	}
	if err := errors.Join(o.Settings.validate(), history.CheckSpeed(o.Speed), fault.ValidateAll(o.Faults, "options.faults")); err != nil {
		return nil, err
	}
	s := &Simulator{
		settings: o.Settings.over(sc.Settings),
		speed:    cmp.Or(o.Speed, sc.Speed, 1),
		seed:     cmp.Or(o.Seed, sc.Seed, 1),
		now:      o.Now,
		logger:   o.Logger,
		faults:   new(fault.Set),
		news:     make(chan struct{}, 1),
	}
	if s.otherClock = s.now != nil; !s.otherClock {
		s.now = time.Now
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	s.created = s.millis()
	s.start = s.created
	if !o.Start.IsZero() {
		s.start = o.Start.UnixMilli()
	}
	if s.start < history.EarliestStart {
		return nil, fmt.Errorf("%w: it would start at %s, before the year 2000", history.ErrScenario, time.UnixMilli(s.start).UTC())
	}
	var err error
	if s.callback, err = newCiphers(s.settings.Push, o.NewCipher); err != nil {
		return nil, err
	}
	if s.meetings, err = sc.compile(history.Playing{Start: s.start, Speed: s.speed, Seed: s.seed, Contradiction: s.contradicted}); err != nil {
		return nil, err
	}
	if err := s.faults.Add(slices.Concat(sc.Faults, o.Faults), s.start, s.speed); err != nil {
		return nil, err
	}
	s.prepare()
	return s, nil
}

// prepare makes what a simulator keeps of its calls and pushes, and what decides by chance.
func (s *Simulator) prepare() {
	s.rng = rand.New(rand.NewPCG(s.seed, 0))
	s.pushRng = rand.New(rand.NewPCG(s.seed, 2))
	s.ticketRng = rand.New(rand.NewPCG(s.seed, 3))
	s.tokens = newTokens(s.settings, s.seed)
	s.limits = newLimits(s.settings)
	s.stats = newStats(s.millis())
	s.pushes = newPushCount(s.settings.Push)
	s.robots = newRobots(s.settings.Robots)
}

// contradicted logs what cannot happen.
func (s *Simulator) contradicted(meeting string, a history.Action, err error) {
	s.logger.Error("simulator: the history contradicts itself", "meeting", meeting, "do", a.Do, "error", err)
}

// wake makes RunPushes look at what has happened.
func (s *Simulator) wake() {
	select {
	case s.news <- struct{}{}:
	default: // it will look anyway
	}
}

func (s *Simulator) millis() int64 { return s.now().UnixMilli() }

// Truth returns what has happened in all meetings that have begun, sorted by id.
func (s *Simulator) Truth() history.Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.meetings.Truth(s.millis())
}

// MeetingIDs returns the ids of all meetings, also of those still to come, sorted.
func (s *Simulator) MeetingIDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.meetings.IDs()
}

// Settings returns what is in force, defaults filled in.
func (s *Simulator) Settings() Settings { return s.settings }

// AddMeeting adds a meeting whose offsets count from now. The error wraps [history.ErrScenario] if
// the plan is wrong, and [history.ErrExists] if there is a meeting with this id.
func (s *Simulator) AddMeeting(plan history.Plan) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.meetings.Add(plan, s.millis()); err != nil {
		return err
	}
	s.wake()
	return nil
}

// Do makes things happen in a meeting now: all of them, in their order, or none. It returns them
// with their times, and what had been planned for later and can no longer happen. The error wraps
// [history.ErrScenario] when something cannot happen, and [history.ErrNoMeeting] when there is no
// such meeting.
func (s *Simulator) Do(conferenceID string, batch ...history.LiveAction) (done, dropped []history.Action, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	return s.meetings.Do(conferenceID, s.millis(), batch...)
}

// AddFaults switches faults on; their From and To count from now. It returns them with their ids,
// or an error that wraps [history.ErrScenario], and then none is on.
func (s *Simulator) AddFaults(faults ...fault.Fault) ([]fault.Fault, error) {
	if err := fault.ValidateAll(faults, "faults"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.millis()
	if err := s.faults.Add(faults, now, s.speed); err != nil {
		return nil, err
	}
	all := s.faults.List(now)
	return all[len(all)-len(faults):], nil
}

// Faults returns the faults that are on or still to come; Next is what is left of it.
func (s *Simulator) Faults() []fault.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.List(s.millis())
}

// ClearFaults switches all faults off. A call that hangs goes on hanging.
func (s *Simulator) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.Clear()
}

// Stats returns what has been called so far.
func (s *Simulator) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats.snapshot(s.limits, s.tokens.issued, s.millis())
	out.Pushes = s.pushes.snapshot(len(s.gateway.links))
	return out
}
