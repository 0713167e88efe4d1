package admin

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/projections/rebuild"
)

type rebuildCommand struct {
	Rollback bool `xor:"mode" help:"Switch back to the tables before the newest rebuild, which are kept until the next rebuild."`
	Force    bool `xor:"mode" help:"Switch although the new tables differ from the old ones."`
	DropOld  bool `xor:"mode" help:"Only drop the tables that the newest rebuild has replaced, to free their space. A rollback is not possible afterwards."`
	Quiet    bool `short:"q" help:"Do not print progress."`
}

func (rebuildCommand) Help() string {
	return `Builds new tables from the whole log while the old ones are in use, compares both, and switches to the new ones in about a
millisecond. If they differ it prints the differences and keeps the old ones. --force switches nevertheless, which
repairs a table that is wrong. The replaced tables are kept until the next rebuild.`
}

func (c *rebuildCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		config := rebuild.Config{Now: sh.Now, Log: g.Logger(sh, slog.LevelWarn), Progress: progress(sh, c.Quiet), Force: c.Force, LockTimeout: g.LockTimeout}
		if c.DropOld {
			dropped, err := rebuild.DropOld(ctx, b.owner)
			if err != nil {
				return err
			}
			if len(dropped) == 0 {
				fmt.Fprintln(sh.Stdout, "there are no old tables to drop")
				return nil
			}
			fmt.Fprintf(sh.Stdout, "dropped: %s\n", strings.Join(dropped, ", "))
			return nil
		}
		if c.Rollback {
			report, err := rebuild.Rollback(ctx, b.owner, config)
			if err != nil {
				return err
			}
			fmt.Fprintf(sh.Stdout, "switched back: tables as of position %d, generation %d\n", report.Position, report.Generation)
			return nil
		}
		report, err := rebuild.Run(ctx, b.owner, b.store, config)
		for _, difference := range report.Differences {
			fmt.Fprintf(sh.Stdout, "table %s differs: %s\n", difference.Table, difference.Text)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(sh.Stdout, "rebuilt: %s up to position %d, %s, generation %d, in %s\n",
			cli.Count(report.Events, "event"), report.Position, rowCount(report), report.Generation, report.Took.Round(time.Millisecond))
		return nil
	})
}
