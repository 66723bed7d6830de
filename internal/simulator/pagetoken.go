package simulator

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/c4342123/rollcall/internal/simulator/history"
)

// A page token is the number of the page's first entry and a check sum over the list it belongs to,
// with characters around them that a client has to escape in a URL.
const (
	tokenPrefix = "+/"
	tokenSuffix = "=&%"
)

func pageToken(from int, scope string) string {
	text := fmt.Sprintf("%d.%08x", from, uint32(history.Hash(scope)))
	return tokenPrefix + base64.StdEncoding.EncodeToString([]byte(text)) + tokenSuffix
}

// parsePageToken returns the number of a page's first entry. The first page has no token, or "0".
func parsePageToken(token, scope string) (from int, ok bool) {
	if token == "" || token == "0" {
		return 0, true
	}
	token, okPrefix := strings.CutPrefix(token, tokenPrefix)
	token, okSuffix := strings.CutSuffix(token, tokenSuffix)
	text, err := base64.StdEncoding.DecodeString(token)
	if !okPrefix || !okSuffix || err != nil {
		return 0, false
	}
	number, sum, _ := strings.Cut(string(text), ".")
	n, err := strconv.ParseUint(number, 10, 31)
	return int(n), err == nil && sum == fmt.Sprintf("%08x", uint32(history.Hash(scope)))
}
