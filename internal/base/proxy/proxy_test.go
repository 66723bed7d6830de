package proxy_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/proxy"
)

func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

func TestProxiesThatCanBeUsed(t *testing.T) {
	for _, value := range []string{
		"", "http://proxy:3128", "https://proxy", "socks5://proxy:1080", "socks5h://proxy:1080", "proxy:3128", "proxy", "10.0.0.1:3128",
		"http://user:s3cret@proxy:3128", "user:s3cret@proxy:3128", "http://[::1]:3128", "[::1]:3128", "http://proxy:3128/", "localhost:3128",
	} {
		for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
			require.NoError(t, proxy.Check(environment(map[string]string{name: value})), value)
		}
	}
}

func TestProxiesThatCannotBeUsedAreNamed(t *testing.T) {
	for _, value := range []string{
		"http://user:s3cret@[::1", "http://proxy:s3cret", "http://proxy:99999", "http://proxy:0", "proxy s3cret:1", "://s3cret", "http://", "https:///s3cret",
		"ftp://proxy", "socks4://proxy:1", "/s3cret", "%zz", "http://pro%zzxy", ":3128", "http://:3128", "http://user:s3cret@", " http://proxy:3128", "http://proxy:3128\n", "htp:proxy",
	} {
		for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
			err := proxy.Check(environment(map[string]string{name: value, "ALL_PROXY": "not read"}))
			require.ErrorContains(t, err, name+" names no proxy", "%q", value)
			assert.NotContains(t, err.Error(), "s3cret")
		}
	}
}

// TestAProxyIsNotBypassed: the environment is read once, so this is the only test that sets it.
func TestAProxyIsNotBypassed(t *testing.T) {
	t.Setenv("https_proxy", "")
	t.Setenv("HTTPS_PROXY", "http://user:s3cret@[::1")
	for address, fails := range map[string]bool{
		"https://api.dingtalk.com/": true, "http://api.dingtalk.com/": true,
		"http://127.0.0.1:1/": false, "http://[::1]:1/": false, "http://localhost:1/": false,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		require.NoError(t, err)
		_, err = proxy.FromEnvironment(req)
		if !fails {
			require.NoError(t, err, address)
			continue
		}
		require.ErrorContains(t, err, "HTTPS_PROXY", address)
		assert.NotContains(t, err.Error(), "s3cret")
	}
}

// TestTheVariableThatCountsIsChecked: net/http takes the first of two names that is not empty.
func TestTheVariableThatCountsIsChecked(t *testing.T) {
	values := map[string]string{"HTTPS_PROXY": "http://proxy:3128", "https_proxy": "://"}
	require.NoError(t, proxy.Check(environment(values)))
	values["HTTPS_PROXY"] = ""
	require.ErrorContains(t, proxy.Check(environment(values)), "https_proxy")
}
