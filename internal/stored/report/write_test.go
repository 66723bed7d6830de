package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/plaintext/plaintexttest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func written(t testing.TB, r Report, format Format) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, r.Write(&out, format))
	return out.String()
}

// TestGoldenFiles holds every format to its bytes. Run with -update to rewrite them, and look at
// what comes of it.
func TestGoldenFiles(t *testing.T) {
	several := tell(t, "several")
	several.watch(0, "Weekend", 0)
	several.look(5, is("ann", "Ann", 0, 0), is("bob", "Bob", 1, 0))
	several.end(12, is("ann", "Ann", 0, 11), is("bob", "Bob", 1, 12))
	several.watch(3000, "", 0)
	several.look(3002, is("ann", "Ann", 3001, 0))
	reports := map[string]Report{"messy": messy(t).report(31), "several": several.report(3030)}
	for name, r := range reports {
		r.Style.Location = time.FixedZone("", 8*3600)
		for _, format := range formats {
			t.Run(name+"."+string(format), func(t *testing.T) {
				got, path := written(t, r, format), filepath.Join("testdata", name+"."+string(format))
				if *update {
					require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
				}
				want, err := os.ReadFile(path)
				require.NoError(t, err)
				assert.Equal(t, string(want), got)
			})
		}
	}
}

func TestParseFormat(t *testing.T) {
	for _, format := range formats {
		got, err := ParseFormat(string(format))
		require.NoError(t, err)
		assert.Equal(t, format, got)
		assert.Contains(t, format.ContentType(), "/")
	}
	_, err := ParseFormat("pdf")
	assert.EqualError(t, err, `"pdf" is none of table, json, csv, svg, html`)
	r := messy(t).report(31)
	assert.Equal(t, err, r.Write(io.Discard, "pdf"))
}

func TestJSONIsTheReport(t *testing.T) {
	r := messy(t).report(31)
	var back Report
	require.NoError(t, json.Unmarshal([]byte(written(t, r, JSON)), &back))
	assert.Equal(t, r, back)
	empty := tell(t, "m")
	empty.watch(0, "", 0)
	assert.Contains(t, written(t, empty.report(1), JSON), `"people": []`, "lists are lists, also without anything in them")
}

// named is a meeting of one person of that name.
func named(t testing.TB, nick string) Report {
	s := tell(t, "m")
	s.watch(0, nick, 0)
	s.end(5, is("u1", nick, 1, 4))
	return s.report(6)
}

// What people call themselves stays text, in whatever it is written.
func TestHostileNames(t *testing.T) {
	for name, nick := range map[string]string{
		"markup":         markup,
		"end of title":   `</title><script>alert(1)</script>`,
		"attribute":      `" onmouseover="alert(1)`,
		"entity":         `&lt;&#x1b;`,
		"control":        "\x1b[2J\x00\x07",
		"no XML":         "\ufffe\uffff\u0001",
		"right to left":  "\u202egnp.exe",
		"new line":       "Ann\r\nBob",
		"template":       `{{.}}{{define "x"}}`,
		"endless":        strings.Repeat("很长", 300),
		"invisible":      "\u200b",
		"no UTF-8":       "\xff\xfe",
		"nothing at all": "",
	} {
		t.Run(name, func(t *testing.T) {
			r := named(t, nick)
			page := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(written(t, r, HTML), "") // no attributes' values
			for _, tag := range regexp.MustCompile(`<[^>]*>`).FindAllString(page, -1) {
				assert.NotRegexp(t, `(?i)^<(img|script)|onerror|onmouseover`, tag)
			}
			wellFormed(t, written(t, r, SVG))
			assert.Len(t, strings.Split(written(t, r, Table), "\n"), 7, "a name is no line")
			r.Title, r.CreatorNick = nick, nick
			for _, format := range formats {
				text := strings.ReplaceAll(strings.TrimPrefix(written(t, r, format), "\ufeff"), "\r\n", "\n")
				for line := range strings.Lines(text) {
					plaintexttest.AssertHarmless(t, strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\t", ""))
				}
			}
		})
	}
}

func wellFormed(t testing.TB, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if !assert.NoError(t, err) {
			return
		}
	}
}

func FuzzSVG(f *testing.F) {
	f.Add(markup)
	f.Fuzz(func(t *testing.T, nick string) { wellFormed(t, written(t, named(t, nick), SVG)) })
}

