package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"roomlog/projections"
)

type rebuildCommand struct {
	Rollback bool `xor:"how" help:"Switch back to the tables before the newest rebuild, which are kept for 7 days."`
	Force    bool `xor:"how" help:"Switch although the new tables differ from the old ones."`
	Quiet    bool `short:"q" help:"Say nothing while it goes on."`
}

// Help implements kong.HelpProvider.
func (rebuildCommand) Help() string {
	return `Folds the whole log into new tables while the old ones serve, compares, and switches in about a
millisecond. If they differ it names the differences and leaves the old ones in place: --force switches all the
same, which is what repairs a table that is wrong.`
}

// Run carries the command out.
func (c *rebuildCommand) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		config := projections.RebuildConfig{Now: sh.now, Log: g.logger(sh, slog.LevelWarn), Progress: progress(sh, c.Quiet), Force: c.Force}
		if c.Rollback {
			report, err := projections.Rollback(ctx, d.owner, config)
			if err != nil {
				return err
			}
			fmt.Fprintf(sh.stdout, "switched back: tables as of position %d, generation %d\n", report.Position, report.Generation)
			return nil
		}
		report, err := projections.Rebuild(ctx, d.owner, d.store, config)
		for _, difference := range report.Differences {
			fmt.Fprintf(sh.stdout, "table %s differs: %s\n", difference.Table, difference.Text)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(sh.stdout, "rebuilt: %d events up to position %d, %s, generation %d, in %s\n",
			report.Events, report.Position, rowsOf(report), report.Generation, report.Took.Round(time.Millisecond))
		return nil
	})
}
