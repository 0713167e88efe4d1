package serve

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
	"roomlog/internal/wait"
	"roomlog/projections"
	"roomlog/projections/rebuild"
)

// cleaner deletes expired rows, chat rooms and uploads at an interval. Several nodes may do so at the same time.
type cleaner struct {
	store    *eventstore.Store
	queries  *projections.Queries
	pool     *pgxpool.Pool
	dsn      string // connection string of the database with the rights of its owner
	log      *slog.Logger
	now      func() time.Time
	interval time.Duration
	keep     time.Duration // age at which the results of commands that move no coins are deleted
	rooms    *unusedRooms
	uploads  *unusedUploads
}

// Run deletes expired rows until ctx ends. It logs a failure and tries again at the next interval.
func (c *cleaner) Run(ctx context.Context) error {
	for wait.Sleep(ctx, c.interval) {
		commands, err := c.store.DeleteCommands(ctx, c.now().Add(-c.keep))
		c.logResult(ctx, "command", commands, err)
		credentials, err := projections.DeleteUnusedCredentials(ctx, c.pool)
		c.logResult(ctx, "credential", credentials, err)
		c.removeUnused(ctx)
		c.logResult(ctx, projections.NextSchema, 0, removeLeftovers(ctx, c.dsn, c.log))
	}
	return nil
}

// removeUnused removes the chat rooms and uploads that nobody uses. It does nothing if the tables are too far behind
// the log.
func (c *cleaner) removeUnused(ctx context.Context) {
	if err := c.queries.CheckLag(ctx, c.now()); err != nil {
		c.logResult(ctx, "chat_room, upload", 0, err)
		return
	}
	rooms, err := c.rooms.remove(ctx)
	c.logResult(ctx, "chat_room", rooms, err)
	uploads, err := c.uploads.remove(ctx)
	c.logResult(ctx, "upload", uploads, err)
}

// removeLeftovers drops the tables of a killed rebuild, with the rights of the database owner.
func removeLeftovers(ctx context.Context, dsn string, log *slog.Logger) error {
	owner, err := eventstore.OpenPool(ctx, dsn, eventstore.PoolOptions{MaxConns: 1, Name: "roomlog cleaner"})
	if err != nil {
		return err
	}
	defer owner.Close()
	return rebuild.RemoveLeftovers(ctx, owner, log)
}

func (c *cleaner) logResult(ctx context.Context, table string, rows int64, err error) {
	switch {
	case err != nil && ctx.Err() == nil:
		c.log.WarnContext(ctx, "cleaning failed, retrying at the next interval", slog.String("table", table), slog.Any("error", err))
	case rows > 0:
		c.log.InfoContext(ctx, "deleted expired rows", slog.String("table", table), slog.Int64("count", rows))
	}
}
