package sdktest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	conference "github.com/alibabacloud-go/dingtalk/conference_1_0"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	util "github.com/alibabacloud-go/tea-utils/v2/service"

	"github.com/c4342123/rollcall/internal/dingtalk/wire"
	"github.com/c4342123/rollcall/internal/dingtalk/wire/wiretest"
)

// answering is the official client of a server that answers every call with a member list of one
// row, in which one field has a value of the test's choice.
type answering struct {
	t      *testing.T
	client *conference.Client
	row    string
}

func newAnswering(t *testing.T) *answering {
	t.Helper()
	a := &answering{t: t}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"memberModels":[%s],"totalCount":1}`, a.row)
	}))
	t.Cleanup(server.Close)
	client, err := conference.NewClient(&openapi.Config{Protocol: new("http"), Endpoint: new(strings.TrimPrefix(server.URL, "http://"))})
	require.NoError(t, err)
	a.client = client
	return a
}

// member is the row as the official client reads it, or nil when it refuses the list.
func (a *answering) member(field, raw string) *conference.QueryConferenceMembersResponseBodyMemberModels {
	a.t.Helper()
	a.row = fmt.Sprintf(`{%q:%s}`, field, raw)
	reply, err := a.client.QueryConferenceMembersWithOptions(new("m"), &conference.QueryConferenceMembersRequest{},
		&conference.QueryConferenceMembersHeaders{XAcsDingtalkAccessToken: new("t")}, &util.RuntimeOptions{})
	if err != nil {
		return nil
	}
	require.Len(a.t, reply.Body.MemberModels, 1)
	return reply.Body.MemberModels[0]
}

// otherwise are the values that we take as something else than the official client does, and why.
var otherwise = map[string]string{
	"text false":                           "no name, id or title is false",
	"time true":                            "true tells no time",
	"number 1e999":                         "the client stops at the exponent",
	"number -1e999":                        "the client stops at the exponent",
	"time 1e999":                           "the client stops at the exponent",
	"time 3.7":                             "a fraction of a second counts",
	"time 0.5":                             "a fraction of a second counts",
	"time 1663143335.567":                  "a fraction of a second counts",
	`time "3.7"`:                           "a fraction of a second counts",
	`time "1663143335.567"`:                "a fraction of a second counts",
	`number "03"`:                          "the client stops at a leading zero",
	`time "03"`:                            "the client stops at a leading zero",
	`time "2022-09-14T08:15:35Z"`:          "the client takes the year",
	`time "2022-09-14T16:15:35.567+08:00"`: "the client takes the year",
	`time "1969-09-14T08:15:35Z"`:          "the client takes the year",
}

// TestWeTakeWhatTheOfficialClientTakes: whatever value it reads, internal/dingtalk/wire reads, too,
// and as the same but for what is said in otherwise.
func TestWeTakeWhatTheOfficialClientTakes(t *testing.T) {
	a := newAnswering(t)
	for _, v := range wiretest.Values() {
		raw := jsontext.Value(v.Raw)
		if m := a.member("host", v.Raw); m != nil {
			got, r := wire.Bool(raw)
			compare(t, "boolean", v.Raw, m.Host, got, r)
		}
		if m := a.member("attendStatus", v.Raw); m != nil {
			got, r := wire.Int(raw)
			var want *int64
			if m.AttendStatus != nil {
				want = new(int64(*m.AttendStatus))
			}
			compare(t, "number", v.Raw, want, got, r)
		}
		if m := a.member("joinTime", v.Raw); m != nil {
			got, r := wire.Time(raw)
			var want *int64
			if m.JoinTime != nil {
				want = new(wire.Millis(*m.JoinTime))
			}
			compare(t, "time", v.Raw, want, got, r)
		}
		if m := a.member("userNick", v.Raw); m != nil {
			got, r := wire.Text(raw)
			compare(t, "text", v.Raw, m.UserNick, got, r)
		}
	}
}

// compare holds a value as we read it to the official client's; nil is none.
func compare[T comparable](t *testing.T, kind, raw string, theirs *T, ours T, r wire.Reading) {
	t.Helper()
	name := kind + " " + raw
	assert.NotEqual(t, wire.Unreadable, r, name)
	var want T
	if theirs != nil {
		want = *theirs
	}
	if otherwise[name] == "" {
		assert.Equal(t, want, ours, name)
	} else {
		assert.NotEqual(t, want, ours, name)
	}
}
