package simulator

import (
	"encoding/json"
	"math"
	"net/http"
	"time"

	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// The calls for a token, by the last part of their paths.
const (
	grantApp    = "accessToken"     // /v1.0/oauth2/accessToken: internal app
	grantCorp   = "corpAccessToken" // /v1.0/oauth2/corpAccessToken: third-party app
	grantClient = "token"           // /v1.0/oauth2/{corpId}/token: client credentials
)

func knownGrant(grant string, parts int) bool {
	return parts == 3 && (grant == grantApp || grant == grantCorp) || parts == 4 && grant == grantClient
}

// grantRequest is the body of any call for a token.
type grantRequest struct {
	AppKey       string `json:"appKey"`
	AppSecret    string `json:"appSecret"`
	SuiteKey     string `json:"suiteKey"`
	SuiteSecret  string `json:"suiteSecret"`
	SuiteTicket  string `json:"suiteTicket"`
	AuthCorpID   string `json:"authCorpId"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	GrantType    string `json:"grant_type"`
}

// grant hands out a token. See
// https://open.dingtalk.com/document/orgapp/obtain-the-access_token-of-an-internal-app.
func (s *Simulator) grant(c call, now time.Time) (any, *apiError) {
	var req grantRequest
	if json.Unmarshal(c.body, &req) != nil {
		return nil, failure(fault.ParamError)
	}
	key, secret := req.AppKey, req.AppSecret
	wantKey, wantSecret := s.settings.AppKey, s.settings.AppSecret
	corp := s.settings.CorpID
	switch c.grant {
	case grantCorp:
		key, secret, corp = req.SuiteKey, req.SuiteSecret, req.AuthCorpID
		wantKey, wantSecret = s.settings.SuiteKey, s.settings.SuiteSecret
		if req.SuiteTicket == "" {
			return nil, failure(fault.ParamError)
		}
	case grantClient:
		key, secret, corp = req.ClientID, req.ClientSecret, c.corp
		if req.GrantType != "client_credentials" {
			return nil, failure(fault.ParamError)
		}
	}
	if !same(key, wantKey) || !same(secret, wantSecret) {
		return nil, &apiError{http.StatusBadRequest, "invalidClientIdOrSecret", "The client id or secret is invalid."}
	}
	if corp != s.settings.CorpID {
		return nil, &apiError{http.StatusBadRequest, "paramError", "The organisation is not known."}
	}
	token, left := s.tokens.issue(now)
	seconds := int64(math.Ceil(left.Seconds()))
	if c.grant == grantClient {
		return map[string]any{"access_token": token, "expires_in": seconds}, nil
	}
	return map[string]any{"accessToken": token, "expireIn": seconds}, nil
}
