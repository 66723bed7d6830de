package push

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
	"github.com/c4342123/rollcall/internal/dingtalk/wire/wiretest"
)

// or is what a value means, or none where it means nothing.
func or[T any](p *T) T {
	var none T
	if p == nil {
		return none
	}
	return *p
}

func idOf(v wiretest.Value) string {
	if v.Anonymous {
		return ""
	}
	return wire.UnionID(or(v.Text))
}

// memberFields are the fields of a member in a push: what a value makes of the row, and whether
// there is one with it.
var memberFields = map[string]func(wiretest.Value, *diff.Row) bool{
	"userId":    func(v wiretest.Value, r *diff.Row) bool { r.UnionID = idOf(v); return r.UnionID != "" },
	"userNick":  func(v wiretest.Value, r *diff.Row) bool { r.UserNick = or(v.Text); return true },
	"joinTime":  func(v wiretest.Value, r *diff.Row) bool { r.JoinTime = or(v.Time); return v.Time != nil },
	"leaveTime": func(v wiretest.Value, r *diff.Row) bool { r.LeaveTime = or(v.Time); return true },
	"host":      func(v wiretest.Value, r *diff.Row) bool { r.Host = or(v.Bool); return true },
	"coHost":    func(v wiretest.Value, r *diff.Row) bool { r.CoHost = or(v.Bool); return true },
	"pstnJoin":  func(v wiretest.Value, r *diff.Row) bool { r.PSTNJoin = or(v.Bool); return true },
	"duration":  func(wiretest.Value, *diff.Row) bool { return true }, // not read
}

// TestEveryMemberFieldOfEveryType: no value of any field voids a push. Where it does not say who or
// since when, the member list has to be looked at.
func TestEveryMemberFieldOfEveryType(t *testing.T) {
	for name, field := range memberFields {
		for _, v := range wiretest.Values() {
			t.Run(name+"="+v.Raw, func(t *testing.T) {
				odd := diff.Row{UnionID: "u", Status: diff.StatusLeft}
				told := field(v, &odd)
				p := decode(t, fmt.Sprintf(`{"EventType":"meeting_member_status_change","changeScene":"user_leave","openMemberModels":[
					{"userId":"v","conferenceId":"m"},{"userId":"u","conferenceId":"m",%q:%s}]}`, name, v.Raw))
				want := []diff.Row{{UnionID: "v", Status: diff.StatusLeft}}
				if told {
					want = append(want, odd)
				}
				require.Len(t, p.Notices, 1)
				assert.Equal(t, want, p.Notices[0].Rows)
				assert.Equal(t, !told, p.Notices[0].Look)
			})
		}
	}
}

// TestEveryTypeOfMember: what is no member of a meeting does not void those beside it, and their
// meeting is looked at.
func TestEveryTypeOfMember(t *testing.T) {
	for _, v := range wiretest.Values() {
		for name, raw := range map[string]string{"member": v.Raw, "conferenceId": `{"userId":"u","conferenceId":` + v.Raw + `}`} {
			t.Run(name+"="+v.Raw, func(t *testing.T) {
				odd := wire.NewOddities(nil)
				p, err := Decode([]byte(`{"EventType":"meeting_member_status_change","changeScene":"user_join","openMemberModels":[
					{"userId":"v","conferenceId":"m"},`+raw+`]}`), Envelope{}, odd)
				require.NoError(t, err)
				assert.Equal(t, []diff.Row{{UnionID: "v", Status: diff.StatusActive}}, p.Notices[0].Rows)
				if len(p.Notices) == 2 { // the value can be an id
					assert.Equal(t, or(v.Text), p.Notices[1].ConferenceID)
					assert.False(t, p.Notices[0].Look)
					return
				}
				assert.True(t, p.Notices[0].Look)
				assert.Contains(t, odd.String(), "push.member 1 times")
			})
		}
	}
}

