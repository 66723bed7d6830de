package wire_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/wire"
	"github.com/c4342123/rollcall/internal/dingtalk/wire/wiretest"
)

// check holds a value that was read to what it means.
func check[T any](t *testing.T, name string, want *T, got T, r wire.Reading) {
	t.Helper()
	if want == nil {
		var zero T
		assert.Equal(t, wire.Unreadable, r, name)
		assert.Equal(t, zero, got, name)
		return
	}
	assert.NotEqual(t, wire.Unreadable, r, name)
	assert.Equal(t, *want, got, name)
}

func TestEveryTypeOfValue(t *testing.T) {
	for _, v := range wiretest.Values() {
		t.Run(v.Raw, func(t *testing.T) {
			raw := jsontext.Value(v.Raw)
			b, r := wire.Bool(raw)
			check(t, "bool", v.Bool, b, r)
			n, r := wire.Int(raw)
			check(t, "int", v.Int, n, r)
			at, r := wire.Time(raw)
			check(t, "time", v.Time, at, r)
			text, r := wire.Text(raw)
			check(t, "text", v.Text, text, r)
			id, r := wire.AppendID([]byte("before"), raw)
			if v.Anonymous || v.Text == nil {
				assert.Equal(t, wire.Unreadable, r)
				assert.Equal(t, "before", string(id))
			} else {
				assert.Equal(t, "before"+*v.Text, string(id))
			}
		})
	}
}

func TestPlainIsTheDocumentedTypeAlone(t *testing.T) {
	for _, c := range []struct {
		raw                 string
		bool, int, at, text wire.Reading
	}{
		{``, wire.Plain, wire.Plain, wire.Plain, wire.Plain},
		{`null`, wire.Plain, wire.Plain, wire.Plain, wire.Plain},
		{`true`, wire.Plain, wire.Odd, wire.Odd, wire.Odd},
		{`false`, wire.Plain, wire.Odd, wire.Odd, wire.Odd},
		{`3`, wire.Odd, wire.Plain, wire.Odd, wire.Odd},
		{`-3`, wire.Odd, wire.Plain, wire.Odd, wire.Odd},
		{`1663143335567`, wire.Odd, wire.Plain, wire.Plain, wire.Odd},
		{`3.0`, wire.Odd, wire.Odd, wire.Odd, wire.Odd},
		{`"x"`, wire.Unreadable, wire.Unreadable, wire.Unreadable, wire.Plain},
		{`""`, wire.Odd, wire.Odd, wire.Odd, wire.Plain},
	} {
		raw := jsontext.Value(c.raw)
		_, b := wire.Bool(raw)
		_, n := wire.Int(raw)
		_, at := wire.Time(raw)
		_, text := wire.Text(raw)
		assert.Equal(t, []wire.Reading{c.bool, c.int, c.at, c.text}, []wire.Reading{b, n, at, text}, c.raw)
	}
}

func TestAFlagThatIsGiven(t *testing.T) {
	for raw, want := range map[string][2]bool{
		``: {}, `null`: {}, `""`: {}, `" "`: {}, `{}`: {}, `"perhaps"`: {},
		`false`: {false, true}, `0`: {false, true}, `"0"`: {false, true}, `"False"`: {false, true}, `1`: {true, true}, `"yes"`: {true, true},
	} {
		value, given, _ := wire.BoolGiven(jsontext.Value(raw))
		assert.Equal(t, want, [2]bool{value, given}, raw)
	}
}

func TestRefusals(t *testing.T) {
	for body, want := range map[string]bool{
		`{}`: false, `{"errcode":0}`: false, `{"errcode":"0"}`: false, `{"errcode":""}`: false, `{"errcode":null}`: false, `{"errcode":false}`: false,
		`{"errcode":88}`: true, `{"errcode":"88"}`: true, `{"errcode":-1}`: true, `{"errcode":"busy"}`: true, `{"errcode":"0x"}`: true, `{"errcode":true}`: true, `{"errcode":{}}`: true,
		`{"success":true}`: false, `{"success":1}`: false, `{"success":""}`: false, `{"success":null}`: false, `{"success":{}}`: false,
		`{"success":false}`: true, `{"success":0}`: true, `{"success":"False"}`: true, `{"success":true,"errcode":88}`: true,
	} {
		var r wire.Refusal
		require.NoError(t, json.Unmarshal([]byte(body), &r))
		assert.Equal(t, want, r.Refused(), body)
	}
}

