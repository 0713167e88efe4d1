package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore"
	"roomlog/eventstore/localpg"
	"roomlog/internal/loglimit"
	"roomlog/internal/tracing"
	"roomlog/migrations"
)

// environment contains the log, data folder, database address and secrets of a serving process.
type environment struct {
	sh          cli.Shell
	log         *slog.Logger
	logs        *loglimit.Handler // the handler of log
	dataDir     string
	databaseURL string         // "": run a private PostgreSQL
	readURL     string         // address of a standby; "": none
	postgres    localpg.Config // configuration of the private PostgreSQL
	migrations  migrations.Config
	secrets     secrets
	folderless  bool // whether no data folder can be written; dataDir is then a temporary folder, and uploads and recordings are off
}

// openEnvironment reads the environment variables and the secrets. It creates the data folder if a secret must be
// generated.
func openEnvironment(g *cli.Globals, sh cli.Shell) (*environment, error) {
	logs := loglimit.New(loglimit.Config{Next: tracing.LogHandler{Handler: g.Logger(sh, slog.LevelInfo).Handler()}, Now: sh.Now, Suspect: eventstore.IsUnavailable, Outage: eventstore.IsOutage})
	env := &environment{sh: sh, log: slog.New(logs), logs: logs}
	warnExposed(sh, func(path, key string) {
		env.log.Warn("a secret in the configuration file can be read by other users, run chmod 600 on it", slog.String("path", path), slog.String("key", key))
	})
	var err error
	if env.databaseURL, err = cli.Variable(sh.Getenv, cli.DatabaseURL); err != nil {
		return nil, err
	}
	env.readURL = g.ReadURL
	dataDir, folderErr := g.DataDir(sh)
	if folderErr != nil && (env.databaseURL == "" || !secretsAreSet(sh.Getenv)) {
		return nil, folderErr
	}
	env.dataDir = dataDir
	if err := cli.CheckRestored(dataDir); dataDir != "" && err != nil {
		return nil, err
	}
	env.migrations = g.Migrations(env.log)
	env.postgres = g.PostgresConfig(sh, env.dataDir, env.log)
	if env.secrets, err = openSecrets(sh.Getenv, env.dataDir, env.log); err != nil {
		return nil, fmt.Errorf("open the secrets: %w", err)
	}
	return env, env.openFolder(folderErr)
}

// openFolder creates the data folder. With DATABASE_URL and all secrets, a server stores only uploads and recordings in it:
// if the folder cannot be written, both are off. unknown is the error of DataDir, if it found no path.
func (env *environment) openFolder(unknown error) error {
	if env.databaseURL == "" {
		return nil // the private PostgreSQL creates it
	}
	cause := unknown
	if cause == nil {
		cause = tryFolder(env.dataDir)
	}
	if cause == nil {
		return nil
	}
	folder, err := os.MkdirTemp("", "roomlog-")
	if err != nil {
		return fmt.Errorf("neither the data folder nor a temporary folder can be written (%w): mount a volume and name it with --data (ROOMLOG_DATA), or mount a tmpfs at %s",
			cause, os.TempDir())
	}
	env.log.Warn("data folder cannot be written, uploads and recordings are off: mount a volume and name it with --data",
		slog.String("data_dir", env.dataDir), slog.Any("error", cause))
	env.dataDir, env.folderless = folder, true
	return nil
}

// traceHeaders returns the headers for the collector of traces.
func traceHeaders(getenv func(string) string) (map[string]string, error) {
	text, err := cli.Variable(getenv, cli.OTLPHeaders)
	if err != nil {
		return nil, err
	}
	headers, err := tracing.ParseHeaders(text)
	if err != nil {
		return nil, fmt.Errorf("%s %w", cli.OTLPHeaders, err)
	}
	return headers, nil
}

// openTracer creates the tracer and starts to send its spans, or returns nil if no collector is configured. skew returns
// how far the clock of this process is ahead of the clock of the database, by which the spans of all processes are timed.
func (env *environment) openTracer(ctx context.Context, c *config, l *layers, node string, skew func() time.Duration) (*tracing.Tracer, error) {
	headers, err := traceHeaders(env.sh.Getenv)
	if err != nil {
		return nil, err
	}
	tracer, err := tracing.New(tracing.Config{
		Settings: c.traces, Headers: headers, Version: cli.ReadBuild().Version, Instance: node, Now: env.sh.Now, Skew: skew, Log: env.log})
	if tracer != nil {
		l.run(ctx, "traces", tracer.Run)
	}
	return tracer, err
}

// close removes the temporary folder.
func (env *environment) close() error {
	if env.folderless {
		return os.RemoveAll(env.dataDir)
	}
	return nil
}

// tryFolder creates a folder if necessary, and returns an error if no file can be created in it.
func tryFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}
