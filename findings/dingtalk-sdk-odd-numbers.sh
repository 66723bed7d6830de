#!/usr/bin/env bash
# Numbers that DingTalk's official Go SDK reads from a JSON reply when they are not written as plain digits.
#
# Versions: github.com/alibabacloud-go/dingtalk v1.6.88 with tea v1.2.2; Go 1.26.
#
# Guess: like encoding/json with json.Number, or like strconv: 1e3 is 1000 or an error, "03" is 3, a date is an error, and
# a boolean where a number belongs is an error.
#
# Seen: only a text that does not begin with a digit is an error. An exponent is cut off (1e3 is 1), a leading zero ends the
# number ("03" is 0), of a date the year is left, true is 1 and false 0, an empty text is 0, fractions are cut. With status,
# where 1 means that a meeting has ended, true and 1e3 both say so.
#   1000         activeNum 1000
#   1e3          activeNum 1
#   "1e3"        activeNum 1
#   "03"         activeNum 0
#   12.9         activeNum 12
#   "12.9"       activeNum 12
#   " 12"        activeNum 12
#   true         activeNum 1
#   false        activeNum 0
#   ""           activeNum 0
#   "2022-09-14" activeNum 2022
#   "soon"       activeNum error
#   null         activeNum absent
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >go.mod <<'MOD'
module finding

go 1.26

require (
	github.com/alibabacloud-go/darabonba-openapi/v2 v2.0.11
	github.com/alibabacloud-go/dingtalk v1.6.88
	github.com/alibabacloud-go/tea v1.2.2
	github.com/alibabacloud-go/tea-utils/v2 v2.0.6
)
MOD
cat >main.go <<'GO'
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	conference "github.com/alibabacloud-go/dingtalk/conference_1_0"
	util "github.com/alibabacloud-go/tea-utils/v2/service"
	"github.com/alibabacloud-go/tea/tea"
)

func main() {
	value := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"confInfo":{"activeNum":%s}}`, value)
	}))
	defer srv.Close()
	client, err := conference.NewClient(&openapi.Config{
		Protocol: tea.String("http"), Endpoint: tea.String(strings.TrimPrefix(srv.URL, "http://")),
	})
	if err != nil {
		panic(err)
	}
	headers := &conference.QueryConferenceInfoHeaders{XAcsDingtalkAccessToken: tea.String("t")}
	for _, value = range []string{
		`1000`, `1e3`, `"1e3"`, `"03"`, `12.9`, `"12.9"`, `" 12"`, `true`, `false`, `""`, `"2022-09-14"`, `"soon"`, `null`,
	} {
		reply, err := client.QueryConferenceInfoWithOptions(tea.String("m"), headers, &util.RuntimeOptions{})
		got := "absent"
		switch {
		case err != nil:
			got = "error"
		case reply.Body.ConfInfo.ActiveNum != nil:
			got = fmt.Sprint(*reply.Body.ConfInfo.ActiveNum)
		}
		fmt.Printf("%-12s activeNum %s\n", value, got)
	}
}
GO
go mod tidy >/dev/null 2>&1
go run . | tee got
cat >want <<'TXT'
1000         activeNum 1000
1e3          activeNum 1
"1e3"        activeNum 1
"03"         activeNum 0
12.9         activeNum 12
"12.9"       activeNum 12
" 12"        activeNum 12
true         activeNum 1
false        activeNum 0
""           activeNum 0
"2022-09-14" activeNum 2022
"soon"       activeNum error
null         activeNum absent
TXT
diff want got || { echo 'this has changed'; exit 1; }
