package page_test

import (
	"context"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "make the pictures in docs/ anew, which takes a minute")

const (
	pagePicture, demoPicture = "../../../docs/page.png", "../../../docs/demo.svg"
	pictureLines             = 27 // of the terminal
	pictureLimit             = 200 << 10
)

// The pictures of the documentation are of the running demo: of its page, and of what it says on a
// terminal.
func TestPictures(t *testing.T) {
	if *update {
		browser := launch(t)
		terminal := demo(t, func(address string) {
			p := open(t, browser, address)
			p.tolerated = []string{"net::ERR_"} // the demo ends first
			p.click(`.meeting[href="#/m/review"]`)
			p.sees(`document.querySelector(".bars .visit.kicked")`) // it has become lively
			p.sees(`document.querySelectorAll(".events li").length > 10`)
			png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(pagePicture, png, 0o644))
		})
		require.NoError(t, os.WriteFile(demoPicture, draw(terminal), 0o644))
	}
	for _, name := range []string{pagePicture, demoPicture} {
		info, err := os.Stat(name)
		require.NoError(t, err, "make it with: go test ./internal/face/page -run Pictures -update")
		assert.Less(t, info.Size(), int64(pictureLimit))
	}
}

// demo runs the demo on a terminal until the page that it shows has been visited, and returns what
// it said.
func demo(t *testing.T, show func(address string)) string {
	t.Helper()
	dir := t.TempDir()
	program, typescript := filepath.Join(dir, "rollcall"), filepath.Join(dir, "typescript")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../../cmd/rollcall").CombinedOutput()
	require.NoError(t, err, string(out))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	terminal := exec.CommandContext(ctx, "script", "--quiet", "--flush", "--command", program+" demo", typescript)
	terminal.Cancel = func() error { return terminal.Process.Signal(os.Interrupt) }
	terminal.Stdin, _ = os.Open(os.DevNull)
	require.NoError(t, terminal.Start())
	said := func() string {
		text, _ := os.ReadFile(typescript) // it is not there at first
		return string(text)
	}
	address := regexp.MustCompile(`page +(http://\S+)`)
	require.Eventually(t, func() bool { return address.MatchString(said()) }, patience, patience/1000)
	show(address.FindStringSubmatch(said())[1])
	stop()
	_ = terminal.Wait()                     // it was told to end
	_, text, _ := strings.Cut(said(), "\n") // the first line is script's own
	return text
}

// What the terminal looks like, in pixels.
const (
	column, line, margin = 8.43, 20.0, 20.0
	columns              = 114
)

// colors are what is shown for the terminal's ways to write.
var colors = map[string]string{
	"": `fill="#d5dce6"`, "0": `fill="#d5dce6"`, "1": `fill="#ffffff" font-weight="bold"`, "90": `fill="#8b97a8"`,
	"31": `fill="#ff8a80"`, "32": `fill="#6bd99a"`, "33": `fill="#ffc861"`,
}

var escape = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// draw draws the first lines of what was said on a terminal.
func draw(text string) []byte {
	lines := strings.Split(strings.ReplaceAll(text, "\r", ""), "\n")
	lines = append([]string{"\x1b[90m$\x1b[0m \x1b[1mrollcall demo\x1b[0m"}, lines[:min(len(lines), pictureLines)]...)
	width, height := columns*column+2*margin, float64(len(lines))*line+2*margin
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%[1]g" height="%[2]g" role="img" aria-label="rollcall demo on a terminal">`+"\n", width, height)
	fmt.Fprintf(&svg, `<rect width="100%%" height="100%%" rx="10" fill="#161b22"/>`+"\n")
	fmt.Fprintf(&svg, `<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, 'Noto Sans Mono CJK SC', monospace" font-size="14">`+"\n")
	for i, text := range lines {
		drawLine(&svg, text, margin+float64(i+1)*line-6)
	}
	svg.WriteString("</g>\n</svg>\n")
	return []byte(svg.String())
}

var gap = regexp.MustCompile(` {2,}|^ +`)

// drawLine draws each piece of text at its column, so that it stands there whatever the font.
func drawLine(svg *strings.Builder, text string, y float64) {
	at, color := 0, ""
	put := func(text string) {
		for text != "" {
			space := gap.FindStringIndex(text)
			if space == nil {
				space = []int{len(text), len(text)}
			}
			piece := text[:space[0]]
			if width := uniseg.StringWidth(piece); width > 0 {
				fmt.Fprintf(svg, `<text x="%.1f" y="%.0f" textLength="%.1f" lengthAdjust="spacingAndGlyphs" %s>`, margin+float64(at)*column, y, float64(width)*column, colors[color])
				_ = xml.EscapeText(svg, []byte(piece)) // a Builder takes everything
				svg.WriteString("</text>\n")
			}
			at += uniseg.StringWidth(text[:space[1]])
			text = text[space[1]:]
		}
	}
	for {
		mark := escape.FindStringSubmatchIndex(text)
		if mark == nil {
			put(text)
			return
		}
		put(text[:mark[0]])
		color, text = text[mark[2]:mark[3]], text[mark[1]:]
	}
}
