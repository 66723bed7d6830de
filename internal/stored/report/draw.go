package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io"
	"strings"
)

//go:embed chart.css page.css timeline.svg page.html
var files embed.FS

var (
	chartStyle = file("chart.css")
	pageStyle  = chartStyle + file("page.css")
	drawings   = template.Must(template.New("").Funcs(template.FuncMap{
		"css": func(name string) template.CSS { return styles[name] },
		"csp": func() string { return ContentSecurityPolicy },
	}).ParseFS(files, "timeline.svg", "page.html"))
	styles = map[string]template.CSS{"chart": template.CSS(chartStyle), "page": template.CSS(pageStyle)}
)

// ContentSecurityPolicy is all that the page and the timeline need: their own styles, known by
// their hashes, and nothing else from anywhere. The page says so itself; who serves a timeline by
// HTTP sends it along.
var ContentSecurityPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src " + hash(chartStyle) + " " + hash(pageStyle)

func file(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return strings.TrimSpace(string(text))
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (r *Report) writeHTML(w io.Writer) error {
	return drawings.ExecuteTemplate(w, "page.html", r.chart())
}
