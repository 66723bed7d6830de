package bot

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// What people write stays text: no client makes a link or an entity of it. What only looks a
// little like one stays as it is.
func TestTextsFromOutsideAreNoLinks(t *testing.T) {
	for text, want := range map[string]string{
		"R&D &lt; &#60;":         "R＆D ＆lt; ＆＃60;",
		"https://evil.com/x?a=1": "https：//evil·com/x?a=1",
		"//evil.com":             "//evil·com",
		"HTTP:evil":              "HTTP：evil",
		"mailto:ann@evil.com":    "mailto：ann＠evil·com",
		"tel:123, 电话:123":        "tel：123, 电话：123",
		"dingtalk://open":        "dingtalk：//open",
		"www.evil.com.":          "www·evil·com.",
		"a-.evil.co.uk":          "a-·evil·co·uk",
		"例子.中国":                  "例子·中国",
		"cafe\u0301.com":         "cafe\u0301·com",
		"คำ.com हिन्दी.कॉम":        "คำ·com हिन्दी·कॉम",
		"\U0001f4a9.la ©.com":      "\U0001f4a9·la ©·com",
		"evil.\u200dcom":           "evil·\u200dcom",
		"evil_.com":                "evil＿·com",
		"end. .net ..a":            "end. .net ..a",
		"xn--fsq.xn--fiqs8s":       "xn--fsq·xn--fiqs8s",
		"evil。com evil．com evil｡c": "evil·com evil·com evil·c",
		"10.0.0.1/admin":           "10·0·0·1/admin",
		"J.R. Smith Dr. Wang":      "J·R. Smith Dr. Wang",
		"10:30-11:45, Q3: plan":    "10:30-11:45, Q3: plan",
		"v2.1 costs 3.50":          "v2.1 costs 3.50",
		"你好。再见。":                   "你好。再见。",
		"wait...what":              "wait...what",
		"week_ly":                  "week_ly",
	} {
		got := plain(text, maxTitle)
		assert.Equal(t, want, got)
		assert.Equal(t, got, plain(got, maxTitle), "what is plain stays as it is")
	}
}
