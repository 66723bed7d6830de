package simulator

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// maxBodyBytes bounds the body of an API call.
const maxBodyBytes = 1 << 20

// tokenHeader carries the access token.
const tokenHeader = "x-acs-dingtalk-access-token"

// call is one call of the API.
type call struct {
	class   fault.Class
	meeting string // the id in the path
	grant   string // the last part of a token call's path
	corp    string // the corpId in a token call's path
	query   url.Values
	token   string
	body    []byte
	origin  string // where a stream connection is to be made
}

// parseCall finds out which call a request is.
func parseCall(r *http.Request) (call, *apiError) {
	c := call{query: r.URL.Query(), token: r.Header.Get(tokenHeader), origin: origin(r)}
	path, err := pathOf(r)
	if err != nil {
		return c, failure(fault.ParamError)
	}
	method := http.MethodGet
	switch {
	case len(path) < 3 || path[0] != "v1.0":
		return c, errNoAPI
	case path[1] == "oauth2":
		method, c.class, c.grant = http.MethodPost, fault.ClassToken, path[len(path)-1]
		if len(path) == 4 {
			c.corp = path[2]
		}
		if !knownGrant(c.grant, len(path)) {
			return c, errNoAPI
		}
	case path[1] == "gateway" && len(path) == 4 && path[2] == "connections" && path[3] == "open":
		method, c.class = http.MethodPost, fault.ClassGateway
	case path[1] != "conference":
		return c, errNoAPI
	case path[2] == "orgConferences" && len(path) == 3:
		c.class = fault.ClassOrg
	case path[2] != "videoConferences":
		return c, errNoAPI
	case len(path) == 4 && path[3] == "query" && r.Method == http.MethodPost:
		method, c.class = http.MethodPost, fault.ClassQuery
	case len(path) == 4:
		c.class, c.meeting = fault.ClassInfo, path[3]
	case len(path) == 5 && path[4] == "members":
		c.class, c.meeting = fault.ClassMembers, path[3]
	default:
		return c, errNoAPI
	}
	if r.Method != method {
		return c, errNoAPI
	}
	return c, nil
}

// pathOf returns the segments of a request's path, unescaped.
func pathOf(r *http.Request) ([]string, error) {
	path := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	for i := range path {
		part, err := url.PathUnescape(path[i])
		if err != nil {
			return nil, err
		}
		path[i] = part
	}
	return path, nil
}

var errNoAPI = &apiError{http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *apiError) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return nil, &apiError{http.StatusRequestEntityTooLarge, "paramError", "The body is too long."}
	case err != nil:
		return nil, &apiError{http.StatusBadRequest, "paramError", "The body cannot be read."}
	}
	return body, nil
}
