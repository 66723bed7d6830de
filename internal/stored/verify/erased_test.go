package verify

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/internal/stored/report"
)

// TestSomebodyErasedIsNoDifference: a list still shows people who were forgotten. As many as were are
// explained, and only where nothing is stored of them.
func TestSomebodyErasedIsNoDifference(t *testing.T) {
	bob := report.Person{Person: "bob", LastLeft: 9000, Attendances: []report.Attendance{{JoinTime: 1000, LeaveTime: 9000, Visit: 1}}}
	l := list{over: true, history: history{stays: []stay{
		{person: "ann", from: 1000, to: 3000}, {person: "ann", from: 5000, to: 6000}, {person: "bob", from: 1000, to: 9000},
	}}}
	for erased, want := range map[int]int{0: 2, 1: 0, 2: 0} {
		result := l.compare(report.Report{Complete: true, People: []report.Person{bob}, Erased: report.Erased{People: erased, Events: 4}})
		assert.Len(t, result.Differences, want, "%d erased", erased)
		assert.Equal(t, want == 0, len(result.Notes) > 0)
	}
	l.history.stays = append(l.history.stays, stay{person: "bob", from: 20_000, to: 30_000}, stay{person: "eve", from: 1000, to: 2000})
	result := l.compare(report.Report{Complete: true, People: []report.Person{bob}, Erased: report.Erased{People: 1, Events: 4}})
	assert.Len(t, result.Differences, 2, "another visit of somebody of whom something is stored, and a second person")
}
