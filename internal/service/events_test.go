package service

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// What is stored is sent to the clients that listen over HTTP, from the place on that they name.
func TestEventsOverHTTP(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	r := start(t, settings(t, api))
	r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.base+"/v1/events?meeting=office", nil)
	require.NoError(t, err)
	req.Header.Set("Last-Event-ID", "0")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	lines := bufio.NewScanner(resp.Body)
	var types []string
	for len(types) < 2 && lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && data != "{}" { // which is the position
			_, after, _ := strings.Cut(data, `"type":"`)
			kind, _, _ := strings.Cut(after, `"`)
			types = append(types, kind)
		}
	}
	assert.Equal(t, []string{"conference.meeting.started", "conference.member.joined"}, types)
	nc, err := nats.Connect(r.nats)
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	described(t, js)
}

// described requires that the list of consumers says what each is for.
func described(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	consumers := 0
	streams := js.ListStreams(t.Context())
	for info := range streams.Info() {
		stream, err := js.Stream(t.Context(), info.Config.Name)
		require.NoError(t, err)
		list := stream.ListConsumers(t.Context())
		for c := range list.Info() {
			consumers++
			assert.Regexp(t, "^"+events.OwnConsumers, c.Name, "it must be known as ours")
			assert.NotEmpty(t, c.Config.Description, "%s of %s, filter %s %s", c.Name, info.Config.Name, c.Config.FilterSubject, c.Config.FilterSubjects)
		}
		require.NoError(t, list.Err())
	}
	require.NoError(t, streams.Err())
	assert.GreaterOrEqual(t, consumers, 2)
}
