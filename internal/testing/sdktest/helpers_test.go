package sdktest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	conference "github.com/alibabacloud-go/dingtalk/conference_1_0"
	oauth "github.com/alibabacloud-go/dingtalk/oauth2_1_0"
	"github.com/stretchr/testify/require"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"

	"github.com/c4342123/rollcall/internal/simulator"
)

// platform is a simulator behind HTTP and the SDK's clients for it.
type platform struct {
	t          *testing.T
	sim        *simulator.Simulator
	conference *conference.Client
	oauth      *oauth.Client
	token      string
}

// start serves a scenario and gets a token through the SDK.
func start(t *testing.T, scenario *simulator.Scenario) *platform {
	t.Helper()
	sim, err := simulator.New(simulator.Options{Scenario: scenario})
	require.NoError(t, err)
	handler := sim.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The SDK keeps its idle connections for itself; closed ones leave no goroutine behind.
		w.Header().Set("Connection", "close")
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	config := func() *openapi.Config {
		return &openapi.Config{Protocol: new("http"), Endpoint: new(strings.TrimPrefix(server.URL, "http://"))}
	}
	p := &platform{t: t, sim: sim}
	p.conference, err = conference.NewClient(config())
	require.NoError(t, err)
	p.oauth, err = oauth.NewClient(config())
	require.NoError(t, err)
	p.token = p.getToken()
	return p
}

func (p *platform) getToken() string {
	p.t.Helper()
	settings := p.sim.Settings()
	reply, err := p.oauth.GetAccessToken(&oauth.GetAccessTokenRequest{AppKey: &settings.AppKey, AppSecret: &settings.AppSecret})
	require.NoError(p.t, err)
	require.NotEmpty(p.t, *reply.Body.AccessToken)
	require.InDelta(p.t, 7200, *reply.Body.ExpireIn, 5)
	return *reply.Body.AccessToken
}
