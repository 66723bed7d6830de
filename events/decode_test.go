package events_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/c4342123/rollcall/events"
	"github.com/stretchr/testify/require"
)

func TestDecodeToleratesWhatItDoesNotKnow(t *testing.T) {
	payload, err := events.Encode(member(nil))
	require.NoError(t, err)
	want, err := events.Decode(payload)
	require.NoError(t, err)
	for name, change := range map[string][2]string{
		"an attribute":      {`"specversion":`, `"traceparent":"00-1-2-01","specversion":`},
		"a field":           {`"visit":1`, `"visit":1,"jobNumber":"42","deviceType":{"name":"phone"}`},
		"a later 1.x":       {`"specversion":"1.0"`, `"specversion":"1.1"`},
		"a missing field":   {`"coHost":false,`, ``},
		"spaces":            {`{`, ` {` + "\n\t"},
		"an offset, not Z":  {`.123Z"`, `.123+00:00"`},
		"another data type": {`"application/json"`, `"application/json; charset=utf-8"`},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(string(payload), change[0], change[1], 1)
			require.NotEqual(t, string(payload), changed)
			got, err := events.Decode([]byte(changed))
			require.NoError(t, err)
			require.True(t, want.Time.Equal(got.Time))
			got.Time = want.Time
			require.Equal(t, want, got)
		})
	}
	got, err := events.Decode([]byte(strings.Replace(string(payload), `"reason":"joined"`, `"reason":"teleported"`, 1)))
	require.NoError(t, err)
	require.Equal(t, events.Reason("teleported"), got.Member.Reason)
}

func TestDecodeSaysWhatIsNotOurs(t *testing.T) {
	payload, err := events.Encode(member(nil))
	require.NoError(t, err)
	good := string(payload)
	for name, tc := range map[string]struct{ payload, says string }{
		"nothing":            {"", "unexpected end of JSON input"},
		"no JSON":            {"joined", "invalid character"},
		"half":               {good[:len(good)/2], "unexpected end of JSON input"},
		"more than one":      {good + good, "after top-level value"},
		"another object":     {`{"a":1}`, `specversion ""`},
		"a list":             {`[]`, "cannot unmarshal array"},
		"null":               {`null`, `specversion ""`},
		"version 2":          {strings.Replace(good, `"1.0"`, `"2.0"`, 1), `specversion "2.0"`},
		"version 10":         {strings.Replace(good, `"1.0"`, `"10"`, 1), `specversion "10"`},
		"another type":       {strings.Replace(good, "conference.member.joined", "com.example.joined", 1), `type "com.example.joined"`},
		"no type":            {strings.Replace(good, `"type"`, `"kind"`, 1), `type ""`},
		"no data":            {strings.Replace(good, `"data":`, `"payload":`, 1), "data of conference.member.joined"},
		"null data":          {good[:strings.Index(good, `"data":`)] + `"data":null}`, "conferenceId"},
		"text data":          {good[:strings.Index(good, `"data":`)] + `"data":"x"}`, "data of conference.member.joined"},
		"a field of no kind": {strings.Replace(good, `"joinTime":1700000000123`, `"joinTime":"now"`, 1), "joinTime"},
		"no number":          {strings.Replace(good, `"0000000001"`, `"first"`, 1), `sequence "first"`},
		"number 0":           {strings.Replace(good, `"0000000001"`, `"0000000000"`, 1), "without subject or sequence"},
		"no id":              {strings.Replace(good, `"id"`, `"i"`, 1), "no id"},
		"no time":            {strings.Replace(good, `"time"`, `"t"`, 1), "time 0001"},
		"no such time":       {strings.Replace(good, `.123Z"`, `"`, 1), "parsing time"},
		"bad conferenceId":   {strings.Replace(good, `"conferenceId":"6321a"`, `"conferenceId":"a b"`, 1), `"a b"`},
	} {
		t.Run(name, func(t *testing.T) {
			require.NotEqual(t, good, tc.payload)
			e, err := events.Decode([]byte(tc.payload))
			require.ErrorIs(t, err, events.ErrNotRollcall)
			require.ErrorContains(t, err, tc.says)
			require.Zero(t, e)
		})
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(f, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := events.Decode(b)
		if err != nil {
			require.ErrorIs(t, err, events.ErrNotRollcall)
			require.Zero(t, e)
			return
		}
		payload, err := events.Encode(e)
		if err != nil { // a broken chain is read, so that it can be told, but never written
			payload, err = events.Encode(unchained(e))
		}
		require.NoError(t, err)
		again, err := events.Decode(payload)
		require.NoError(t, err)
		require.Equal(t, e.ConferenceID(), again.ConferenceID())
		require.Equal(t, e.Sequence, again.Sequence)
		_ = events.NewRoster(e.ConferenceID()).Apply(e)
	})
}

// unchained is the event as it was before there were chains.
func unchained(e events.Event) events.Event {
	e.Previous, e.Salt = "", ""
	switch {
	case e.Meeting != nil:
		e.Meeting.Seal = nil
	case e.Gap != nil:
		e.Gap.Seal = nil
	case e.Erased != nil:
		e.Erased.Seal = nil
	}
	return e
}
