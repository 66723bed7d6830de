package sdktest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	conference "github.com/alibabacloud-go/dingtalk/conference_1_0"
	oauth "github.com/alibabacloud-go/dingtalk/oauth2_1_0"
	util "github.com/alibabacloud-go/tea-utils/v2/service"
	"github.com/alibabacloud-go/tea/tea"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// crowd is a meeting of n people, all there since a minute before the start.
func crowd(n int) *simulator.Scenario {
	m := history.Plan{ID: "crowd", Title: "All hands", Start: history.Duration(-time.Minute)}
	for i := range n {
		m.People = append(m.People, history.Person{
			ID: fmt.Sprintf("u-%d", i), Nick: fmt.Sprintf("Person %d", i), Host: i == 0,
			Visits: []history.Visit{{From: history.Duration(-time.Minute)}},
		})
	}
	end := history.Duration(-30 * time.Second)
	return &simulator.Scenario{Meetings: []history.Plan{
		m,
		{ID: "small", Start: history.Duration(-time.Minute)},
		{ID: "over", Start: history.Duration(-time.Minute), End: &end},
		{ID: "secret", Start: history.Duration(-time.Minute), Denied: true},
	}}
}

func (p *platform) members(id, nextToken string) (*conference.QueryConferenceMembersResponseBody, error) {
	reply, err := p.conference.QueryConferenceMembersWithOptions(&id,
		&conference.QueryConferenceMembersRequest{MaxResults: new(int32(128)), NextToken: &nextToken},
		&conference.QueryConferenceMembersHeaders{XAcsDingtalkAccessToken: &p.token}, &util.RuntimeOptions{})
	if err != nil {
		return nil, err
	}
	return reply.Body, nil
}

func (p *platform) info(id string) (*conference.QueryConferenceInfoResponseBodyConfInfo, error) {
	reply, err := p.conference.QueryConferenceInfoWithOptions(&id,
		&conference.QueryConferenceInfoHeaders{XAcsDingtalkAccessToken: &p.token}, &util.RuntimeOptions{})
	if err != nil {
		return nil, err
	}
	return reply.Body.ConfInfo, nil
}

func TestMembersOfALargeMeeting(t *testing.T) {
	p := start(t, crowd(1300))
	token, pages := "0", 0
	var ids []string
	for {
		body, err := p.members("crowd", token)
		require.NoError(t, err)
		require.Equal(t, int32(1300), *body.TotalCount)
		for _, m := range body.MemberModels {
			ids = append(ids, *m.UnionId)
			require.Equal(t, int32(3), *m.AttendStatus)
			require.Equal(t, "crowd", *m.ConferenceId)
			require.NotZero(t, *m.JoinTime)
			require.Nil(t, m.OuterOrgMember, "left out for the organisation's own people")
		}
		pages++
		if body.NextToken == nil {
			break
		}
		token = *body.NextToken
	}
	assert.Equal(t, 11, pages)
	require.Len(t, ids, 1300)
	for i, id := range ids {
		require.Equal(t, fmt.Sprintf("u-%d", i), id)
	}
}

func TestMeetingInformation(t *testing.T) {
	p := start(t, crowd(3))
	info, err := p.info("crowd")
	require.NoError(t, err)
	assert.Equal(t, "All hands", *info.Title)
	assert.Equal(t, "u-0", *info.CreatorId)
	assert.Equal(t, int32(2), *info.Status)
	assert.Equal(t, int32(3), *info.ActiveNum)
	assert.Nil(t, info.EndTime)
	over, err := p.info("over")
	require.NoError(t, err)
	assert.Equal(t, int32(1), *over.Status)
	assert.Equal(t, *over.StartTime+30_000, *over.EndTime)
}

func TestOrganisationsMeetings(t *testing.T) {
	p := start(t, crowd(1))
	request := &conference.QueryOrgConferenceListRequest{MaxResults: new(int32(2))}
	var ids []string
	for {
		reply, err := p.conference.QueryOrgConferenceListWithOptions(request,
			&conference.QueryOrgConferenceListHeaders{XAcsDingtalkAccessToken: &p.token}, &util.RuntimeOptions{})
		require.NoError(t, err)
		assert.Equal(t, int32(3), *reply.Body.TotalCount)
		for _, m := range reply.Body.OnGoingConfList {
			ids = append(ids, *m.ConferenceId)
			assert.Equal(t, int32(2), *m.Status)
		}
		if !*reply.Body.HasMore {
			break
		}
		request.NextToken = reply.Body.NextToken
	}
	assert.Equal(t, []string{"crowd", "secret", "small"}, ids)
}

