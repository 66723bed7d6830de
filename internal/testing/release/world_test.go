package release

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator"
)

// scenario is what the last release saw the first seconds of. Meanwhile one meeting has ended,
// whose list cannot be read any more; in the one that goes on somebody has come and gone, and
// somebody has come and stayed.
const scenario = `
meetings:
  - id: ended
    title: Review
    end: 4s
    people:
      - {id: u-conti, nick: Giulia Conti, host: true, visits: [{from: 100ms}]}
      - {id: u-caoyu, nick: 曹宇, visits: [{from: 500ms, to: 1500ms}, {from: 2500ms}]}
      - {id: u-troll, nick: Max M., visits: [{from: 1s, to: 2s, ends: kick}]}
      - {id: okafor, nick: Chidi Okafor, guest: true, visits: [{from: 800ms, to: 3s}]}
  - id: live
    title: Lounge 茶水间
    people:
      - {id: u-lim, nick: Chloe Lim, host: true, visits: [{from: 200ms}]}
      - {id: u-rao, nick: Vikram Rao, phone: true, visits: [{from: 600ms, to: 2s}]}
      - {id: u-holm, nick: Astrid Holm, outer: true, visits: [{from: 900ms}, {from: 1500ms, to: 3s, device: phone}]}
      - {id: u-mensah, nick: Kofi Mensah, visits: [{from: 60s, to: 70s}]}
      - {id: u-pengli, nick: 彭莉, visits: [{from: 80s}]}
  - id: meanwhile
    title: Planning
    end: 90s
    keep: 0s
    people:
      - {id: u-becker, nick: Jonas Becker, host: true, visits: [{from: 300ms}]}
      - {id: u-zahra, nick: Fatima Zahra, visits: [{from: 700ms}]}
`

// simulate serves the simulated DingTalk, in which the scenario began at start, until the test
// ends.
func simulate(t *testing.T, start time.Time) (sim *simulator.Simulator, url string) {
	t.Helper()
	play, err := simulator.ParseScenario([]byte(scenario))
	require.NoError(t, err)
	sim, err = simulator.New(simulator.Options{Scenario: play, Start: start})
	require.NoError(t, err)
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	return sim, server.URL
}
