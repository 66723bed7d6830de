package sdktest

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/history"
	"github.com/c4342123/rollcall/internal/stored/report"
)

// product is the running service, which looks at a simulated DingTalk with one meeting in it.
type product struct {
	t    *testing.T
	sim  *simulator.Simulator
	base string
}

const meeting = "office"

// runProduct runs the service until the test ends. Ann is in the meeting, and that is stored when
// it returns.
func runProduct(t *testing.T) *product {
	t.Helper()
	api, sim := simulate(t, &simulator.Scenario{Meetings: []history.Plan{{
		ID: meeting, Title: "Office hours", People: []history.Person{
			{ID: "ann", Nick: "Ann", Host: true, Visits: []history.Visit{{}}}, {ID: "bob", Nick: "Bob"},
		},
	}}})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	p := &product{t: t, sim: sim, base: open(t, api).HTTP}
	require.Eventually(t, func() bool { return p.told() == 1 },
		patience, 20*time.Millisecond)
	return p
}

// get reads what the service answers, whatever it is.
func (p *product) get(path string) string {
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.base+path, http.NoBody)
	require.NoError(p.t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(p.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	return string(body)
}

// do lets somebody do something in the meeting, and waits until an event tells of it.
func (p *product) do(person string, verb history.Verb) {
	p.t.Helper()
	before := p.told()
	_, _, err := p.sim.Do(meeting, history.LiveAction{Do: verb, Person: person})
	require.NoError(p.t, err)
	require.Eventually(p.t, func() bool { return p.told() > before }, patience, 20*time.Millisecond)
}

// told is the number of the meeting's beginnings and ends of visits that are stored.
func (p *product) told() (n int) {
	var r report.Report
	if err := json.Unmarshal([]byte(p.get("/v1/meetings/"+meeting+"/report")), &r); err != nil {
		return 0
	}
	for _, person := range r.People {
		for _, a := range person.Attendances {
			if n++; a.Ended != "" {
				n++
			}
		}
	}
	return n
}

// events reads the events of the meeting, up to the first of a type.
func (p *product) events(last events.Type) (lines []string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/v1/events?meeting="+meeting, http.NoBody)
	require.NoError(p.t, err)
	req.Header.Set("Last-Event-ID", "0")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(p.t, err)
	defer resp.Body.Close()
	for read := bufio.NewScanner(resp.Body); read.Scan(); {
		data, ok := strings.CutPrefix(read.Text(), "data: ")
		if !ok || data == "{}" {
			continue
		}
		lines = append(lines, data)
		if e, err := events.Decode([]byte(data)); err == nil && e.Type == last {
			return lines
		}
	}
	require.Fail(p.t, "the events have ended", "%s", lines)
	return nil
}