// The styles are the only thing that the policies of page and timeline allow, by hashes that have
// to fit.
func TestContentSecurityPolicy(t *testing.T) {
	r := messy(t).report(31)
	for _, format := range []Format{SVG, HTML} {
		text := written(t, r, format)
		styles := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(text, -1)
		require.Len(t, styles, 1)
		assert.Contains(t, ContentSecurityPolicy, hash(styles[0][1]))
		assert.NotContains(t, text, "style=")
		assert.NotContains(t, text, "<script")
		assert.NotRegexp(t, `(?i)(src|href)="[^#]|url\([^#]|@import`, text, "nothing from elsewhere")
	}
	page := written(t, r, HTML)
	policy := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	require.NotNil(t, policy)
	assert.Equal(t, ContentSecurityPolicy, strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(policy[1]))
	assert.True(t, strings.HasPrefix(ContentSecurityPolicy, "default-src 'none'; "))
	assert.NotContains(t, ContentSecurityPolicy, "unsafe")
}

func TestTableInColours(t *testing.T) {
	r := messy(t).report(31)
	uncoloured := written(t, r, Table)
	r.Style.Color = true
	assert.Contains(t, written(t, r, Table), bold)
	assert.Equal(t, uncoloured, strings.NewReplacer(bold, "", grey, "", plain, "").Replace(written(t, r, Table)))
}

func TestCSV(t *testing.T) {
	text := written(t, messy(t).report(31), CSV)
	require.True(t, strings.HasPrefix(text, byteOrderMark))
	assert.Equal(t, strings.Count(text, "\n"), strings.Count(text, "\r\n"))
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, byteOrderMark))).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 8)
	assert.Equal(t, csvHeader, lines[0])
	assert.Equal(t, []string{"bob", "Bob Baker", "", "3", "2026-08-03T09:00:15Z", "2026-08-03T09:18:00Z", "765.000", "0:12:45", "42.5", "left ×3", "no", "UTC"}, lines[2][:12])
	assert.Equal(t, "2026-08-03T09:03:00.000Z/2026-08-03T09:20:00.000Z~ disconnected", lines[4][12])
	assert.Equal(t, `'=HYPERLINK("http://evil.example";"click")`, lines[5][1])
}

func TestNoFormulas(t *testing.T) {
	for text, want := range map[string]string{
		"Ann":          "Ann",
		"a=b":          "a=b",
		"=1+1":         "'=1+1",
		"+49 170":      "'+49 170",
		"-1":           "'-1",
		"@SUM(A1)":     "'@SUM(A1)",
		"＝1＋1":         "'＝1＋1",
		"＠SUM":         "'＠SUM",
		"  =1":         "  '=1",
		"\u3000=1":     "\u3000'=1",
		"\t=1":         "\ufffd'=1",
		"\r=1":         "\ufffd'=1",
		"\u200b=1":     "\ufffd'=1",
		`"=1`:          `"'=1`,
		"Ann;=1":       "Ann;'=1",
		"Ann, @SUM":    "Ann, '@SUM",
		`Ann";"=1`:     `Ann";"'=1`,
		"Ann|-1":       "Ann|'-1",
		"Ann\n=1":      "Ann\ufffd=1",
		"O'Neil-Smith": "O'Neil-Smith",
		"李雷=韩梅":        "李雷=韩梅",
		"":             "",
	} {
		assert.Equal(t, want, Harmless(text), "%q", text)
	}
}

// FuzzCSV reads what was written as spreadsheets may, whatever they take for the separator: no cell
// is a formula.
func FuzzCSV(f *testing.F) {
	for _, nick := range []string{"Ann", hyperlink, `a";=1`, "＝1", "a\t=1", "a|\"\"@", " \u200b=", "';'+'"} {
		f.Add(nick)
	}
	f.Fuzz(func(t *testing.T, nick string) {
		text := strings.TrimPrefix(written(t, named(t, nick), CSV), byteOrderMark)
		for _, separator := range []rune{',', ';', '\t', '|'} {
			r := csv.NewReader(strings.NewReader(text))
			r.Comma, r.LazyQuotes, r.FieldsPerRecord = separator, true, -1
			lines, err := r.ReadAll()
			if separator == ',' {
				require.NoError(t, err)
				require.Len(t, lines, 2)
				require.Len(t, lines[1], len(csvHeader))
			}
			for _, line := range lines {
				for _, cell := range line {
					trimmed := strings.TrimLeftFunc(cell, func(r rune) bool { return r == '"' || unicode.IsSpace(r) || !unicode.IsGraphic(r) })
					assert.False(t, strings.IndexFunc(trimmed, formula) == 0, "%q split at %q", cell, separator)
				}
			}
		}
	})
}
