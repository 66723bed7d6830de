package e2e_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/internal/dingtalk/pseudonym"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
	"github.com/c4342123/rollcall/internal/stored/report"
	"github.com/c4342123/rollcall/internal/stored/verify"
	"github.com/c4342123/rollcall/poller"
)

// messy is a meeting in which everything happens that happens in meetings, and that has not ended.
const messy = `{meetings: [{id: messy, title: "Weekly <周会>", start: -10m, rejoin: add, unlisted: true, people: [
	{id: ann, nick: Ann, host: true, visits: [{from: -9m59s}, {from: -5m, to: -3m, device: phone}]},
	{id: bob, nick: Bob, visits: [{from: -8m, to: -7m}, {from: -6m, to: -4m30s}, {from: -4m}]},
	{id: cho, nick: 赵敏, coHost: true, visits: [{from: -6m, to: -358.5s}]},
	{id: dan, nick: "=1+1", visits: [{from: -7m, to: -2m, ends: kick}]},
	{id: eve, nick: "<img src=x onerror=alert(1)>", visits: [{from: -8m, to: -5m}, {from: -6m, to: -2m, device: phone}]},
	{id: fay, nick: Fay, visits: [{from: -3m}]},
	{id: gus, nick: Gus, guest: true, visits: [{from: -9m, to: -8m}, {from: -7m, to: -6m, ends: kick}, {from: -1m}]},
	{id: oli, nick: Oli, outer: true, phone: true, visits: [{from: -4m, to: -1m}]}, {id: pat, nick: Pat, calls: [{at: -2m, do: call}]}]}]}`

// The report of a messy meeting adds up to the truth, to the millisecond where a program reads it
// and to the second where a person does.
func TestReportOfAMessyMeeting(t *testing.T) {
	t.Parallel()
	d := drive(t, plan{scenario: messy, set: often})
	d.watch("messy", "4")
	d.do("messy", history.LiveAction{Do: history.Kick, Person: "fay"}, joins("pat"), renames("gus", "August"))
	d.answers("/v1/meetings/messy", 200, `"userNick":"Pat"`)
	d.do("messy", history.LiveAction{Do: history.End})
	d.gone("messy")
	truth, _ := d.sim.Truth().Meeting("messy")
	r, err := report.Of(t.Context(), d.js, "messy")
	require.NoError(t, err)
	require.Len(t, r.People, 11, "a guest is somebody else every time")
	assert.True(t, r.Complete)
	assert.Equal(t, []int64{truth.StartTime, truth.EndTime}, []int64{r.StartTime, r.EndTime})
	assert.Equal(t, truth.EndTime-truth.StartTime, r.Duration)
	holdsTrue(t, truth, r)
	inAllFormats(t, truth, r)
}

// TestReportOfRandomMeetings has the service find meetings that were over before it knew of them.
func TestReportOfRandomMeetings(t *testing.T) {
	t.Parallel()
	const ago = history.Duration(40 * time.Minute)
	plans, err := history.Generate{
		Meetings: 3, People: 60, Length: history.Duration(30 * time.Minute), Visits: 5, Rejoin: history.AddRow,
		Devices: 0.3, Kicks: 0.2, Calls: 0.2, Absentees: 0.1, Guests: 0.2, Outer: 0.2, Phones: 0.1,
	}.Plans(7)
	require.NoError(t, err)
	keep := history.Duration(time.Hour)
	for i := range plans {
		earlier(&plans[i], ago)
		plans[i].Keep, plans[i].Unlisted = &keep, true
	}
	text, err := yaml.Marshal(simulator.Scenario{Meetings: plans})
	require.NoError(t, err)
	d := drive(t, plan{scenario: string(text), set: often})
	for _, p := range plans {
		status, body := d.request("PUT", "/v1/meetings/"+p.ID, strings.NewReader(""))
		require.Contains(t, []int{200, 201}, status, body)
	}
	for _, p := range plans {
		d.gone(p.ID)
		truth, _ := d.sim.Truth().Meeting(p.ID)
		r, err := report.Of(t.Context(), d.js, p.ID)
		require.NoError(t, err)
		holdsTrue(t, truth, r)
		inAllFormats(t, truth, r)
	}
}

// earlier moves all of a meeting back in time.
func earlier(m *history.Plan, by history.Duration) {
	m.Start -= by
	*m.End -= by
	for i := range m.People {
		for j := range m.People[i].Visits {
			v := &m.People[i].Visits[j]
			v.From -= by
			if v.To != nil {
				to := *v.To - by
				v.To = &to
			}
		}
		for j := range m.People[i].Calls {
			m.People[i].Calls[j].At -= by
		}
	}
}

// person is what is known of somebody's part in a meeting.
type person struct {
	nick  string
	total int64
	ends  []string
}

// of lists the truth, in the order in which people first joined.
func of(truth history.MeetingTruth) []person {
	var out []person
	for _, p := range truth.People {
		one := person{nick: p.Nick}
		for _, a := range p.Attendances {
			one.total += a.Left - a.Joined
			one.ends = append(one.ends, fmt.Sprint(a.Joined, " to ", a.Left, " ", a.Ended))
		}
		out = append(out, one)
	}
	return sorted(out)
}

func sorted(people []person) []person {
	slices.SortFunc(people, func(a, b person) int { return strings.Compare(fmt.Sprint(a.ends, a.nick), fmt.Sprint(b.ends, b.nick)) })
	return people
}