func TestFaults(t *testing.T) {
	for body, want := range map[string][3]string{
		`{"code":"a","message":"b","requestid":"c"}`:          {"a", "b", "c"},
		`{"Code":40014,"Message":"b","requestId":7}`:          {"40014", "b", "7"},
		`{"errcode":"40014","errmsg":"b","request_id":"c"}`:   {"40014", "b", "c"},
		`{"errcode":0,"errmsg":"ok","code":"a"}`:              {"a", "ok", ""},
		`{"code":"5xx"}`:                                      {"5xx", "", ""},
		`{"errcode":40014.0}`:                                 {"40014", "", ""},
		`{"code":{"userNick":"Ann"},"message":[{"n":"Ann"}]}`: {"", "", ""},
	} {
		f, err := wire.ReadFault([]byte(body))
		require.NoError(t, err, body)
		assert.Equal(t, want, [3]string{f.Code(), f.Message(), f.RequestID()}, body)
	}
	for _, body := range []string{``, `[]`, `"x"`, `<html>`, `{"code":1`} {
		_, err := wire.ReadFault([]byte(body))
		require.Error(t, err, body)
	}
}

func TestExcerptsShowPagesAndNoRows(t *testing.T) {
	redact := strings.NewReplacer("s3cret", "[redacted]").Replace
	for body, want := range map[string]string{
		"":                                   "",
		"<html>\r\n <h1>Bad\x1bgateway</h1>": "<html> <h1>Bad gateway</h1>",
		"key s3cret refused":                 "key [redacted] refused",
		`{"userNick":"Ann"`:                  "JSON of 17 bytes",
		"\ufeff \n[\"Ann\"]":                 "JSON of 7 bytes",
		`"Ann"`:                              "JSON of 5 bytes",
		`<pre>{"userNick":"Ann"}</pre>`:      "<pre>",
		`<pre>[{"userNick":"Ann"}]</pre>`:    "<pre>[",
		strings.Repeat("x", 500):             strings.Repeat("x", 157) + "…",
	} {
		assert.Equal(t, want, wire.Excerpt([]byte(body), redact), body)
	}
}

func TestOdditiesAreCountedByFieldAndSaidOnce(t *testing.T) {
	var log bytes.Buffer
	o := wire.NewOddities(slog.New(slog.NewTextHandler(&log, nil)))
	assert.Empty(t, o.String())
	o.Note(wire.MemberHost, wire.Plain)
	for range 3 {
		o.Note(wire.MemberHost, wire.Odd)
	}
	o.Note(wire.MemberHost, wire.Unreadable)
	o.Note(wire.InfoEnd, wire.Odd)
	assert.Equal(t, []wire.Count{{Field: "member.host", Understood: 3, Unreadable: 1}, {Field: "info.endTime", Understood: 1}}, o.Counts())
	assert.Equal(t, "of another type than documented: member.host 4 times (1 unreadable), info.endTime 1 times", o.String())
	assert.Equal(t, 3, strings.Count(log.String(), "\n"), log.String())
	var nobody *wire.Oddities
	nobody.Note(wire.MemberHost, wire.Odd)
	assert.Empty(t, nobody.Counts())
}

// TestFieldsAreAFixedList, each with a name of its own: they are labels of a metric.
func TestFieldsAreAFixedList(t *testing.T) {
	seen := map[string]bool{}
	for f := range wire.Gateway + 1 {
		name := f.String()
		require.NotEmpty(t, name, "%d", f)
		assert.False(t, seen[name], name)
		seen[name] = true
	}
	assert.Equal(t, "field 200", wire.Field(200).String())
}

// FuzzValue holds reading to: no panic, a plain reading only of the documented type, and bounds.
func FuzzValue(f *testing.F) {
	for _, v := range wiretest.Values() {
		f.Add([]byte(v.Raw))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		raw := jsontext.Value(data)
		if !raw.IsValid(jsontext.AllowInvalidUTF8(true)) {
			return
		}
		raw = bytes.TrimSpace(raw)
		kind := raw.Kind()
		_, r := wire.Bool(raw)
		assert.Equal(t, kind == 't' || kind == 'f' || kind == 'n', r == wire.Plain)
		_, r = wire.Int(raw)
		assert.True(t, r != wire.Plain || kind == '0' || kind == 'n')
		assert.Equal(t, r == wire.Unreadable && kind == '0', false, "a number is a number")
		at, r := wire.Time(raw)
		assert.True(t, at == 0 || at >= 1 && at <= wire.MaxTime)
		assert.True(t, r != wire.Plain || kind == '0' || kind == 'n')
		text, r := wire.Text(raw)
		assert.Equal(t, kind == '{' || kind == '[', r == wire.Unreadable)
		assert.Equal(t, strings.ToValidUTF8(text, "\uFFFD"), text)
	})
}
