package sdktest

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/c4342123/rollcall/internal/face/access"
	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/internal/face/oidc"
)

// provider is a real OpenID provider, whose people have groups.
type provider struct {
	*storage.Storage
	groups any
	silent bool   // tokens say nothing of groups
	about  string // makes what it says when asked that of another person
}

// SetUserinfoFromRequest adds the groups to what a token says.
func (p provider) SetUserinfoFromRequest(ctx context.Context, info *zitadel.UserInfo, token op.IDTokenRequest, scopes []string) error {
	if !p.silent {
		info.AppendClaims("groups", p.groups)
	}
	return p.Storage.SetUserinfoFromRequest(ctx, info, token, scopes)
}

// SetUserinfoFromToken adds the groups to what the provider says when it is asked.
func (p provider) SetUserinfoFromToken(ctx context.Context, info *zitadel.UserInfo, token, subject, origin string) error {
	info.AppendClaims("groups", p.groups)
	err := p.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin)
	info.Subject += p.about
	return err
}

// GetClientByClientID is a client whose tokens say all that is known of a person, unless the
// provider is silent.
func (p provider) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := p.Storage.GetClientByClientID(ctx, id)
	if p.silent {
		return c, err
	}
	return telling{c}, err
}

type telling struct{ op.Client }

func (telling) IDTokenUserinfoClaimsAssertion() bool { return true }

// sessions are kept here.
type sessions map[string][]byte

func (s sessions) Put(_ context.Context, key string, value []byte) error { s[key] = value; return nil }

func (s sessions) Delete(_ context.Context, key string) error { delete(s, key); return nil }

func (s sessions) Get(_ context.Context, key string) ([]byte, error) {
	if value, ok := s[key]; ok {
		return value, nil
	}
	return nil, access.ErrNoSession
}

// browser logs in at a service with this provider, and returns itself, where
// it ended, and with what status.
func browser(t *testing.T, p provider) (client *http.Client, base string, status int) {
	t.Helper()
	issuer, service := httptest.NewUnstartedServer(nil), httptest.NewUnstartedServer(nil)
	at, base := "http://"+issuer.Listener.Addr().String(), "http://"+service.Listener.Addr().String()
	back := base + "/login/oidc/callback"
	client0 := storage.WebClient("rollcall", "hunter2", back)
	storage.RegisterClients(client0)
	p.Storage = storage.NewStorage(storage.NewUserStore(at))
	issuer.Config.Handler = exampleop.SetupServer(at, p, nil, false)
	keys, err := access.OpenKeys("", "", "")
	require.NoError(t, err)
	doors := &access.Access{Keys: keys, Sessions: access.Sessions{
		Life: time.Hour, Store: sessions{}, Keys: keys, Groups: access.Groups{"staff": {access.Read}},
	}}
	people := oidc.New(oidc.Options{Issuer: at, ClientID: "rollcall", ClientSecret: "hunter2", RedirectURL: back, GroupsClaim: "groups"})
	service.Config.Handler = httpapi.Handler(httpapi.Options{
		Access: doors, LogIn: httpapi.LogIn{Provider: people, RedirectURL: back}, Month: func() *httpapi.Month { return &httpapi.Month{} },
	})
	issuer.Start()
	service.Start()
	t.Cleanup(service.Close)
	t.Cleanup(issuer.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client = &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(base + "/login/oidc")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", resp.Request.URL)
	form := url.Values{
		"id": {resp.Request.URL.Query().Get("authRequestID")}, "username": {"test-user@127.0.0.1"}, "password": {"verysecure"},
	}
	resp, err = client.PostForm(at+"/login/username", form)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return client, base, resp.StatusCode
}

func get(t *testing.T, client *http.Client, address string) int {
	t.Helper()
	resp, err := client.Get(address)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

func TestPeopleLogInAtTheirProvider(t *testing.T) {
	for name, groups := range map[string]any{"a list": []any{"chess", "staff", 7}, "one": "staff"} {
		client, base, status := browser(t, provider{groups: groups})
		assert.Equal(t, http.StatusOK, status, "%s: they end at the page", name)
		assert.Equal(t, http.StatusOK, get(t, client, base+"/v1/month"), name)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, base+"/v1/meetings/m", http.NoBody)
		require.NoError(t, err)
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, http.StatusForbidden, resp.StatusCode, "their group may read, and no more")
		assert.Equal(t, http.StatusBadRequest, get(t, client, base+"/login/oidc/callback?state=x&code=y"), "what was begun is over")
	}
}

func TestPeopleWithoutAGroup(t *testing.T) {
	for name, groups := range map[string]any{"another": []any{"chess"}, "none": nil, "an object": map[string]any{"staff": true}} {
		client, base, status := browser(t, provider{groups: groups})
		assert.Equal(t, http.StatusForbidden, status, name)
		assert.Equal(t, http.StatusUnauthorized, get(t, client, base+"/v1/month"), name)
	}
}

// Many providers tell of groups only when they are asked.
func TestGroupsThatTheTokenDoesNotName(t *testing.T) {
	client, base, status := browser(t, provider{groups: []any{"staff"}, silent: true})
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, http.StatusOK, get(t, client, base+"/v1/month"))
	for name, p := range map[string]provider{
		"others' groups": {groups: []any{"staff"}, silent: true, about: "-2"}, "another group": {groups: []any{"chess"}, silent: true},
	} {
		client, base, status := browser(t, p)
		assert.Equal(t, http.StatusForbidden, status, name)
		assert.Equal(t, http.StatusUnauthorized, get(t, client, base+"/v1/month"), name)
	}
}

// A provider that is not there keeps nobody else out, and is asked again.
func TestAProviderThatIsAway(t *testing.T) {
	c := oidc.New(oidc.Options{Issuer: "http://127.0.0.1:1", ClientID: "rollcall"})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, _, err := c.Begin(ctx)
	require.ErrorIs(t, err, oidc.ErrAway)
	require.ErrorContains(t, err, "ROLLCALL_OIDC_ISSUER")
	_, err = c.Finish(t.Context(), oidc.Begun{State: "a"}, "b", "code")
	require.ErrorIs(t, err, oidc.ErrRefused, "another state than that of the browser")
}
