package diff_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/stretchr/testify/require"
)

// FuzzCompare reads snapshots out of raw bytes and holds the outcome to law 4.
func FuzzCompare(f *testing.F) {
	f.Add([]byte("\x00\x02\x03\x10\x00\x03\x03\x12\x00\x01\x02\x06\x10\x20\x05\x00"))
	f.Add([]byte("\x02\x01\x03\x10\x00\x02\x01\x06\x10\x20\x00\x01\x03\x10\x00\x10\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:min(len(b), 1000)]
		s := diff.New("m1")
		roster := events.NewRoster("m1")
		for at := int64(0); len(b) > 0; at += 10_000 {
			var snap diff.Snapshot
			snap, b = snapshotFrom(b, epoch+at)
			res := diff.Compare(s, snap)
			for _, e := range res.Events {
				require.NoError(t, roster.Apply(e))
				require.Equal(t, len(roster.Present()), e.Member.ActiveCount)
				e.Source, e.RecordedTime = events.Source("", "m1"), e.Time
				_, err := events.Encode(e)
				require.NoError(t, err)
			}
			s = res.State
			require.Empty(t, diff.Compare(s, snap).Events)
		}
		for _, e := range diff.Compare(s, diff.Snapshot{Kind: diff.Partial, At: epoch, Over: true}).Events {
			require.NoError(t, roster.Apply(e))
		}
		require.Empty(t, roster.Present())
	})
}

// snapshotFrom reads one snapshot: its kind, how many rows, then for each person and status, join
// and leave in units that collide often.
func snapshotFrom(b []byte, at int64) (diff.Snapshot, []byte) {
	next := func() byte {
		if len(b) == 0 {
			return 0
		}
		c := b[0]
		b = b[1:]
		return c
	}
	moment := func() int64 {
		switch c := next(); {
		case c == 0:
			return 0
		case c == 255:
			return -1
		case c == 254:
			return 253402300799999
		default:
			return epoch + int64(c)*500
		}
	}
	snap := diff.Snapshot{Kind: diff.Kind(next() % 3), From: at, At: at + 1000}
	for range next() % 16 {
		c := next()
		snap.Rows = append(snap.Rows, diff.Row{
			UnionID: string([]byte{'u', '0' + c%4}), UserNick: "n" + string(rune(c%3)),
			Status: int(next() % 9), JoinTime: moment(), LeaveTime: moment(), Host: c&16 > 0,
		})
		if c%4 == 3 {
			snap.Rows[len(snap.Rows)-1].UnionID = ""
		}
	}
	return snap, b
}

func TestTheOrderOfTenThousandRowsDoesNotMatter(t *testing.T) {
	rows := crowd(10_000)
	s := diff.Compare(diff.New("m1"), diff.Snapshot{Rows: rows, At: epoch}).State
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	res := diff.Compare(s, diff.Snapshot{Rows: rows, At: epoch + 1})
	require.Empty(t, res.Events)
	require.False(t, res.Changed)
	slices.Reverse(rows)
	require.Empty(t, diff.Compare(res.State, diff.Snapshot{Rows: rows, At: epoch + 2}).Events)
}

func TestUnchangedPeopleCostNoAllocation(t *testing.T) {
	rows := crowd(10_000)
	for i := range 100 { // some have a second device
		second := rows[i*50]
		second.JoinTime += 5000
		rows = append(rows, second)
	}
	for name, kind := range map[string]diff.Kind{"complete": diff.Complete, "uncertain": diff.Uncertain} {
		s := diff.Compare(diff.New("m1"), diff.Snapshot{Kind: kind, Rows: rows, At: epoch}).State
		at := epoch + 1
		s = diff.Compare(s, diff.Snapshot{Kind: kind, Rows: rows, At: at}).State // proves what an uncertain list could not
		perCompare := testing.AllocsPerRun(20, func() {
			at++
			if res := diff.Compare(s, diff.Snapshot{Kind: kind, Rows: rows, At: at}); len(res.Events) > 0 || res.Changed {
				t.Fatal("nothing changed")
			}
		})
		require.LessOrEqual(t, perCompare, 10.0, name)
	}
}

func BenchmarkCompareUnchanged(b *testing.B) {
	for _, bm := range []struct {
		name   string
		people int
	}{{"128", 128}, {"10000", 10_000}} {
		b.Run(bm.name, func(b *testing.B) {
			rows := crowd(bm.people)
			s := diff.Compare(diff.New("m1"), diff.Snapshot{Rows: rows, At: epoch}).State
			fresh := copied(rows)
			b.ReportAllocs()
			for b.Loop() {
				diff.Compare(s, diff.Snapshot{Rows: fresh, At: epoch + 1})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(bm.people), "ns/person")
		})
	}
}

func BenchmarkCompareMovedRow(b *testing.B) {
	rows := crowd(10_000)
	s := diff.Compare(diff.New("m1"), diff.Snapshot{Rows: rows, At: epoch}).State
	moved := append(slices.Clone(rows[5000:]), rows[:5000]...)
	b.ReportAllocs()
	for b.Loop() {
		diff.Compare(s, diff.Snapshot{Rows: moved, At: epoch + 1})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/person")
}

// copied gives the strings other addresses, as every decoded page has.
func copied(rows []diff.Row) []diff.Row {
	out := slices.Clone(rows)
	for i := range out {
		out[i].UnionID, out[i].UserNick = strings.Clone(out[i].UnionID), strings.Clone(out[i].UserNick)
	}
	return out
}

func BenchmarkMemoryPerPerson(b *testing.B) {
	const meetings, people = 100, 1000
	rows := crowd(people)
	for b.Loop() {
		states := make([]*diff.State, meetings)
		before := heap()
		for i := range states {
			s := diff.Compare(diff.New("m1"), diff.Snapshot{Rows: rows, At: epoch}).State
			// The first look leaves room to grow; the first change after it does not.
			states[i] = diff.Compare(s, look{at: 90, kind: diff.Partial, rows: []string{"ann 3 80-"}}.snapshot()).State
		}
		b.ReportMetric(float64(heap()-before)/meetings/people, "B/person")
		runtime.KeepAlive(states)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
