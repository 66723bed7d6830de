package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

const (
	opToken = "get an access token"
	// documentedLife of a token is used where the reply gives none that can be: "expireIn":7200. A
	// token that ends sooner is refused, and then replaced.
	documentedLife = 2 * time.Hour
	// minLife keeps a token that is about to expire from being asked for with every call.
	minLife = 10 * time.Second
	// maxLife keeps an absurd expireIn from hiding a lost token without end.
	maxLife = 24 * time.Hour
)

// The bodies of
// https://open.dingtalk.com/document/orgapp/obtain-the-access_token-of-an-internal-app and of the
// client-credentials grant.
type (
	appTokenRequest struct {
		AppKey    string `json:"appKey"`
		AppSecret string `json:"appSecret"`
	}
	corpTokenRequest struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		GrantType    string `json:"grant_type"`
	}
	// tokenReply is either call's.
	tokenReply struct {
		AccessToken  jsontext.Value `json:"accessToken"`
		ExpireIn     jsontext.Value `json:"expireIn"`
		AccessToken2 jsontext.Value `json:"access_token"`
		ExpiresIn    jsontext.Value `json:"expires_in"`
		Status       jsontext.Value `json:"status"`
		wire.Refusal
	}
)

// tokenRequest prepares the call that gives a token to the app of o.
func tokenRequest(o Options) (address string, body []byte, err error) {
	if o.ClientCredentials {
		body, err = json.Marshal(corpTokenRequest{o.AppKey, o.AppSecret, "client_credentials"})
		return o.BaseURL + "/v1.0/oauth2/" + url.PathEscape(o.CorpID) + "/token", body, err
	}
	body, err = json.Marshal(appTokenRequest{o.AppKey, o.AppSecret})
	return o.BaseURL + "/v1.0/oauth2/accessToken", body, err
}

// fetchToken asks for a token once, apart from quick retries.
func (c *Client) fetchToken(ctx context.Context) (grant, error) {
	var token grant
	err := c.newCall(opToken).do(ctx, func(ctx context.Context) error {
		c.stats.tokenRequests.Add(1)
		return c.exchange(ctx, opToken, c.tokenExchange, func(r reply) error {
			var err error
			token, err = c.readToken(r)
			return err
		})
	})
	if err != nil {
		return grant{}, refusedCredentials(err)
	}
	c.secrets.add(token.value)
	return token, nil
}

// refusedCredentials corrects the kind of a 401: what is refused here is no token, but the app key
// and secret.
func refusedCredentials(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindToken {
		return err
	}
	e.Kind = KindCredentials
	if isOldTokenCode(e.Code) {
		e.Kind = KindReply // there is no token in the call for one: another server answers
	}
	return e.source()
}

func (c *Client) readToken(r reply) (grant, error) {
	var body tokenReply
	if err := json.Unmarshal(r.body, &body, wire.Options); err != nil {
		return grant{}, err
	}
	if wire.None(body.AccessToken) {
		body.AccessToken, body.ExpireIn = body.AccessToken2, body.ExpiresIn
	}
	value, reading := wire.AppendID(nil, body.AccessToken)
	if c.odd.Note(wire.Token, reading); len(value) == 0 || body.Refused() || (&wire.Fault{Status: body.Status}).Blocked() {
		return grant{}, c.fault(opToken, r)
	}
	if !usableToken(string(value)) {
		return grant{}, errors.New("accessToken: it is too long or cannot be sent in a header")
	}
	seconds, reading := wire.Int(body.ExpireIn)
	c.odd.Note(wire.TokenLife, reading)
	if string(body.ExpireIn) == "true" {
		seconds = 0 // not one second: it tells no time
	}
	return grant{value: string(value), life: tokenLife(seconds)}, nil
}

// tokenLife makes a life of the seconds that a reply gives; 0 stands for none.
func tokenLife(seconds int64) time.Duration {
	if seconds <= 0 {
		return documentedLife
	}
	return max(time.Duration(min(seconds, int64(maxLife/time.Second)))*time.Second, minLife)
}

// tokenExchange is the request of one token call.
func (c *Client) tokenExchange(ctx context.Context) (*http.Request, error) {
	req, err := c.request(ctx, http.MethodPost, c.tokenURL, c.tokenBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}
