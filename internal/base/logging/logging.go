// Package logging makes the program's logger, and keeps failures that repeat from filling the log.
package logging

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/config"
)

// New returns a logger that writes to w in the form and from the level that the settings name.
// [config.LogAuto] is text when w is a terminal, else JSON, one object per line. Of warnings and
// errors with the same message no more than four a minute pass.
func New(w io.Writer, settings config.Logging) *slog.Logger {
	options := &slog.HandlerOptions{Level: settings.Level}
	if settings.Format == config.LogText || settings.Format != config.LogJSON && IsTerminal(w) {
		return slog.New(newLimit(slog.NewTextHandler(w, options)))
	}
	return slog.New(newLimit(slog.NewJSONHandler(shown{w}, options)))
}

// shown escapes what a terminal would act on in lines of JSON, which the handler writes one at a
// time. What text would act is quoted by its handler.
type shown struct{ w io.Writer }

func (s shown) Write(line []byte) (int, error) {
	text, end := bytes.CutSuffix(line, []byte{'\n'})
	escaped := plaintext.Escaped(text)
	if end {
		escaped = append(slices.Clip(escaped), '\n')
	}
	if _, err := s.w.Write(escaped); err != nil {
		return 0, err
	}
	return len(line), nil
}

// IsTerminal tells whether w is a terminal. It takes every character device for one: the others,
// such as /dev/null, do not mind.
func IsTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