// holdsTrue compares a report with what really happened, to the millisecond.
func holdsTrue(t *testing.T, truth history.MeetingTruth, r report.Report) {
	t.Helper()
	var got []person
	for _, p := range r.People {
		one := person{nick: p.UserNick, total: p.Total}
		for _, a := range p.Attendances {
			assert.False(t, a.LeaveInferred || a.JoinInferred, "the list told all of it")
			assert.Equal(t, a.LeaveTime-a.JoinTime, a.Duration)
			one.ends = append(one.ends, fmt.Sprint(a.JoinTime, " to ", a.LeaveTime, " ", a.Ended))
		}
		assert.InDelta(t, float64(p.Total)/float64(r.Duration), p.Share, 1e-9)
		got = append(got, one)
	}
	assert.Equal(t, of(truth), sorted(got))
}

// inAllFormats reads every format back and compares what it says with what really happened, to the
// second.
func inAllFormats(t *testing.T, truth history.MeetingTruth, r report.Report) {
	t.Helper()
	var want []string
	for _, p := range of(truth) {
		s := (p.total + 500) / 1000
		want = append(want, fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60))
	}
	slices.Sort(want)
	for format, read := range map[report.Format]func(*testing.T, string) []string{
		report.JSON: func(t *testing.T, text string) []string {
			var back report.Report
			require.NoError(t, json.Unmarshal([]byte(text), &back))
			holdsTrue(t, truth, back)
			return want
		},
		report.CSV: func(t *testing.T, text string) (out []string) {
			lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
			require.NoError(t, err)
			seconds := 0.0
			for _, line := range lines[1:] {
				s, err := strconv.ParseFloat(line[6], 64)
				require.NoError(t, err)
				seconds += s
				out = append(out, line[7])
			}
			assert.InDelta(t, float64(r.Total)/1000, seconds, 1e-3)
			return out
		},
		report.Table: found(`(?m)  (\d+:\d\d:\d\d)   *<?\d+ %  `),
		report.SVG:   found(`<text class="num" [^>]*>(\d+:\d\d:\d\d)</text>`),
		report.HTML:  found(`<span class="num">(\d+:\d\d:\d\d)</span>`),
	} {
		var out bytes.Buffer
		require.NoError(t, r.Write(&out, format))
		got := read(t, out.String())
		slices.Sort(got)
		assert.Equal(t, want, got, format)
		for _, p := range r.People {
			if len(p.UserNick) < 20 {
				assert.Contains(t, html.UnescapeString(out.String()), p.UserNick, format)
			}
		}
	}
}

// found returns what reads all that a pattern finds.
func found(pattern string) func(*testing.T, string) []string {
	return func(_ *testing.T, text string) (out []string) {
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			out = append(out, match[1])
		}
		return out
	}
}

// TestVerify compares what a running service announced with the list, with and without pseudonyms.
func TestVerify(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]config.Secret{"people": "", "pseudonyms": "the privacy key, of 32 bytes or so"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := drive(t, plan{scenario: messy, set: func(s *config.Settings) {
				if key != "" {
					s.Events.Privacy, s.Events.PrivacyKey = config.PrivacyPseudonym, key
				}
			}})
			d.watch("messy", "4")
			source := d.source(key)
			got, err := d.verify(source)
			require.NoError(t, err)
			assert.Empty(t, got.Differences)
			assert.Equal(t, []int{4, 4}, []int{got.Announced, got.Active})

			d.do("messy", renames("gus", "August"))
			got, err = d.verify(source)
			require.NoError(t, err)
			assert.Empty(t, got.Differences, "a guest who is renamed stays the same")
			assert.Equal(t, []int{4, 4}, []int{got.Announced, got.Active})

			// Nothing looks for an hour, and no push tells of it: the service is as good as dead.
			d.faults(fault.Fault{Kind: fault.PushLost})
			d.do("messy", joins("dan"), history.LiveAction{Do: history.Kick, Person: "fay"})
			got, err = d.verify(source)
			require.NoError(t, err)
			require.Len(t, got.Differences, 2)
			assert.Equal(t, verify.NotAnnounced, got.Differences[0].Kind)
			assert.Equal(t, verify.NotActive, got.Differences[1].Kind)
			assert.NotZero(t, got.Differences[1].Left)
			if key == "" {
				assert.Equal(t, []string{"dan", "fay"}, []string{got.Differences[0].Person, got.Differences[1].Person})
			} else {
				assert.NotContains(t, fmt.Sprint(got.Differences), "fay")
				assert.True(t, slices.ContainsFunc(stored(t, d.js, "messy"), func(e events.Event) bool {
					return e.Member != nil && e.Subject == got.Differences[1].Person
				}), "it is the pseudonym of the events")
			}
		})
	}
}

func (d *driven) verify(source poller.Source) (verify.Result, error) {
	ctx, cancel := context.WithTimeout(d.Context(), patient)
	defer cancel()
	return verify.Run(ctx, verify.Options{JetStream: d.js, Source: source, Meeting: "messy", Patience: time.Millisecond})
}

// source is a client of the simulated DingTalk that gives pseudonyms when there is a key.
func (d *driven) source(key config.Secret) poller.Source {
	d.Helper()
	server := httptest.NewServer(d.sim.Handler())
	d.Cleanup(server.Close)
	client, err := api.New(api.Options{
		BaseURL: server.URL, AppKey: simulator.DefaultAppKey, AppSecret: simulator.DefaultAppSecret,
	})
	require.NoError(d, err)
	d.Cleanup(client.Close)
	if key == "" {
		return client
	}
	return pseudonym.NewSource(client, pseudonym.Options{Key: key.Reveal()})
}
