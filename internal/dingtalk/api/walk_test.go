package api

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

// decode reads one page.
func decode(body string) (*walk, []diff.Row, error) {
	w := new(walk)
	w.reset()
	if err := json.Unmarshal([]byte(body), w, wire.Options); err != nil {
		return nil, nil, err
	}
	return w, w.build(), nil
}

func TestMemberFields(t *testing.T) {
	cases := map[string]struct {
		member string
		want   diff.Row
	}{
		"nothing": {`{}`, diff.Row{}},
		"everything": {
			`{"unionId":"u","conferenceId":"c","userNick":"n","joinTime":1684215608570,"leaveTime":1684215608571,` +
				`"duration":1,"attendStatus":5,"host":true,"coHost":true,"outerOrgMember":true,"pstnJoin":true,"jobNumber":"7"}`,
			diff.Row{
				UnionID: "u", UserNick: "n", JoinTime: 1684215608570, LeaveTime: 1684215608571, Status: 5,
				Host: true, CoHost: true, OuterOrgMember: true, PSTNJoin: true,
			},
		},
		"unknown fields":         {`{"x":{"unionId":"no","y":[1,{}]},"unionId":"u","z":null}`, diff.Row{UnionID: "u"}},
		"nulls":                  {`{"unionId":null,"userNick":null,"joinTime":null,"attendStatus":null,"host":null}`, diff.Row{}},
		"negative times":         {`{"joinTime":-1,"leaveTime":-9223372036854775808}`, diff.Row{}},
		"last time":              {`{"joinTime":253402300799999}`, diff.Row{JoinTime: wire.MaxTime}},
		"beyond year 9999":       {`{"joinTime":253402300800000,"leaveTime":99999999999999999999999}`, diff.Row{}},
		"beyond any float":       {`{"joinTime":1e999,"leaveTime":-1e999}`, diff.Row{}},
		"time as a float":        {`{"joinTime":1.684215608570e12,"leaveTime":1684215608570.9}`, diff.Row{JoinTime: 1684215608570, LeaveTime: 1684215608570}},
		"numbers in quotes":      {`{"joinTime":"1684215608570","attendStatus":"3","host":"true"}`, diff.Row{JoinTime: 1684215608570, Status: 3, Host: true}},
		"id as a number":         {`{"unionId":12345678901234567890}`, diff.Row{UnionID: "12345678901234567890"}},
		"unknown status":         {`{"attendStatus":77}`, diff.Row{Status: 77}},
		"absurd status":          {`{"attendStatus":99999999999}`, diff.Row{Status: math.MaxInt32}},
		"escapes":                {`{"\u0075nionId":"\u4e2d\"\\\n","userNick":"\ud83d\ude00"}`, diff.Row{UnionID: wire.UnionID("中\"\\\n"), UserNick: "😀"}},
		"half a surrogate":       {`{"userNick":"a\ud83db"}`, diff.Row{UserNick: "a\uFFFDb"}},
		"bad byte in a nickname": {"{\"unionId\":\"u\",\"userNick\":\"a\xffb\"}", diff.Row{UnionID: "u", UserNick: "a\uFFFDb"}},
		"bad byte in a name":     {"{\"\xff\":1,\"unionId\":\"u\"}", diff.Row{UnionID: "u"}},
		"name that comes twice":  {`{"unionId":"no","unionId":"u"}`, diff.Row{UnionID: "u"}},
		"names of another case":  {`{"UnionId":"no","UNIONID":"no"}`, diff.Row{}},
		"long nickname":          {`{"userNick":"x` + strings.Repeat("中", 100) + `"}`, diff.Row{UserNick: "x" + strings.Repeat("中", 85)}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			// A row before and after shows that fields stay where they belong.
			_, rows, err := decode(`{"memberModels":[{"unionId":"before","host":true},` + c.member + `,{"unionId":"after"}]}`)
			require.NoError(t, err)
			require.Len(t, rows, 3)
			assert.Equal(t, c.want, rows[1])
			assert.Equal(t, "before", rows[0].UnionID)
			assert.Equal(t, diff.Row{UnionID: "after"}, rows[2])
		})
	}
}

