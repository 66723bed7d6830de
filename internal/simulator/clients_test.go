package simulator

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestManyClientsAtOnce(t *testing.T) {
	sc, err := ParseScenario([]byte(lively))
	require.NoError(t, err)
	sc.Speed = 100
	s, err := New(Options{Scenario: sc, Settings: Settings{PageCap: 3, ShortPages: 0.3}})
	require.NoError(t, err)
	r := serve(t, s)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			person := fmt.Sprintf("live-%d", worker)
			for range 20 {
				for _, body := range []string{`{"do":"join","person":"` + person + `"}`, `{"do":"leave","person":"` + person + `"}`} {
					res, err := r.try("POST", "/_sim/meetings/m/actions", []byte(body))
					assert.NoError(t, err)
					assert.Equal(t, 200, res.status, "%s", res.body)
				}
				for _, path := range []string{members, "/v1.0/conference/orgConferences", "/_sim/truth", "/_sim/stats"} {
					res, err := r.try("GET", path, nil)
					assert.NoError(t, err)
					assert.Equal(t, 200, res.status, "%s", res.body)
				}
			}
		})
	}
	group.Wait()
	m, _ := s.Truth().Meeting("m")
	visits := map[string]int{}
	for _, p := range m.People {
		visits[p.UnionID] = len(p.Attendances)
	}
	for worker := range 8 {
		assert.Equal(t, 20, visits[fmt.Sprintf("live-%d", worker)])
	}
}
