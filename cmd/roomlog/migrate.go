package main

import (
	"context"
	"fmt"
	"log/slog"

	"roomlog/migrations"
)

type migrateCommand struct{}

// Help implements kong.HelpProvider.
func (migrateCommand) Help() string {
	return `Does what is missing and nothing twice; several at once wait for each other. A database that a newer
roomlog has migrated is left alone.`
}

// Run carries the command out.
func (*migrateCommand) Run(ctx context.Context, g *globals, sh shell) (err error) {
	log := g.logger(sh, slog.LevelInfo)
	dsn, release, err := g.reach(ctx, sh, log)
	if err != nil {
		return err
	}
	defer func() {
		if stopped := release(); err == nil {
			err = stopped
		}
	}()
	result, err := migrations.Apply(ctx, dsn, log)
	if err != nil {
		return err
	}
	roles := "on"
	if !result.ServingRole {
		roles = "off"
	}
	fmt.Fprintf(sh.stdout, "the database is at migration %d, roles: %s\n", result.Version, roles)
	return nil
}
