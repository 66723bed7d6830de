package api

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// mover is a member list that changes from page to page: a model of its own, which shares nothing
// with the simulator.
type mover struct {
	rng   *rand.Rand
	drops bool // who leaves is listed no more
	order int
	size  int // rows a page
	clock int64
	rows  []moverRow // in the order in which they were added
	left  map[string]int64
	// churn is what may happen before each page but a look's first; only one of the two where the
	// list drops leavers, as both at once cannot be told from nothing. For the same reason nobody who
	// was called joins while the list is read: it loses the one row then, and gains another.
	joins, leaves, reading bool
}

type moverRow struct {
	id          string // of a person; guests begin with "?"
	join, leave int64
	called      bool
}

const moverEpoch = 1_700_000_000_000

func (r moverRow) open() bool { return r.leave == 0 && !r.called }

func (r moverRow) body() string {
	status := diff.StatusActive
	switch {
	case r.called:
		status = diff.StatusCalling
	case r.leave > 0:
		status = diff.StatusLeft
	}
	id, nick := r.id, r.id
	if strings.HasPrefix(id, "?") {
		id = ""
	}
	return fmt.Sprintf(`{"unionId":%q,"userNick":%q,"joinTime":%d,"leaveTime":%d,"attendStatus":%d}`, id, nick, r.join, r.leave, status)
}

// step lets something happen, perhaps.
func (m *mover) step() {
	for range max(m.rng.IntN(4)-1, 0) {
		m.clock += 1 + m.rng.Int64N(5000)
		at := m.rng.IntN(12)
		kind := m.rng.IntN(4)
		who := fmt.Sprint("u", at)
		switch {
		case kind == 0 && m.leaves:
			m.leave(at)
		case !m.joins || len(m.rows) > 20:
		case kind == 1 && !slices.ContainsFunc(m.rows, func(r moverRow) bool { return r.id == who }):
			m.rows = append(m.rows, moverRow{id: who, called: true})
		case m.drops && slices.Contains(m.present(), who): // without the other device's row, this one's would look like a rejoin
		case m.reading && slices.ContainsFunc(m.rows, func(r moverRow) bool { return r.id == who && r.called }):
		case kind == 2:
			m.rows = append(m.rows, moverRow{id: "?Guest", join: m.clock})
		default:
			m.rows = slices.DeleteFunc(m.rows, func(r moverRow) bool { return r.id == who && r.called })
			m.rows = append(m.rows, moverRow{id: who, join: m.clock}) // perhaps another device
		}
	}
}

// leave takes a device out of the meeting, if the row with this number is of one that is in it.
func (m *mover) leave(at int) {
	if at >= len(m.rows) || !m.rows[at].open() {
		return
	}
	m.rows[at].leave = m.clock
	key := m.rows[at].key()
	if m.drops {
		m.rows = slices.Delete(m.rows, at, at+1)
	}
	if !slices.Contains(m.present(), key) {
		m.left[key] = m.clock
	}
}

func (r moverRow) key() string {
	if strings.HasPrefix(r.id, "?") {
		return fmt.Sprintf("guest:%d:%s", r.join, r.id)
	}
	return r.id
}

func (m *mover) present() []string {
	var out []string
	for _, r := range m.rows {
		if r.open() {
			out = append(out, r.key())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// listed is the list in its order: as rows were added, the newest first, those present first and
// the newest first, by name, or another that depends on what the rows say.
func (m *mover) listed() []moverRow {
	rows := slices.Clone(m.rows)
	slices.SortStableFunc(rows, func(a, b moverRow) int {
		switch m.order {
		case 1:
			return cmp.Compare(b.join, a.join)
		case 2:
			return cmp.Or(cmp.Compare(b.rank(), a.rank()), cmp.Compare(b.join, a.join))
		case 3:
			return cmp.Compare(a.id, b.id)
		case 4:
			return cmp.Compare(a.mixed(), b.mixed())
		default:
			return 0
		}
	})
	return rows
}

func (r moverRow) mixed() uint32 {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, r)
	return h.Sum32()
}

// rank is higher for those present.
func (r moverRow) rank() int {
	if r.open() {
		return 1
	}
	return 0
}

// serve answers for a page, before which something may have happened.
func (m *mover) serve(w http.ResponseWriter, r *http.Request) {
	from, _ := strconv.Atoi(r.URL.Query().Get("nextToken"))
	if m.reading = from > 0; m.reading {
		m.step()
	}
	rows := m.listed()
	total := len(rows)
	rows = rows[min(from, total):min(from+m.size, total)]
	var models []string
	for _, row := range rows {
		models = append(models, row.body())
	}
	next := ""
	if from+m.size < total {
		next = strconv.Itoa(from + m.size)
	}
	writeJSON(w, http.StatusOK, fmt.Sprintf(`{"memberModels":[%s],"totalCount":%d,"nextToken":%q}`, strings.Join(models, ","), total, next))
}

// between lets something happen between two looks, and decides what may happen during the next.
func (m *mover) between() {
	m.joins, m.leaves, m.reading = true, true, false
	m.step()
	if m.drops {
		m.joins = m.rng.IntN(2) == 0
		m.leaves = !m.joins
	}
	m.clock += 5000
}

// TestNobodyWhoStayedVanishes holds the reading of lists that move and the comparison together to
// their promise: lists of any order and page size, kept or not, that change between pages.
func TestNobodyWhoStayedVanishes(t *testing.T) {
	u := newUpstream(t)
	var m *mover
	u.mux.HandleFunc("GET /v1.0/conference/videoConferences/{id}/members", func(w http.ResponseWriter, r *http.Request) { m.serve(w, r) })
	c := u.client(t)
	meetings := 0
	rapid.Check(t, func(t *rapid.T) {
		meetings++
		id := fmt.Sprint("m", meetings)
		m = &mover{
			rng: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), clock: moverEpoch, left: map[string]int64{}, drops: rapid.Bool().Draw(t, "drops"),
			order: rapid.IntRange(0, 4).Draw(t, "order"), size: rapid.IntRange(1, 5).Draw(t, "size"),
		}
		state := diff.New(id)
		since := map[string]int64{} // by person announced as present: since when
		for range rapid.IntRange(2, 10).Draw(t, "looks") {
			m.between()
			from := m.clock
			list, err := c.Members(t.Context(), id)
			require.NoError(t, err)
			snap := diff.Snapshot{Rows: list.Rows, From: from, At: m.clock}
			if !list.Certain {
				snap.Kind = diff.Uncertain
			}
			res := diff.Compare(state, snap)
			state = res.State
			for _, e := range res.Events {
				if e.Type == events.Joined {
					since[e.Subject] = e.Time.UnixMilli()
					continue
				}
				if e.Member.Reason == events.ReasonVanished || e.Member.Reason == events.ReasonLeft {
					require.GreaterOrEqual(t, m.left[e.Subject], since[e.Subject], "%s %s, who stayed", e.Subject, e.Member.Reason)
				}
				delete(since, e.Subject)
			}
		}
	})
}