func TestSeveralMeetings(t *testing.T) {
	p := start(t, crowd(2))
	reply, err := p.conference.QueryConferenceInfoBatchWithOptions(
		&conference.QueryConferenceInfoBatchRequest{ConferenceIdList: []*string{new("crowd"), new("over")}},
		&conference.QueryConferenceInfoBatchHeaders{XAcsDingtalkAccessToken: &p.token}, &util.RuntimeOptions{})
	require.NoError(t, err)
	require.Len(t, reply.Body.Infos, 1)
	assert.Equal(t, "crowd", *reply.Body.Infos[0].ConferenceId)
	assert.Len(t, reply.Body.Infos[0].UserList, 2)
	assert.Equal(t, int64(3), *reply.Body.Infos[0].UserList[0].AttendStatus)
}

func TestTokens(t *testing.T) {
	p := start(t, crowd(1))
	assert.Equal(t, p.token, p.getToken(), "the same inside its life")
	settings := p.sim.Settings()
	corp, err := p.oauth.GetCorpAccessToken(&oauth.GetCorpAccessTokenRequest{
		SuiteKey: &settings.SuiteKey, SuiteSecret: &settings.SuiteSecret, AuthCorpId: &settings.CorpID, SuiteTicket: new("ticket"),
	})
	require.NoError(t, err)
	assert.Equal(t, p.token, *corp.Body.AccessToken)
	client, err := p.oauth.GetToken(&settings.CorpID, &oauth.GetTokenRequest{
		ClientId: &settings.AppKey, ClientSecret: &settings.AppSecret, GrantType: new("client_credentials"),
	})
	require.NoError(t, err)
	assert.Equal(t, p.token, *client.Body.AccessToken)
	assert.InDelta(t, 7200, *client.Body.ExpiresIn, 5)

	_, err = p.oauth.GetAccessToken(&oauth.GetAccessTokenRequest{AppKey: &settings.AppKey, AppSecret: new("wrong")})
	requireSDKError(t, err, 400, "invalidClientIdOrSecret")
}

// requireSDKError requires the SDK's own error type, which it makes of the documented error bodies.
func requireSDKError(t *testing.T, err error, status int, code string) {
	t.Helper()
	var e *tea.SDKError
	require.True(t, errors.As(err, &e), "%T: %v", err, err)
	require.Equal(t, code, tea.StringValue(e.Code))
	require.Equal(t, status, tea.IntValue(e.StatusCode))
	require.NotEmpty(t, tea.StringValue(e.Message))
}

func TestHonestErrors(t *testing.T) {
	p := start(t, crowd(1))
	tests := map[string]struct {
		id, token, pageToken string
		status               int
		code                 string
	}{
		"no id":           {"", p.token, "0", 400, "missingRoomId"},
		"unknown meeting": {"unknown", p.token, "0", 404, "roomNotFound"},
		"not allowed":     {"secret", p.token, "0", 403, "noPermission"},
		"bad page token":  {"crowd", p.token, "x", 400, "paramError"},
		"bad token":       {"crowd", "x", "0", 400, "InvalidAuthentication"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			caller := *p
			caller.token = test.token
			_, err := caller.members(test.id, test.pageToken)
			requireSDKError(t, err, test.status, test.code)
		})
	}
}

func TestDocumentedErrors(t *testing.T) {
	tests := []struct {
		kind   fault.Kind
		status int
		code   string
	}{
		{fault.QPSApp, 403, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"},
		{fault.QPMApp, 403, "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi"},
		{fault.QPSAPI, 403, "Forbidden.AccessDenied.QpsLimitForApi"},
		{fault.QPSSuite, 403, "Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi"},
		{fault.Quota, 403, "Forbidden.AccessDenied.ApiCountLimitForOrg"},
		{fault.Busy, 429, "system.busy"},
		{fault.SystemError, 500, "systemError"},
		{fault.NotFound, 404, "roomNotFound"},
		{fault.Denied, 403, "noPermission"},
		{fault.ParamError, 400, "paramError"},
		{fault.MissingRoom, 400, "missingRoomId"},
		{fault.BadToken, 400, "InvalidAuthentication"},
		{fault.ExpireToken, 400, "InvalidAuthentication"},
	}
	p := start(t, crowd(1))
	for _, test := range tests {
		t.Run(string(test.kind), func(t *testing.T) {
			p.token = p.getToken()
			_, err := p.sim.AddFaults(fault.Fault{Kind: test.kind, Calls: []fault.Class{fault.ClassMembers, fault.ClassInfo}, Next: 2})
			require.NoError(t, err)
			_, err = p.members("crowd", "0")
			requireSDKError(t, err, test.status, test.code)
			_, err = p.info("crowd")
			requireSDKError(t, err, test.status, test.code)
		})
	}
	t.Run("and all is well again", func(t *testing.T) {
		p.token = p.getToken()
		_, err := p.members("crowd", "0")
		require.NoError(t, err)
	})
}
