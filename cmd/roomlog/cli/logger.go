package cli

import (
	"io"
	"log/slog"
	"os"
)

// Logger returns a logger that writes to standard error in the format that the flags select. fallback is the level if
// --log-level is not set.
func (g *Globals) Logger(sh Shell, fallback slog.Level) *slog.Logger {
	level := fallback
	if g.LogLevel != "auto" {
		_ = level.UnmarshalText([]byte(g.LogLevel)) // cannot fail: the parser accepts only names of levels
	}
	options := &slog.HandlerOptions{Level: level}
	if g.LogFormat == "text" || g.LogFormat == "auto" && isTerminal(sh.Stderr) {
		return slog.New(slog.NewTextHandler(sh.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(sh.Stderr, options))
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
