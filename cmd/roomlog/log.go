package main

import (
	"io"
	"log/slog"
	"os"
)

// logger answers where a command says what it does; usual is its level when none was asked for.
func (g *globals) logger(sh shell, usual slog.Level) *slog.Logger {
	level := usual
	if g.LogLevel != "auto" {
		_ = level.UnmarshalText([]byte(g.LogLevel)) // one of four: the parser has looked
	}
	options := &slog.HandlerOptions{Level: level}
	if g.LogFormat == "text" || g.LogFormat == "auto" && terminal(sh.stderr) {
		return slog.New(slog.NewTextHandler(sh.stderr, options))
	}
	return slog.New(slog.NewJSONHandler(sh.stderr, options))
}

// terminal says whether a person reads w.
func terminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
