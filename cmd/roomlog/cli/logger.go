package cli

import (
	"io"
	"log/slog"
	"os"
)

// Logger returns a logger that writes to standard error in the format of the flags. fallback is the level when
// --log-level is not given.
func (g *Globals) Logger(sh Shell, fallback slog.Level) *slog.Logger {
	level := fallback
	if g.LogLevel != "auto" {
		_ = level.UnmarshalText([]byte(g.LogLevel)) // the parser admits only level names
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
