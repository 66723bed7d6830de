package page_test

import (
	"compress/gzip"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// browsers are the names that a browser of the Chromium family is installed under.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell"}

// launch starts a headless browser that runs until the test ends. Where none is installed, the test
// is skipped.
func launch(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range browsers {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skipf("there is no browser to look at the page with: install one of %s", strings.Join(browsers, ", "))
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en-GB"),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx), "the browser starts")
	return ctx
}

// tab is a page in a browser, with cookies of its own.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu        sync.Mutex
	said      []string
	tolerated []string
}

// open opens a tab on an address. When the test ends, nothing may have been said on its console, or
// in a dialog, but what is tolerated.
func open(t *testing.T, browser context.Context, address string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	p := &tab{t: t, ctx: ctx}
	console := chromedp.Console(ctx)
	var reading sync.WaitGroup
	reading.Go(func() {
		for message, err := range console {
			if err != nil {
				return
			}
			p.hear(message.String() + " " + message.URL)
		}
	})
	dialogs := chromedp.Events(ctx, page.JavascriptDialogOpening)
	reading.Go(func() {
		for dialog, err := range dialogs {
			if err != nil {
				return
			}
			p.hear("a dialog: " + dialog.Message)
			_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{}) // else all else waits
		}
	})
	t.Cleanup(func() {
		cancel()
		reading.Wait()
		for _, line := range p.said {
			assert.True(t, p.tolerates(line), "the page says: %s", line)
		}
	})
	p.size(1440, 900)
	p.visit(address)
	return p
}

func (p *tab) hear(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, line)
}

func (p *tab) tolerates(line string) bool {
	for _, text := range p.tolerated {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}

func (p *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Do(p.ctx, actions...))
}

func (p *tab) visit(address string) {
	p.t.Helper()
	p.run(chromedp.Navigate(address))
}

func (p *tab) size(width, height int64) {
	p.t.Helper()
	p.run(chromedp.EmulateViewport(width, height))
}

// scheme makes the system dark or light.
func (p *tab) scheme(name string) {
	p.t.Helper()
	p.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
		})
		return err
	}))
}

func (p *tab) press(keys string) {
	p.t.Helper()
	p.run(chromedp.KeyEvent(keys))
}

func (p *tab) click(selector string) {
	p.t.Helper()
	p.sees(fmt.Sprintf("document.querySelector(%q)", selector))
	p.run(chromedp.Click(chromedp.CSS(selector)))
}

// look evaluates an expression, or what it promises, in the page.
func look[T any](p *tab, expression string) T {
	p.t.Helper()
	out, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(p.t, err, expression)
	return out
}

// sees waits until an expression is true in the page.
func (p *tab) sees(expression string) {
	p.t.Helper()
	if !assert.Eventually(p.t, func() bool {
		ok, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		return err == nil && ok
	}, patience, 20*time.Millisecond) {
		require.Fail(p.t, "not seen", "%s in:\n%s", expression, look[string](p, "document.body.innerText"))
	}
}

// reads waits until an element holds a text.
func (p *tab) reads(selector, text string) {
	p.t.Helper()
	p.sees(fmt.Sprintf("[...document.querySelectorAll(%q)].some(e => e.textContent.includes(%q))", selector, text))
}

// axe is a checker of accessibility, see testdata/README.md.
var axe = sync.OnceValues(func() (string, error) {
	file, err := os.Open("testdata/axe-4.14.1.min.js.gz")
	if err != nil {
		return "", err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(plain)
	return string(text), err
})

// accessible fails the test for every serious fault that axe finds.
func (p *tab) accessible(where string) {
	p.t.Helper()
	code, err := axe()
	require.NoError(p.t, err)
	look[bool](p, code+";true")
	faults := look[[]string](p, `axe.run().then(r => r.violations
		.filter(v => v.impact === "serious" || v.impact === "critical")
		.map(v => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map(n => n.html + " " + n.failureSummary).join("; ")))`)
	assert.Empty(p.t, faults, where)
}

//go:embed testdata/layout.js
var layout string

// tidy fails the test for what is cut off, sticks out or covers something else.
func (p *tab) tidy(where string) {
	p.t.Helper()
	assert.Empty(p.t, look[[]string](p, layout), where)
}