func TestPageFields(t *testing.T) {
	cases := map[string]struct {
		page    string
		list    bool
		total   int64
		next    string
		numRows int
	}{
		"empty object":        {`{}`, false, -1, "", 0},
		"address block":       {`{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u"}`, false, -1, "", 0},
		"empty list":          {`{"memberModels":[]}`, true, -1, "", 0},
		"null list":           {`{"memberModels":null}`, false, -1, "", 0},
		"null list and total": {`{"memberModels":null,"totalCount":0}`, true, 0, "", 0},
		"null total":          {`{"totalCount":null}`, false, -1, "", 0},
		"negative total":      {`{"totalCount":-1}`, false, -1, "", 0},
		"token before list":   {`{"nextToken":"t","totalCount":1,"memberModels":[{}]}`, true, 1, "t", 1},
		"list that is twice":  {`{"memberModels":[{},{}],"memberModels":[{}]}`, true, -1, "", 1},
		"list taken back":     {`{"memberModels":[{},{}],"memberModels":null}`, false, -1, "", 0},
		"token as a number":   {`{"memberModels":[],"nextToken":128}`, true, -1, "128", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w, rows, err := decode(c.page)
			require.NoError(t, err)
			assert.Equal(t, c.list, w.isList())
			assert.Equal(t, c.total, w.total)
			assert.Equal(t, c.next, w.next)
			assert.Len(t, rows, c.numRows)
		})
	}
}

func TestDecodingAListCostsTwoAllocations(t *testing.T) {
	body := memberPage(0, 100, "", 100)
	w := new(walk)
	read := func() {
		w.reset()
		require.NoError(t, json.Unmarshal(body, w, wire.Options))
		require.Len(t, w.build(), 100)
	}
	read()
	assert.LessOrEqual(t, testing.AllocsPerRun(20, read), 20.0, "per list of 100, require's own included")
}

// FuzzDecodePage holds the decoder to the plain one: what that reads without an error, this one
// reads alike.
func FuzzDecodePage(f *testing.F) {
	f.Add(memberPage(0, 2, "next", 2))
	f.Add([]byte(`{"status":1111,"wait":5,"source":"x5","punish":"deny"}`))
	f.Add([]byte("{\"memberModels\":[{\"unionId\":\"\x00\",\"userNick\":\"\xff\",\"joinTime\":-1}],\"totalCount\":1e3}"))
	f.Add([]byte(`{"memberModels":[{"\u0075nionId":"a","unionId":"b"}],"memberModels":null}`))
	f.Add([]byte(`[null]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		w, rows, err := decode(string(body))
		if err == nil {
			for _, row := range rows {
				checkRow(t, row)
			}
		}
		var plain plainPage
		if json.Unmarshal(body, &plain, jsontext.AllowInvalidUTF8(true)) != nil || jsontext.Value(body).Kind() != '{' {
			return
		}
		if len(plain.NextToken) > maxPageTokenSize || len(plain.MemberModels) > maxRows {
			return
		}
		require.NoError(t, err)
		assert.True(t, plain.NextToken == w.next || plain.NextToken == "0" && w.next == "")
		if w.leftOut > 0 {
			return // null is a zero to the plain decoder
		}
		require.Len(t, rows, len(plain.MemberModels))
		for i, m := range plain.MemberModels {
			assert.Equal(t, plainRow(m), rows[i])
		}
	})
}

func checkRow(t *testing.T, row diff.Row) {
	assert.True(t, utf8.ValidString(row.UnionID) && utf8.ValidString(row.UserNick))
	assert.Equal(t, row.UnionID, wire.UnionID(row.UnionID), "what is carried can be carried")
	assert.LessOrEqual(t, len(row.UserNick), wire.MaxNick)
	for _, at := range []int64{row.JoinTime, row.LeaveTime} {
		assert.True(t, at == 0 || at >= 1000 && at <= wire.MaxTime)
	}
}

func plainRow(m plainMember) diff.Row {
	at := func(ms int64) int64 {
		return wire.Millis(ms)
	}
	return diff.Row{
		UnionID: wire.UnionID(m.UnionID), UserNick: string(plaintext.Cut([]byte(m.UserNick), wire.MaxNick)),
		JoinTime: at(m.JoinTime), LeaveTime: at(m.LeaveTime),
		Status: int(min(max(m.AttendStatus, math.MinInt32), math.MaxInt32)),
		Host:   m.Host, CoHost: m.CoHost, OuterOrgMember: m.OuterOrgMember, PSTNJoin: m.PSTNJoin,
	}
}