func TestEveryFieldOfAMeetingOfEveryType(t *testing.T) {
	fields := map[string]func(wiretest.Value, *Meeting){
		"title":       func(v wiretest.Value, m *Meeting) { m.Title = or(v.Text) },
		"creatorId":   func(v wiretest.Value, m *Meeting) { m.CreatorID = idOf(v) },
		"creatorNick": func(v wiretest.Value, m *Meeting) { m.CreatorNick = or(v.Text) },
		"startTime":   func(v wiretest.Value, m *Meeting) { m.StartTime = or(v.Time) },
		"status":      func(wiretest.Value, *Meeting) {},
		"bizType":     func(wiretest.Value, *Meeting) {},
	}
	for name, field := range fields {
		for _, v := range wiretest.Values() {
			t.Run(name+"="+v.Raw, func(t *testing.T) {
				var want Meeting
				field(v, &want)
				p := decode(t, fmt.Sprintf(`{"EventType":"meeting_status_change","changeScene":"conference_closed","openConfModel":{"conferenceId":"m",%q:%s}}`, name, v.Raw))
				assert.Equal(t, []Notice{{ConferenceID: "m", Scene: MeetingClosed, Meeting: want}}, p.Notices)
			})
		}
	}
}

func TestEveryFieldOfTheEnvelopeOfEveryType(t *testing.T) {
	for _, v := range wiretest.Values() {
		for name, field := range map[string]func(*Push){
			"eventId":   func(p *Push) { p.ID = or(v.Text) },
			"EventTime": func(p *Push) { p.Time = or(v.Time) },
			"CorpId":    func(*Push) {}, "BizId": func(*Push) {}, "statusSeqNum": func(*Push) {}, "code": func(*Push) {}, "data": func(*Push) {},
		} {
			t.Run(name+"="+v.Raw, func(t *testing.T) {
				want := Push{Type: statusEvent}
				field(&want)
				want.Notices = []Notice{{ConferenceID: "m", Scene: MeetingClosed, Time: want.Time}}
				assert.Equal(t, want, decode(t, fmt.Sprintf(
					`{"EventType":"meeting_status_change","changeScene":"conference_closed","openConfModel":{"conferenceId":"m"},%q:%s}`, name, v.Raw)))
			})
		}
	}
}

// TestEnvelopeAndDataInOneObject: as the page of the events shows them, and as the stream
// connection's SDKs hand them on.
func TestEnvelopeAndDataInOneObject(t *testing.T) {
	content := "{" + joined[strings.Index(joined, ` "openMemberModels"`):]
	text, err := json.Marshal(content)
	require.NoError(t, err)
	for name, data := range map[string]string{
		"an object in data": `{"eventId":"c7c7120f2c07420","eventBornTime":1663143335567,"eventCorpId":"c","eventType":"meeting_member_status_change","data":` + content + `}`,
		"a text in data":    `{"eventId":"c7c7120f2c07420","eventBornTime":"1663143335567","eventType":"meeting_member_status_change","data":` + string(text) + `}`,
		"all of it in data": `{"specVersion":"1.0","type":"EVENT","headers":{},"data":` + joined + `}`,
		"texts for objects": strings.NewReplacer(`"openMemberModels":[`, `"openMemberModels":"[`, `}],`, `}]",`).Replace(strings.Replace(joined, joined[strings.Index(joined, "[{"):strings.Index(joined, "}],")], escaped(joined[strings.Index(joined, "[{"):strings.Index(joined, "}],")]), 1)),
		"a single member":   strings.NewReplacer(`"openMemberModels":[`, `"openMemberModels":`, `}],`, `},`).Replace(joined),
		"time in seconds":   strings.NewReplacer(`1663143335567`, `"1663143335.567"`, `1663143334000`, `1663143334`).Replace(joined),
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, annJoined(), decode(t, data))
		})
	}
}

// escaped is what stands between the quotes of a JSON text.
func escaped(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(raw[1 : len(raw)-1])
}

func TestTheMonthsPushesAreUsedUp(t *testing.T) {
	for _, data := range []string{
		`{"code":20001}`, `{"code":"20001","message":"x"}`, `{"errcode":20001,"openConfModel":null}`, `{"code":20001,"data":""}`,
		`{"EventType":"meeting_status_change","code":"20001"}`, `{"EventType":"anything","Code":20001.0,"data":{}}`,
		`{"eventType":"meeting_member_status_change","data":{"code":20001}}`,
		`{"code":20001,"openMemberModels":[]}`, `{"code":20001,"openConfModel":{},"openMemberModels":"[]"}`,
		"\ufeff" + `{"code":20001}`,
	} {
		p := decode(t, data)
		assert.True(t, p.Exhausted, data)
		assert.Empty(t, p.Notices, data)
	}
	p := decode(t, strings.Replace(joined, `"CorpId"`, `"code":20001,"CorpId"`, 1))
	assert.False(t, p.Exhausted, "with content it is an event")
	assert.Len(t, p.Notices, 1)
	assert.False(t, decode(t, `{"EventType":"x","code":20002}`).Exhausted)
}
