package serve

import (
	"fmt"
	"log/slog"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore/localpg"
	"roomlog/migrations"
)

// environment contains the folders, addresses and secrets of a serving process.
type environment struct {
	sh          cli.Shell
	log         *slog.Logger
	dataDir     string
	databaseURL string         // "": run a private PostgreSQL
	postgres    localpg.Config // configuration of the private PostgreSQL
	migrations  migrations.Config
	secrets     secrets
}

// openEnvironment reads the environment variables and the secrets. It creates the data folder if a secret must be
// generated.
func openEnvironment(g *cli.Globals, sh cli.Shell) (*environment, error) {
	env := &environment{sh: sh, log: g.Logger(sh, slog.LevelInfo)}
	warnExposed(sh, func(path, key string) {
		env.log.Warn("a secret in the configuration file can be read by other users, run chmod 600 on it", slog.String("path", path), slog.String("key", key))
	})
	var err error
	if env.databaseURL, err = cli.Variable(sh.Getenv, cli.DatabaseURL); err != nil {
		return nil, err
	}
	if env.dataDir, err = g.DataDir(sh); err != nil {
		return nil, err
	}
	env.migrations = g.Migrations(env.log)
	env.postgres = g.PostgresConfig(sh, env.dataDir, env.log)
	if env.secrets, err = openSecrets(sh.Getenv, env.dataDir, env.log); err != nil {
		return nil, fmt.Errorf("open the secrets: %w", err)
	}
	return env, nil
}
