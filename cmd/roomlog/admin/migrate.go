package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"roomlog/cmd/roomlog/cli"
	"roomlog/migrations"
)

type migrateCommand struct{}

func (migrateCommand) Help() string {
	return `Creates the database in the data folder if there is none. Applies each missing migration once; concurrent runs wait for each other. A database that a newer roomlog has migrated
is not changed.`
}

func (*migrateCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) (err error) {
	log := g.Logger(sh, slog.LevelInfo)
	dsn, release, err := g.CreateDatabase(ctx, sh, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	result, err := migrations.Apply(ctx, dsn, g.Migrations(log))
	if err != nil {
		return err
	}
	roles := "on"
	if !result.ServingRole {
		roles = "off"
	}
	_, err = fmt.Fprintf(sh.Stdout, "the database is at migration %d, roles: %s\n", result.Version, roles)
	return err
}
