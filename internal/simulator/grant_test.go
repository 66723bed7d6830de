package simulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

type tokenReply struct {
	AccessToken string `json:"accessToken"`
	ExpireIn    int    `json:"expireIn"`
}

func TestTokenLife(t *testing.T) {
	tests := map[string]struct {
		settings    string
		laterExpire int
	}{
		"counts down": {"{tokenLife: 100s}", 60},
		"is renewed":  {"{tokenLife: 100s, renewToken: true}", 100},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, clock := play(t, `{settings: `+test.settings+`, meetings: [{id: m}]}`)
			r := serve(t, s)
			ask := func() (reply tokenReply) {
				r.post("/v1.0/oauth2/accessToken", map[string]string{"appKey": DefaultAppKey, "appSecret": DefaultAppSecret}).into(&reply)
				return reply
			}
			first := ask()
			assert.Equal(t, 100, first.ExpireIn)
			clock.at(40 * time.Second)
			second := ask()
			assert.Equal(t, tokenReply{first.AccessToken, test.laterExpire}, second)

			clock.at(40*time.Second + time.Duration(test.laterExpire)*time.Second)
			r.get("/v1.0/conference/videoConferences/m/members").fails(400, "InvalidAuthentication")
			third := ask()
			assert.NotEqual(t, first.AccessToken, third.AccessToken)
			r.token = third.AccessToken
			r.get("/v1.0/conference/videoConferences/m/members").into(new(memberPage))
			assert.Equal(t, 2, s.Stats().Tokens)
		})
	}
}

func TestGrants(t *testing.T) {
	s, _ := play(t, `{settings: {appKey: key, appSecret: secret, suiteKey: suite, suiteSecret: hush, corpId: corp}}`)
	r := serve(t, s)
	corp := map[string]string{"suiteKey": "suite", "suiteSecret": "hush", "authCorpId": "corp", "suiteTicket": "t"}
	client := map[string]string{"client_id": "key", "client_secret": "secret", "grant_type": "client_credentials"}
	without := func(m map[string]string, key, value string) map[string]string {
		out := map[string]string{key: value}
		for k, v := range m {
			if k != key {
				out[k] = v
			}
		}
		return out
	}

	var reply struct {
		AccessToken  string `json:"accessToken"`
		ExpireIn     int    `json:"expireIn"`
		AccessToken2 string `json:"access_token"`
		ExpiresIn    int    `json:"expires_in"`
	}
	r.post("/v1.0/oauth2/corpAccessToken", corp).into(&reply)
	r.post("/v1.0/oauth2/corp/token", client).into(&reply)
	assert.Equal(t, r.token, reply.AccessToken)
	assert.Equal(t, r.token, reply.AccessToken2)
	assert.Equal(t, 7200, reply.ExpireIn)
	assert.Equal(t, 7200, reply.ExpiresIn)

	r.post("/v1.0/oauth2/accessToken", map[string]string{"appKey": "key", "appSecret": "wrong"}).fails(400, "invalidClientIdOrSecret")
	r.post("/v1.0/oauth2/accessToken", map[string]string{"appKey": "key"}).fails(400, "invalidClientIdOrSecret")
	r.do("POST", "/v1.0/oauth2/accessToken", []byte("{")).fails(400, "paramError")
	r.post("/v1.0/oauth2/corpAccessToken", without(corp, "suiteSecret", "")).fails(400, "invalidClientIdOrSecret")
	r.post("/v1.0/oauth2/corpAccessToken", without(corp, "suiteTicket", "")).fails(400, "paramError")
	r.post("/v1.0/oauth2/corpAccessToken", without(corp, "authCorpId", "x")).fails(400, "paramError")
	r.post("/v1.0/oauth2/corp/token", without(client, "grant_type", "password")).fails(400, "paramError")
	r.post("/v1.0/oauth2/corp/token", without(client, "client_id", "x")).fails(400, "invalidClientIdOrSecret")
	r.post("/v1.0/oauth2/other/token", client).fails(400, "paramError")
}

func TestTokenIsRequired(t *testing.T) {
	s, _ := play(t, `{settings: {accessToken: fixed}, meetings: [{id: m}]}`)
	r := serve(t, s)
	for _, path := range []string{
		"/v1.0/conference/videoConferences/m/members", "/v1.0/conference/videoConferences/m", "/v1.0/conference/orgConferences",
	} {
		for _, token := range []string{"", "wrong"} {
			r.token = token
			r.get(path).fails(400, "InvalidAuthentication")
		}
		r.token = "fixed"
		assert.Equal(t, 200, r.get(path).status)
	}
}
