package logging

import "log/slog"

// Unlimited is what a logger's handler lets pass to.
func Unlimited(h slog.Handler) slog.Handler { return h.(*limit).Handler }
