package events_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/c4342123/rollcall/events"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestGoldenFiles holds every kind of event to its bytes. Run with -update to rewrite them.
func TestGoldenFiles(t *testing.T) {
	for name, e := range kinds() {
		t.Run(name, func(t *testing.T) {
			payload, err := events.Encode(e)
			require.NoError(t, err)
			var pretty bytes.Buffer
			require.NoError(t, json.Indent(&pretty, payload, "", "  "))
			pretty.WriteByte('\n')
			file := filepath.Join("testdata", name+".json")
			if *update {
				require.NoError(t, os.WriteFile(file, pretty.Bytes(), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), pretty.String())

			var compact bytes.Buffer
			require.NoError(t, json.Compact(&compact, want))
			back, err := events.Decode(compact.Bytes())
			require.NoError(t, err)
			require.Equal(t, e, back)
		})
	}
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.Len(t, files, len(kinds()), "a golden file for each kind and no other")
}

// anyEvent draws any event that can be encoded, with the strings of a hostile list.
func anyEvent(t *rapid.T) events.Event {
	hostile := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"", "\x00", "\u2028", "</script>", `"\`, "\xff", "\xed\xa0\x80", "钉钉", "😀", "\r\n\t"}))
	id := rapid.StringMatching(`[A-Za-z0-9_-]{1,128}`).Draw(t, "conference")
	moment := rapid.Int64Range(0, 253402300799999)
	e := events.Event{
		ID: hostile.Draw(t, "id") + "x", Source: events.Source(hostile.Draw(t, "corp"), id),
		Time: time.UnixMilli(moment.Draw(t, "time")).UTC(), RecordedTime: time.UnixMilli(moment.Draw(t, "recorded")).UTC(),
	}
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		e.Type = rapid.SampledFrom([]events.Type{events.Joined, events.Left, events.Kicked}).Draw(t, "type")
		e.Subject, e.Sequence = hostile.Draw(t, "subject")+"x", rapid.Uint64Min(1).Draw(t, "sequence")
		e.Member = rapid.Make[*events.Member]().Filter(func(m *events.Member) bool { return m != nil }).Draw(t, "member")
		e.Member.UserNick, e.Member.ConferenceID = hostile.Draw(t, "nick"), id
	case 1:
		e.Type = rapid.SampledFrom([]events.Type{events.MeetingStarted, events.MeetingUpdated, events.MeetingEnded}).Draw(t, "type")
		e.Meeting = &events.Meeting{
			ConferenceID: id, Title: hostile.Draw(t, "title"), Reason: hostile.Draw(t, "reason"),
			PersonMinutes: rapid.Float64().Draw(t, "minutes"), Peak: rapid.Int().Draw(t, "peak"),
			Restarted: rapid.Bool().Draw(t, "restarted"), Seal: rapid.Make[*events.Seal]().Draw(t, "seal"),
		}
	default:
		e.Type = events.MeetingGap
		e.Gap = &events.Gap{ConferenceID: id, From: rapid.Int64().Draw(t, "from"), To: rapid.Int64().Draw(t, "to"), Seal: rapid.Make[*events.Seal]().Draw(t, "seal")}
	}
	e.DataSchema = events.DataSchema(e.Type)
	e.Previous, e.Salt = "", ""
	if rapid.Bool().Draw(t, "chained") {
		e = chained(e)
	}
	if s := e.Seal(); s != nil {
		s.Hash, s.Signature = previousHash, hostile.Draw(t, "signature")
		e = chained(e)
	}
	return e
}

// TestEncodeIsWhatEncodingJSONReads compares every attribute and field with what encoding/json
// makes of the same.
func TestEncodeIsWhatEncodingJSONReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent(t)
		payload, err := events.Encode(e)
		require.NoError(t, err)
		require.True(t, utf8.Valid(payload))
		require.True(t, json.Valid(payload))

		want := map[string]any{
			"specversion": "1.0", "id": e.ID, "source": e.Source, "type": e.Type,
			"time": e.Time.Format("2006-01-02T15:04:05.000Z"), "recordedtime": e.RecordedTime.Format("2006-01-02T15:04:05.000Z"),
			"datacontenttype": "application/json", "dataschema": e.DataSchema,
		}
		switch {
		case e.Member != nil:
			want["data"], want["subject"], want["sequence"] = e.Member, e.Subject, events.FormatSequence(e.Sequence)
		case e.Meeting != nil:
			want["data"] = e.Meeting
		default:
			want["data"] = e.Gap
		}
		if e.Previous != "" {
			want["previous"], want["salt"] = e.Previous, e.Salt
		}
		std, err := json.Marshal(want)
		require.NoError(t, err)
		require.Equal(t, anyOf(t, std), anyOf(t, payload))
	})
}

func anyOf(t require.TestingT, b []byte) any {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var out map[string]any
	require.NoError(t, dec.Decode(&out))
	if data, ok := out["data"].(map[string]any); ok {
		if n, ok := data["personMinutes"].(json.Number); ok { // 1e3 and 1000 are one number
			f, err := n.Float64()
			require.NoError(t, err)
			data["personMinutes"] = f
		}
	}
	return out
}

func TestDecodeReadsWhatEncodeWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent(t)
		payload, err := events.Encode(e)
		require.NoError(t, err)
		back, err := events.Decode(payload)
		require.NoError(t, err)
		again, err := events.Encode(back)
		require.NoError(t, err)
		require.Equal(t, string(payload), string(again))
	})
}

func TestEncodeRefuses(t *testing.T) {
	joined := func(change func(*events.Event)) events.Event { return member(change) }
	for name, tc := range map[string]struct {
		event events.Event
		says  string
	}{
		"no id":                  {joined(func(e *events.Event) { e.ID = "" }), "no id"},
		"no source":              {joined(func(e *events.Event) { e.Source = "" }), "no source"},
		"no time":                {joined(func(e *events.Event) { e.Time = time.Time{} }), "time 0001"},
		"year 10000":             {joined(func(e *events.Event) { e.Time = time.UnixMilli(253402300800000).UTC() }), "time 10000"},
		"year 0":                 {joined(func(e *events.Event) { e.Time = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC) }), "time 0000"},
		"a year of its zone":     {joined(func(e *events.Event) { e.Time = time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -7200)) }), "time"},
		"no recordedtime":        {joined(func(e *events.Event) { e.RecordedTime = time.Time{} }), "recordedtime"},
		"no type":                {joined(func(e *events.Event) { e.Type = "" }), `type ""`},
		"another type":           {joined(func(e *events.Event) { e.Type = "conference.member.waved" }), "waved"},
		"no subject":             {joined(func(e *events.Event) { e.Subject = "" }), "subject"},
		"no sequence":            {joined(func(e *events.Event) { e.Sequence = 0 }), "sequence"},
		"no data":                {joined(func(e *events.Event) { e.Member = nil }), "carries member data"},
		"data of another kind":   {joined(func(e *events.Event) { e.Member, e.Gap = nil, &events.Gap{} }), "carries member data"},
		"two kinds of data":      {joined(func(e *events.Event) { e.Meeting = &events.Meeting{} }), "nothing else"},
		"bad conferenceId":       {joined(func(e *events.Event) { e.Member.ConferenceID = "a.b" }), `"a.b"`},
		"numbered meeting":       {with(meeting(events.MeetingEnded, at, events.Meeting{}), func(e *events.Event) { e.Sequence = 1 }), "no sequence"},
		"member data of an end":  {with(meeting(events.MeetingEnded, at, events.Meeting{}), func(e *events.Event) { e.Member = &events.Member{} }), "carries meeting data"},
		"member data of a gap":   {with(gap(0, ""), func(e *events.Event) { e.Member = &events.Member{} }), "carries gap data"},
		"gap data of the source": {with(sight(events.SourceBlind, 0), func(e *events.Event) { e.Gap = &events.Gap{} }), "carries sight data"},
		"numbered source":        {with(sight(events.SourceSeeing, 9), func(e *events.Event) { e.Sequence = 1 }), "no sequence"},
		"no hash":                {with(chained(member(nil)), func(e *events.Event) { e.Previous = strings.ToUpper(e.Previous) }), "previous"},
		"a chain without salt":   {with(chained(member(nil)), func(e *events.Event) { e.Salt = "" }), "salt"},
		"salt without a chain":   {with(chained(member(nil)), func(e *events.Event) { e.Previous = "" }), "previous"},
		"a seal without a chain": {with(gap(0, ""), func(e *events.Event) { e.Gap.Seal = seal() }), "previous"},
		"a chain of the source":  {chained(sight(events.SourceBlind, 0)), "no chain"},
		"no number":              {meeting(events.MeetingEnded, at, events.Meeting{PersonMinutes: math.NaN()}), "personMinutes NaN"},
		"no finite number":       {meeting(events.MeetingEnded, at, events.Meeting{PersonMinutes: math.Inf(1)}), "personMinutes +Inf"},
	} {
		t.Run(name, func(t *testing.T) {
			payload, err := events.Encode(tc.event)
			require.Empty(t, string(payload))
			require.Error(t, err)
			require.ErrorContains(t, err, tc.says)
			if name != "bad conferenceId" {
				require.ErrorIs(t, err, events.ErrInvalid)
			} else {
				require.ErrorIs(t, err, events.ErrConferenceID)
			}
		})
	}
}

func with(e events.Event, change func(*events.Event)) events.Event {
	change(&e)
	return e
}

func TestFormatSequenceSortsAsAString(t *testing.T) {
	for n, want := range map[uint64]string{
		1: "0000000001", 42: "0000000042", 9_999_999_999: "9999999999",
		10_000_000_000: "10000000000", math.MaxUint64: "18446744073709551615",
	} {
		require.Equal(t, want, events.FormatSequence(n))
	}
	require.Negative(t, strings.Compare(events.FormatSequence(9), events.FormatSequence(10)))
}

func BenchmarkEncode(b *testing.B) {
	e := member(nil)
	b.ReportAllocs()
	for b.Loop() {
		e.ID = events.MemberID("6321a", e.Subject, at, e.Type)
		if _, err := events.Encode(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMemberID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		events.MemberID("6321a", "2iPOwAbCdEfGhIjKlMnOiEiE", at, events.Joined)
	}
}

func BenchmarkDecode(b *testing.B) {
	payload, err := events.Encode(member(nil))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := events.Decode(payload); err != nil {
			b.Fatal(err)
		}
	}
}
